// One convolution by Winograd's tiles: where a tile's pixels lie, and the three steps around the
// products, from images, weights and to outputs, each over vectors of 16 channels.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>A map from images x to y by 3x3 weights; tiles count through the batch.</summary>
[SkipLocalsInit]
internal unsafe struct WinogradMap
{
    /// <summary>(batch, Height, Width, Channels).</summary>
    public float* X;
    public int Height;
    public int Width;
    public int Channels;

    /// <summary>(batch, OutHeight, OutWidth, Filters).</summary>
    public float* Y;
    public int OutHeight;
    public int OutWidth;
    public int Filters;

    /// <summary>Output (0, 0) sees inputs from (-Top, -Left) on.</summary>
    public int Top;
    public int Left;
    public int Batch;

    /// <summary>
    /// (3, 3, Channels, Filters); where turned, (3, 3, Filters, Channels), the last tap first.
    /// </summary>
    public float* W;
    public bool Turned;
    public float* Bias;
    public float Beta;

    public readonly int Down => (OutHeight + WinogradTransform.Out - 1) / WinogradTransform.Out;

    public readonly int Across => (OutWidth + WinogradTransform.Out - 1) / WinogradTransform.Out;

    public readonly int Tiles => Batch * Down * Across;

    /// <summary>Lines of 16 channels.</summary>
    public readonly int Lines => (Channels + Lane.Count - 1) / Lane.Count;

    /// <summary>Where a tile's 6x6 inputs lie; those outside the image at zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Inputs(int tile, int channel, float** pixels, float* zeros)
    {
        var (b, down, across) = Place(tile);
        Window(X + channel, b, Height, Width, Channels, (down * WinogradTransform.Out) - Top,
            (across * WinogradTransform.Out) - Left, WinogradTransform.In, pixels, zeros);
    }

