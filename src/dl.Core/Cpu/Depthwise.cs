// Depthwise convolution: every channel has filters of its own, so there is no product to block.
// Channels with one filter each, the common case, are in DepthwiseLines.cs; the loops here, over
// pixels and taps, do what is left.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Rows of dy that one piece of the gradient of the weights adds up.</summary>
    private const int DepthwiseRows = 64;

    private static bool HasLines(in ConvShape s) =>
        s.Filters == s.Channels && s.Kernel.Height * s.Kernel.Width <= MostTaps;

    private void Depthwise(float* x, float* w, float* bias, float* y, in ConvShape s)
    {
        int rows = s.Batch * s.OutHeight;
        long cost = (long)s.OutWidth * s.Filters * s.PatchSize;
        if (HasWindow(s))
        {
            SplitRows(rows, cost, new WindowRange(x, w, bias, y, s));
            return;
        }
        if (HasLines(s))
        {
            SplitRows(rows, cost, new DepthwiseLines(x, w, bias, y, s));
            return;
        }
        SplitRows(rows, cost, new DepthwiseRange(x, w, bias, y, s));
    }

    private void DepthwiseInput(float* dy, float* w, float* dx, in ConvShape s, float beta)
    {
        int rows = s.Batch * s.Height;
        long cost = (long)s.Width * s.Filters * s.PatchSize;
        if (HasWindow(s))
        {
            SplitRows(rows, cost, new WindowInputRange(dy, w, dx, s, beta));
            return;
        }
        if (HasLines(s))
        {
            SplitRows(rows, cost, new DepthwiseInputLines(dy, w, dx, s, beta));
            return;
        }
        SplitRows(rows, cost, new DepthwiseInputRange(dy, w, dx, s, beta));
    }

    private void DepthwiseWeights(float* x, float* dy, float* dw, in ConvShape s, float beta)
    {
        int rows = s.Batch * s.OutHeight, size = s.PatchSize * s.Filters;
        int parts = (rows + DepthwiseRows - 1) / DepthwiseRows;
        float* sums = Shared((long)parts * size);
        long cost = (long)DepthwiseRows * s.OutWidth * size;
        if (HasWindow(s))
        {
            SplitRows(parts, cost, new WindowWeightRange(x, dy, sums, s));
        }
        else if (HasLines(s))
        {
            SplitRows(parts, cost, new DepthwiseWeightLines(x, dy, sums, s));
        }
        else
        {
            SplitRows(parts, cost, new DepthwiseWeightRange(x, dy, sums, s));
        }
        Split(size, Math.Max(1, Grain / parts), new AddPartsRange(sums, size, parts));
        Scaled(sums, dw, size, 1, beta);
    }

    /// <summary>Rows of y, counted over the batch.</summary>
    private readonly struct DepthwiseRange(float* x, float* w, float* bias, float* y, ConvShape s)
        : IRange
    {
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                int b = row / s.OutHeight;
                int top = (row % s.OutHeight * s.Stride.Height) - s.Padding.Top;
                for (int ox = 0; ox < s.OutWidth; ox++)
                {
                    Pixel(x + ((long)b * s.Height * s.Width * s.Channels), top,
                        (ox * s.Stride.Width) - s.Padding.Left,
                        y + ((((long)row * s.OutWidth) + ox) * s.Filters));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(float* image, int top, int left, float* target)
        {
            int each = s.GroupFilters;
            for (int f = 0; f < s.Filters; f += Lane.Count)
            {
                int count = Math.Min(Lane.Count, s.Filters - f);
                V sum = bias == null ? V.Zero : Lane.Load(bias + f, count);
                for (int tap = 0; tap < s.Kernel.Height * s.Kernel.Width; tap++)
                {
                    int iy = top + (tap / s.Kernel.Width * s.Dilation.Height);
                    int ix = left + (tap % s.Kernel.Width * s.Dilation.Width);
                    if ((uint)iy < (uint)s.Height && (uint)ix < (uint)s.Width)
                    {
                        float* p = image + ((((long)iy * s.Width) + ix) * s.Channels);
                        V value = each == 1 ? Lane.Load(p + f, count) : Repeated(p, f, count, each);
                        sum = Vector512.FusedMultiplyAdd(
                            value, Lane.Load(w + ((long)tap * s.Filters) + f, count), sum);
                    }
                }
                Lane.Store(target + f, sum, count);
            }
        }
    }

    /// <summary>The channels of filters f to f + count, each of which has several.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V Repeated(float* p, int f, int count, int each)
    {
        float* values = stackalloc float[Lane.Count];
        V.Zero.Store(values);
        for (int i = 0; i < count; i++)
        {
            values[i] = p[(f + i) / each];
        }
        return Vector512.Load(values);
    }

    /// <summary>Rows of dx, counted over the batch.</summary>
    private readonly struct DepthwiseInputRange(
        float* dy, float* w, float* dx, ConvShape s, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                int b = row / s.Height, iy = row % s.Height;
                float* image = dy + ((long)b * s.OutHeight * s.OutWidth * s.Filters);
                for (int ix = 0; ix < s.Width; ix++)
                {
                    float* target = dx + ((((long)row * s.Width) + ix) * s.Channels);
                    for (int c = 0; c < s.Channels; c += Lane.Count)
                    {
                        int count = Math.Min(Lane.Count, s.Channels - c);
                        V sum = Sum(image, iy, ix, c, count);
                        sum = beta == 0
                            ? sum : sum + (Vector512.Create(beta) * Lane.Load(target + c, count));
                        Lane.Store(target + c, sum, count);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private V Sum(float* image, int iy, int ix, int c, int count)
        {
            int each = s.GroupFilters;
            V sum = V.Zero;
            for (int tap = 0; tap < s.Kernel.Height * s.Kernel.Width; tap++)
            {
                int fromY = iy + s.Padding.Top - (tap / s.Kernel.Width * s.Dilation.Height);
                int fromX = ix + s.Padding.Left - (tap % s.Kernel.Width * s.Dilation.Width);
                int oy = fromY / s.Stride.Height, ox = fromX / s.Stride.Width;
                if (fromY < 0 || fromX < 0 || oy >= s.OutHeight || ox >= s.OutWidth
                    || oy * s.Stride.Height != fromY || ox * s.Stride.Width != fromX)
                {
                    continue;
                }
                float* p = image + ((((long)oy * s.OutWidth) + ox) * s.Filters);
                float* q = w + ((long)tap * s.Filters);
                if (each == 1)
                {
                    sum = Vector512.FusedMultiplyAdd(
                        Lane.Load(p + c, count), Lane.Load(q + c, count), sum);
                    continue;
                }
                for (int i = 0; i < count; i++)
                {
                    float value = sum[i];
                    for (int f = (c + i) * each; f < (c + i + 1) * each; f++)
                    {
                        value += p[f] * q[f];
                    }
                    sum = sum.WithElement(i, value);
                }
            }
            return sum;
        }
    }

    /// <summary>Parts of the rows of dy: sums[part] is as large as w.</summary>
    private readonly struct DepthwiseWeightRange(
        float* x, float* dy, float* sums, ConvShape s) : IRange
    {
        public void Run(int from, int to)
        {
            int rows = s.Batch * s.OutHeight, size = s.PatchSize * s.Filters;
            for (int part = from; part < to; part++)
            {
                float* sum = sums + ((long)part * size);
                new Span<float>(sum, size).Clear();
                int end = Math.Min(rows, (part + 1) * DepthwiseRows);
                for (int row = part * DepthwiseRows; row < end; row++)
                {
                    for (int tap = 0; tap < s.Kernel.Height * s.Kernel.Width; tap++)
                    {
                        Row(row, tap, sum + ((long)tap * s.Filters));
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Row(int row, int tap, float* sum)
        {
            int each = s.GroupFilters;
            int iy = (row % s.OutHeight * s.Stride.Height) - s.Padding.Top
                + (tap / s.Kernel.Width * s.Dilation.Height);
            if ((uint)iy >= (uint)s.Height)
            {
                return;
            }
            float* line = x
                + ((((long)(row / s.OutHeight) * s.Height) + iy) * s.Width * s.Channels);
            int left = (tap % s.Kernel.Width * s.Dilation.Width) - s.Padding.Left;
            for (int f = 0; f < s.Filters; f += Lane.Count)
            {
                int count = Math.Min(Lane.Count, s.Filters - f);
                V total = Lane.Load(sum + f, count);
                for (int ox = 0; ox < s.OutWidth; ox++)
                {
                    int ix = (ox * s.Stride.Width) + left;
                    if ((uint)ix < (uint)s.Width)
                    {
                        float* p = line + ((long)ix * s.Channels);
                        V value = each == 1 ? Lane.Load(p + f, count) : Repeated(p, f, count, each);
                        total = Vector512.FusedMultiplyAdd(value, Lane.Load(
                            dy + ((((long)row * s.OutWidth) + ox) * s.Filters) + f, count), total);
                    }
                }
                Lane.Store(sum + f, total, count);
            }
        }
    }
}
