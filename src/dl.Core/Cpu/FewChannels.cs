// Convolution of images with few channels, as in the first layer of a network. Patches are short
// (9 to 147 elements), so gathering them for packed panels would cost more than the products. Here
// the patches of some rows of the image are laid down as lines of 16 elements, put together from
// whole runs (the kernel's width times the channels) by masked loads; forward and the gradient of
// the weights both read those. The bias is one more element of each patch, always 1.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Whether patches are better copied by runs than gathered.</summary>
    private static bool HasFewChannels(in ConvShape s) =>
        Avx512F.IsSupported && s.Groups == 1 && s.Channels < 8 && s.PatchSize <= 256
        && s.Dilation.Width == 1;

    private void FewChannelsForward(
        float* x, float* w, float* bias, float* y, in ConvShape s)
    {
        var patches = new PatchLines(x, s, true);
        int panels = (s.Filters + LineKernel.Columns - 1) / LineKernel.Columns;
        long panelFloats = (long)patches.Lines * Lane.Count * LineKernel.Columns;
        float* u = Shared(panels * panelFloats);
        new Span<float>(u, (int)(panels * panelFloats)).Clear();
        for (int k = 0; k < s.PatchSize + (bias == null ? 0 : 1); k++)
        {
            float* row = k < s.PatchSize ? w + ((long)k * s.Filters) : bias;
            for (int f = 0; f < s.Filters; f++)
            {
                u[(f / LineKernel.Columns * panelFloats) + (k * LineKernel.Columns)
                    + (f % LineKernel.Columns)] = row[f];
            }
        }
        float* work = Work(patches.Floats);
        _pool.Run(patches.Groups, new FewChannelsWork(patches, u, panelFloats, y, work));
    }

    /// <remarks>Parts of the rows by the sizes alone, added in order.</remarks>
    private void FewChannelsWeights(float* x, float* dy, float* dw, in ConvShape s, float beta)
    {
        const int MostParts = 16;
        var patches = new PatchLines(x, s, false);
        int parts = Math.Min(patches.Groups, MostParts);
        int padded = (s.Filters + Lane.Count - 1) & ~(Lane.Count - 1);
        long size = (long)patches.Lines * Lane.Count * padded;
        float* sums = Shared(parts * size);
        // Behind the patches, gradients of a group as rows of whole vectors.
        float* work = Work(patches.Floats + ((long)patches.GroupPixels * padded));
        _pool.Run(parts, new FewChannelsGradientWork(patches, dy, sums, size, parts, padded, work));
        Split((int)size, Math.Max(1, Grain / parts), new AddPartsRange(sums, size, parts));
        for (int k = 0; k < s.PatchSize; k++)
        {
            Scaled(sums + ((long)k * padded), dw + ((long)k * s.Filters), s.Filters, 1, beta);
        }
    }

    /// <summary>
    /// Patches of groups of output rows, [line][pixel][16]. Output rows count through the batch.
    /// </summary>
    private readonly struct PatchLines
    {
        /// <summary>Pixels of a group: their lines stay in the second cache.</summary>
        private const int Enough = 192;

        private readonly ConvShape _shape;
        private readonly float* _x;
        private readonly bool _ones;

        /// <param name="ones">Whether an element 1 for the bias follows the patch.</param>
        public PatchLines(float* x, in ConvShape shape, bool ones)
        {
            _x = x;
            _shape = shape;
            _ones = ones;
            Rows = shape.Batch * shape.OutHeight;
            Width = shape.OutWidth;
            GroupRows = Math.Clamp(Enough / Width, 1, Rows);
            Groups = (Rows + GroupRows - 1) / GroupRows;
            Lines = (shape.PatchSize + (ones ? Lane.Count : Lane.Count - 1)) / Lane.Count;
            // Tiles read 12 rows even where fewer are left.
            Step = (long)(GroupPixels + LineKernel.Rows) * Lane.Count;
        }

        public int Rows { get; }

        public int GroupRows { get; }

        public int Groups { get; }

        public int GroupPixels => GroupRows * Width;

        public int Lines { get; }

        public int Filters => _shape.Filters;

        public int PatchSize => _shape.PatchSize;

        /// <summary>Pixels of a row.</summary>
        public int Width { get; }

        /// <summary>Floats from a line to the next.</summary>
        public long Step { get; }

        /// <summary>Floats of a group.</summary>
        public long Floats => Step * Lines;

        /// <summary>Patches of rows [from, to).</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Fill(int from, int to, float* lines)
        {
            for (int row = from; row < to; row++)
            {
                float* target = lines + ((long)(row - from) * Width * Lane.Count);
                for (int line = 0; line < Lines; line++, target += Step)
                {
                    FillLine(row, line, target);
                }
            }
        }

        /// <summary>
        /// Elements [16 line, 16 line + 16) of the patches of an output row, put together from the
        /// runs of a few input rows.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void FillLine(int row, int line, float* target)
        {
            Run* runs = stackalloc Run[Lane.Count];
            Run* last = runs + FindRuns(row, line * Lane.Count, runs);
            int end = _shape.Width * _shape.Channels;
            int from = -_shape.Padding.Left * _shape.Channels;
            int step = _shape.Stride.Width * _shape.Channels;
            // What follows a patch: zeros, and the 1.
            V rest = _ones && line == Lines - 1
                ? Lane.Mask((PatchSize % Lane.Count) + 1) & ~Lane.Mask(PatchSize % Lane.Count)
                    & V.One
                : V.Zero;
            float* stop = target + (Width * Lane.Count);
            for (; target < stop; from += step, target += Lane.Count)
            {
                V v = rest;
                for (Run* run = runs; run < last; run++)
                {
                    // Lanes of the run whose element of the row exists.
                    int at = run->At + from;
                    int low = Math.Max(run->Low, -at), high = Math.Min(run->High, end - at);
                    V mask = Lane.Mask(high) & ~Lane.Mask(low);
                    v = Avx512F.MaskLoad(run->Source + at, mask, v);
                }
                v.Store(target);
            }
        }

        /// <summary>The runs that make up a line; none for rows outside the image.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private int FindRuns(int row, int first, Run* runs)
        {
            int b = row / _shape.OutHeight, y = row % _shape.OutHeight;
            int length = _shape.Kernel.Width * _shape.Channels, count = 0;
            for (int k = first; k < Math.Min(PatchSize, first + Lane.Count);)
            {
                int ky = k / length, at = k % length;
                int used = Math.Min(length - at, first + Lane.Count - k);
                int iy = (y * _shape.Stride.Height) + (ky * _shape.Dilation.Height)
                    - _shape.Padding.Top;
                if ((uint)iy < (uint)_shape.Height)
                {
                    runs[count++] = new Run
                    {
                        Source = _x
                            + ((((long)b * _shape.Height) + iy) * _shape.Width * _shape.Channels),
                        At = at - (k - first),
                        Low = k - first,
                        High = k - first + used,
                    };
                }
                k += used;
            }
            return count;
        }

        /// <summary>Lanes [Low, High) are elements At + lane of a row, for pixel 0.</summary>
        private struct Run
        {
            public float* Source;
            public int At;
            public int Low;
            public int High;
        }
    }

    /// <summary>Piece: a group of rows.</summary>
    private readonly struct FewChannelsWork(
        PatchLines patches, float* u, long panelFloats, float* y, float* work) : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int piece, int worker)
        {
            int from = piece * patches.GroupRows;
            int to = Math.Min(patches.Rows, from + patches.GroupRows);
            float* lines = work + (worker * patches.Floats);
            patches.Fill(from, to, lines);
            int pixels = (to - from) * patches.Width, filters = patches.Filters;
            float* target = y + ((long)from * patches.Width * filters);
            float* tile = stackalloc float[LineKernel.Rows * LineKernel.Columns];
            for (int i = 0; i < pixels; i += LineKernel.Rows)
            {
                int rows = Math.Min(LineKernel.Rows, pixels - i);
                for (int f = 0; f < filters; f += LineKernel.Columns)
                {
                    int columns = Math.Min(LineKernel.Columns, filters - f);
                    float* c = target + ((long)i * filters) + f;
                    float* panel = u + (f / LineKernel.Columns * panelFloats);
                    float* a = lines + (i * Lane.Count);
                    if (rows == LineKernel.Rows
                        && (columns == LineKernel.Columns || columns == Lane.Count))
                    {
                        LineKernel.Multiply(a, patches.Step, panel, patches.Lines, c, filters,
                            false, rows, columns);
                        continue;
                    }
                    LineKernel.Multiply(a, patches.Step, panel, patches.Lines, tile,
                        LineKernel.Columns, false, rows, columns);
                    for (int r = 0; r < rows; r++)
                    {
                        Scaled(tile + (r * LineKernel.Columns), c + ((long)r * filters), columns,
                            1, 0);
                    }
                }
            }
        }
    }

    /// <summary>Piece: a part of the groups, to sums[part], (16 lines, padded filters).</summary>
    private readonly struct FewChannelsGradientWork(
        PatchLines patches, float* dy, float* sums, long size, int parts, int padded, float* work)
        : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int part, int worker)
        {
            long floats = patches.Floats + ((long)patches.GroupPixels * padded);
            float* lines = work + (worker * floats);
            int first = (int)((long)patches.Groups * part / parts);
            int end = (int)((long)patches.Groups * (part + 1) / parts);
            for (int group = first; group < end; group++)
            {
                int from = group * patches.GroupRows;
                int to = Math.Min(patches.Rows, from + patches.GroupRows);
                patches.Fill(from, to, lines);
                int pixels = (to - from) * patches.Width;
                float* g = dy + ((long)from * patches.Width * patches.Filters);
                if (padded != patches.Filters)
                {
                    g = Padded(g, pixels, lines + patches.Floats);
                }
                Add(lines, g, pixels, sums + (part * size), group > first);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private float* Padded(float* g, int pixels, float* target)
        {
            for (int i = 0; i < pixels; i++)
            {
                for (int f = 0; f < padded; f += Lane.Count)
                {
                    Lane.Load(g + ((long)i * patches.Filters) + f,
                        Math.Clamp(patches.Filters - f, 0, Lane.Count))
                        .Store(target + ((long)i * padded) + f);
                }
            }
            return target;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Add(float* lines, float* g, int pixels, float* sum, bool add)
        {
            for (int f = 0; f < padded; f += LineKernel.Columns)
            {
                for (int k = 0; k < patches.PatchSize; k += LineKernel.OuterRows)
                {
                    float* a = lines + (k / Lane.Count * patches.Step) + (k % Lane.Count);
                    float* c = sum + ((long)k * padded) + f;
                    if (padded - f > Lane.Count)
                    {
                        LineKernel.AddOuter(
                            a, Lane.Count, g + f, padded, pixels, c, padded, add);
                    }
                    else
                    {
                        LineKernel.AddOuterNarrow(
                            a, Lane.Count, g + f, padded, pixels, c, padded, add);
                    }
                }
            }
        }
    }
}
