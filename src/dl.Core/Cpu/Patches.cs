// The patches of an image as operands of a product, gathered while they are packed, so that no
// patch matrix ever lies in memory. A row is a pixel of a grid, a depth is a tap and a channel:
// forward, the taps are the kernel's; for the gradient of the input, the taps that reach a pixel.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dl.Cpu;

/// <summary>Pixels of a grid see pixels of an image: at * step + the tap's offset.</summary>
internal unsafe struct PatchGrid
{
    /// <summary>First element of the image, (batch, Height, Width, Channels).</summary>
    public float* Image;
    public int Height;
    public int Width;
    public int Channels;

    /// <summary>Channels that take part, from batch * Used on: one group's.</summary>
    public int Used;

    /// <summary>The grid is (batch, RowsDown, RowsAcross).</summary>
    public int RowsDown;
    public int RowsAcross;
    public int StepY;
    public int StepX;

    /// <summary>Offsets of each tap.</summary>
    public int* TapY;
    public int* TapX;
    public int Taps;

    /// <summary>Element of the image at (b, y, x), or null outside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float* At(int b, int y, int x) =>
        (uint)y < (uint)Height && (uint)x < (uint)Width
            ? Image + (((((long)b * Height) + y) * Width) + x) * Channels
            : null;
}

/// <summary>Patches as rows.</summary>
[SkipLocalsInit]
internal readonly unsafe struct PatchRows(PatchGrid grid) : ILeft
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* panels, int batch, int row, int rows, int depth, int count)
    {
        float** from = stackalloc float*[Lane.Count];
        float** bases = stackalloc float*[Lane.Count];
        int* y = stackalloc int[MicroKernel.Rows], x = stackalloc int[MicroKernel.Rows];
        for (int i = MicroKernel.Rows; i < Lane.Count; i++)
        {
            from[i] = Panel.Zeros;
        }
        int pixels = grid.RowsDown * grid.RowsAcross;
        for (int start = 0; start < rows; start += MicroKernel.Rows)
        {
            for (int i = 0; i < MicroKernel.Rows; i++)
            {
                int p = row + start + i;
                int b = p / pixels, at = p - (b * pixels);
                int down = at / grid.RowsAcross, across = at - (down * grid.RowsAcross);
                y[i] = down * grid.StepY;
                x[i] = across * grid.StepX;
                // Beyond the last row everything is outside.
                y[i] = start + i < rows ? y[i] : int.MinValue / 2;
                bases[i] = grid.Image + ((long)batch * grid.Used)
                    + (((((long)b * grid.Height) + y[i]) * grid.Width) + x[i]) * grid.Channels;
            }
            PackPanel(panels, bases, from, y, x, depth, count);
            panels += count * MicroKernel.Rows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackPanel(
        float* panel, float** bases, float** from, int* y, int* x, int depth, int count)
    {
        int tap = depth / grid.Used, channel = depth - (tap * grid.Used);
        while (count > 0)
        {
            int run = Math.Min(count, grid.Used - channel);
            int dy = grid.TapY[tap], dx = grid.TapX[tap];
            long offset = ((((long)dy * grid.Width) + dx) * grid.Channels) + channel;
            for (int i = 0; i < MicroKernel.Rows; i++)
            {
                bool inside = (uint)(y[i] + dy) < (uint)grid.Height
                    & (uint)(x[i] + dx) < (uint)grid.Width;
                from[i] = inside ? bases[i] + offset : Panel.Zeros;
            }
            if (run < 4)
            {
                for (int k = 0; k < run; k++)
                {
                    for (int i = 0; i < MicroKernel.Rows; i++)
                    {
                        panel[(k * MicroKernel.Rows) + i] = from[i][k];
                    }
                }
            }
            else
            {
                Panel.Transpose(from, run, panel, MicroKernel.Rows);
            }
            panel += run * MicroKernel.Rows;
            count -= run;
            channel = 0;
            tap++;
        }
    }
}

/// <summary>Patches as columns: depth is a pixel of the grid, column a tap and a channel.</summary>
internal readonly unsafe struct PatchColumns(PatchGrid grid) : IRight
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* panels, int batch, int depth, int count, int column, int columns)
    {
        for (int j = 0; j < columns; j += MicroKernel.Columns)
        {
            int width = Math.Min(MicroKernel.Columns, columns - j);
            if (width < MicroKernel.Columns)
            {
                new Span<float>(panels, count * MicroKernel.Columns).Clear();
            }
            int done = 0;
            while (done < width)
            {
                int tap = (column + j + done) / grid.Used;
                int channel = (column + j + done) - (tap * grid.Used);
                int run = Math.Min(width - done, grid.Used - channel);
                PackRun(panels + done, batch, depth, count, tap, channel, run);
                done += run;
            }
            panels += count * MicroKernel.Columns;
        }
    }

    /// <summary>One tap's run of channels, for all pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackRun(
        float* panel, int batch, int depth, int count, int tap, int channel, int run)
    {
        int dy = grid.TapY[tap], dx = grid.TapX[tap];
        int pixels = grid.RowsDown * grid.RowsAcross;
        int b = depth / pixels, at = depth - (b * pixels);
        int down = at / grid.RowsAcross, across = at - (down * grid.RowsAcross);
        long first = ((long)batch * grid.Used) + channel;
        for (int k = 0; k < count;)
        {
            // As far as the row of the grid goes.
            int end = Math.Min(count, k + grid.RowsAcross - across);
            int y = (down * grid.StepY) + dy, x = (across * grid.StepX) + dx;
            bool inside = (uint)y < (uint)grid.Height;
            float* p = grid.Image + first
                + (((((long)b * grid.Height) + y) * grid.Width) + x) * grid.Channels;
            long step = (long)grid.StepX * grid.Channels;
            for (; k < end; k++, x += grid.StepX, p += step, panel += MicroKernel.Columns)
            {
                float* from = inside & (uint)x < (uint)grid.Width ? p : Panel.Zeros;
                if (run == MicroKernel.Columns)
                {
                    Vector512.Load(from).Store(panel);
                    Vector512.Load(from + Lane.Count).Store(panel + Lane.Count);
                }
                else if (run == 1)
                {
                    *panel = *from;
                }
                else
                {
                    Lane.Store(panel, Lane.Load(from, run), run);
                    if (run > Lane.Count)
                    {
                        int rest = run - Lane.Count;
                        Lane.Store(panel + Lane.Count, Lane.Load(from + Lane.Count, rest), rest);
                    }
                }
            }
            across = 0;
            if (++down == grid.RowsDown)
            {
                (down, b) = (0, b + 1);
            }
        }
    }
}

/// <summary>Weights (taps, channels, filters) as filters x channels, tap by tap.</summary>
internal readonly unsafe struct TurnedWeights(
    float* weights, int* taps, int channels, int filters, int groupFilters) : IRight
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* panels, int batch, int depth, int count, int column, int columns)
    {
        for (int j = 0; j < columns; j += MicroKernel.Columns)
        {
            int width = Math.Min(MicroKernel.Columns, columns - j);
            int tap = depth / groupFilters, filter = depth - (tap * groupFilters);
            int left = count;
            while (left > 0)
            {
                int run = Math.Min(left, groupFilters - filter);
                float* from = weights + ((((long)taps[tap] * channels) + column + j) * filters)
                    + ((long)batch * groupFilters) + filter;
                Panel.Transpose(from, filters, width, run, panels, MicroKernel.Columns);
                panels += run * MicroKernel.Columns;
                left -= run;
                filter = 0;
                tap++;
            }
        }
    }
}