    /// <summary>Where a tile's 4x4 outputs lie; those outside the image at outside.</summary>
    /// <returns>Whether all are inside.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly bool Outputs(int tile, int filter, float** pixels, float* outside)
    {
        var (b, down, across) = Place(tile);
        Window(Y + filter, b, OutHeight, OutWidth, Filters, down * WinogradTransform.Out,
            across * WinogradTransform.Out, WinogradTransform.Out, pixels, outside);
        return (down + 1) * WinogradTransform.Out <= OutHeight
            && (across + 1) * WinogradTransform.Out <= OutWidth;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly (int Batch, int Down, int Across) Place(int tile)
    {
        int row = tile / Across;
        return (row / Down, row % Down, tile % Across);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Window(
        float* image, int b, int height, int width, int channels, int top, int left, int size,
        float** pixels, float* outside)
    {
        for (int i = 0; i < size; i++)
        {
            bool inside = (uint)(top + i) < (uint)height;
            float* row = image + (((((long)b * height) + top + i) * width) + left) * channels;
            for (int j = 0; j < size; j++, row += channels)
            {
                *pixels++ = inside & (uint)(left + j) < (uint)width ? row : outside;
            }
        }
    }

    /// <summary>B' d B of tiles [from, to) as panels [lines][12][16] at v + point * step.</summary>
    /// <param name="zeros">16 lines zeros.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void TransformImages(int from, int to, float* v, long step, float* zeros)
    {
        float** pixels = stackalloc float*[2 * WinogradTransform.Points];
        float** next = pixels + WinogradTransform.Points;
        int panelFloats = LineKernel.Rows * Lines * Lane.Count;
        Inputs(from, 0, pixels, zeros);
        for (int tile = from; tile < to; tile++)
        {
            int at = tile - from;
            float* target = v + (at / LineKernel.Rows * (long)panelFloats)
                + (at % LineKernel.Rows * Lane.Count);
            Inputs(Math.Min(tile + 1, Tiles - 1), 0, next, zeros);
            for (int c = 0; c < Channels; c += Lane.Count)
            {
                WinogradTransform.FetchInputs(next, c);
                WinogradTransform.Image(pixels, c, Math.Min(Lane.Count, Channels - c),
                    target + (c * LineKernel.Rows), step);
            }
            float** done = pixels;
            pixels = next;
            next = done;
        }
    }

    /// <summary>G g G' of a line of channels by a panel of filters at u + point * step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void TransformWeights(int line, int panel, float* u, long step)
    {
        int channel = line * Lane.Count, channels = Math.Min(Lane.Count, Channels - channel);
        long stepG = Turned ? Lane.Count * Lane.Count : (long)Channels * Filters;
        float* square = stackalloc float[9 * Lane.Count * Lane.Count];
        for (int half = 0; half < LineKernel.Columns; half += Lane.Count)
        {
            int filter = (panel * LineKernel.Columns) + half;
            int filters = Math.Clamp(Filters - filter, 0, Lane.Count);
            if (Turned && filters > 0)
            {
                Turn(square, filter, filters, channel, channels);
            }
            for (int c = 0; c < Lane.Count; c++)
            {
                float* g = Turned
                    ? square + (c * Lane.Count)
                    : W + (((long)channel + c) * Filters) + filter;
                // The next line's: rows are too far apart for the processor to foresee them.
                float* later = g + ((long)Lane.Count * Filters);
                for (int tap = 0; tap < 9 && !Turned; tap++, later += stepG)
                {
                    WinogradTransform.Fetch(later);
                }
                WinogradTransform.Weights(g, stepG, c < channels ? filters : 0,
                    u + (c * LineKernel.Columns) + half, step);
            }
        }
    }

    /// <summary>A' m A of tiles [from, to) with bias and beta to y.</summary>
    /// <param name="m">Rows of a panel of filters, at m + point * step.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void WriteOutputs(float* m, long step, int from, int to, int panel)
    {
        const int Pixels = WinogradTransform.Out * WinogradTransform.Out;
        float** pixels = stackalloc float*[2 * Pixels];
        float** next = pixels + Pixels;
        float* memory = stackalloc float[(Pixels + 1) * Lane.Count];
        float* y = WinogradTransform.Aligned(memory);
        long stepRow = (long)OutWidth * Filters;
        int filter = panel * LineKernel.Columns;
        for (int tile = from; tile < to; tile++, m += LineKernel.Columns)
        {
            bool plain = Outputs(tile, filter, pixels, null) && Beta == 0;
            Outputs(Math.Min(tile + 1, Tiles - 1), filter, next, null);
            for (int f = 0; f < Math.Min(LineKernel.Columns, Filters - filter); f += Lane.Count)
            {
                int count = Math.Min(Lane.Count, Filters - filter - f);
                V bias = Bias == null ? V.Zero : Lane.Load(Bias + filter + f, count);
                WinogradTransform.FetchOutputs(next, f);
                if (plain && count == Lane.Count)
                {
                    WinogradTransform.Outputs(
                        m + f, step, bias, pixels[0] + f, stepRow, Filters);
                    continue;
                }
                WinogradTransform.Outputs(
                    m + f, step, bias, y, WinogradTransform.Out * Lane.Count, Lane.Count);
                for (int i = 0; i < Pixels; i++)
                {
                    if (pixels[i] != null)
                    {
                        Put(pixels[i] + f, Vector512.Load(y + (i * Lane.Count)), count);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Put(float* y, V value, int count)
    {
        if (Beta != 0)
        {
            value += Vector512.Create(Beta) * Lane.Load(y, count);
        }
        Lane.Store(y, value, count);
    }

    /// <summary>Weights (3, 3, filters, channels) as [8 - tap][channel][filter].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Turn(
        float* square, int filter, int filters, int channel, int channels)
    {
        float** rows = stackalloc float*[Lane.Count];
        float* padded = stackalloc float[Lane.Count * Lane.Count];
        for (int tap = 0; tap < 9; tap++)
        {
            float* from = W + ((((8L - tap) * Filters) + filter) * Channels) + channel;
            for (int i = 0; i < Lane.Count; i++)
            {
                rows[i] = padded + (i * Lane.Count);
                if (i < filters)
                {
                    WinogradTransform.Fetch(from + ((long)i * Channels) + Lane.Count);
                    Lane.Load(from + ((long)i * Channels), channels).Store(rows[i]);
                }
            }
            Panel.Transpose(rows, Lane.Count, square + (tap * Lane.Count * Lane.Count),
                Lane.Count);
        }
    }
}
