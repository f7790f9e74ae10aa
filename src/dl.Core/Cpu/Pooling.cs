// Pooling, vectorised over channels. Gradients ask, for each input pixel, the windows over it.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void MaxPool(Storage x, Storage y, Storage indices, in PoolShape shape)
    {
        int rows = shape.Batch * shape.OutHeight;
        if (shape.IsTiled)
        {
            SplitRows(rows, ForwardCost(shape),
                new MaxTileRange(Floats(x), Floats(y), Ints(indices), shape));
            return;
        }
        SplitRows(rows, ForwardCost(shape),
            new MaxPoolRange(Floats(x), Floats(y), Ints(indices), shape));
    }

    public override void MaxPoolGradient(
        Storage dy, Storage indices, Storage dx, in PoolShape shape, float beta)
    {
        if (shape.IsTiled)
        {
            SplitRows(shape.Batch * shape.OutHeight, ForwardCost(shape),
                new MaxTileGradientRange(Floats(dy), Ints(indices), Floats(dx), shape, beta));
            return;
        }
        SplitRows(shape.Batch * shape.Height, 4L * shape.Width * shape.Channels,
            new MaxPoolGradientRange(Floats(dy), Ints(indices), Floats(dx), shape, beta));
    }

    public override void MaxUnpoolGradient(
        Storage dy, Storage indices, Storage dx, in PoolShape shape, float beta) =>
        SplitRows(shape.Batch * shape.OutHeight, (long)shape.OutWidth * shape.Channels,
            new MaxUnpoolGradientRange(Floats(dy), Ints(indices), Floats(dx), shape, beta));

    public override void AveragePool(Storage x, Storage y, in PoolShape shape, bool countPadding)
    {
        int rows = shape.Batch * shape.OutHeight;
        if (shape.IsTiled)
        {
            SplitRows(rows, ForwardCost(shape), new AverageTileRange(Floats(x), Floats(y), shape));
            return;
        }
        SplitRows(rows, ForwardCost(shape),
            new AveragePoolRange(Floats(x), Floats(y), shape, countPadding));
    }

    public override void AveragePoolGradient(
        Storage dy, Storage dx, in PoolShape shape, bool countPadding, float beta)
    {
        if (shape.IsTiled)
        {
            SplitRows(shape.Batch * shape.OutHeight, ForwardCost(shape),
                new AverageTileGradientRange(Floats(dy), Floats(dx), shape, beta));
            return;
        }
        SplitRows(shape.Batch * shape.Height, 4L * shape.Width * shape.Channels,
            new AveragePoolGradientRange(Floats(dy), Floats(dx), shape, countPadding, beta));
    }

    /// <summary>Taps of a row of the output.</summary>
    private static long ForwardCost(in PoolShape s) =>
        (long)s.OutWidth * s.Channels * s.Window.Height * s.Window.Width;

    /// <summary>Along one dimension, windows [From, To) over a pixel, or taps inside.</summary>
    private readonly record struct Cover(int From, int To)
    {
        /// <summary>Pixels of window <paramref name="o"/> that are inside the image.</summary>
        public static Cover Taps(int o, int window, int stride, int pad, int extent)
        {
            int start = (o * stride) - pad;
            return new Cover(Math.Max(0, start), Math.Min(extent, start + window));
        }

        /// <summary>Windows that cover pixel <paramref name="i"/>.</summary>
        public static Cover Windows(int i, int window, int stride, int pad, int outputs)
        {
            int last = i + pad, first = last - window + 1;
            return new Cover(
                first <= 0 ? 0 : (first + stride - 1) / stride,
                Math.Min(outputs, (last / stride) + 1));
        }
    }

    private readonly struct MaxPoolRange(float* x, float* y, int* indices, PoolShape s) : IRange
    {
        /// <summary>Rows of the output, counted over the batch.</summary>
        public void Run(int from, int to)
        {
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            for (int row = from; row < to; row++)
            {
                float* image = x + ((long)(row / outHeight) * s.Height * s.Width * s.Channels);
                var rows = Cover.Taps(
                    row % outHeight, s.Window.Height, s.Stride.Height, s.Padding.Top, s.Height);
                for (int ox = 0; ox < outWidth; ox++)
                {
                    var columns = Cover.Taps(
                        ox, s.Window.Width, s.Stride.Width, s.Padding.Left, s.Width);
                    Pixel(image, rows, columns, (((long)row * outWidth) + ox) * s.Channels);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(float* image, Cover rows, Cover columns, long at)
        {
            int channels = s.Channels;
            for (int c = 0; c < channels; c += Lane.Count)
            {
                int count = Math.Min(Lane.Count, channels - c);
                V best = Vector512.Create(float.NegativeInfinity);
                // The first tap inside the image wins at the start, whatever its value.
                var where = Vector512.Create((rows.From * s.Width) + columns.From);
                for (int iy = rows.From; iy < rows.To; iy++)
                {
                    for (int ix = columns.From; ix < columns.To; ix++)
                    {
                        int pixel = (iy * s.Width) + ix;
                        V value = Lane.Load(image + ((long)pixel * channels) + c, count);
                        // NaN wins and stays.
                        V larger = Vector512.GreaterThan(value, best)
                            | Vector512.AndNot(Vector512.IsNaN(value), Vector512.IsNaN(best));
                        best = Vector512.ConditionalSelect(larger, value, best);
                        where = Vector512.ConditionalSelect(
                            larger.AsInt32(), Vector512.Create(pixel), where);
                    }
                }
                Lane.Store(y + at + c, best, count);
                Lane.Store((float*)(indices + at + c), where.AsSingle(), count);
            }
        }
    }

    private readonly struct MaxPoolGradientRange(
        float* dy, int* indices, float* dx, PoolShape s, float beta) : IRange
    {
        /// <summary>Rows of the input, counted over the batch.</summary>
        public void Run(int from, int to)
        {
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            for (int row = from; row < to; row++)
            {
                int iy = row % s.Height;
                long image = (long)(row / s.Height) * outHeight * outWidth * s.Channels;
                var rows = Cover.Windows(
                    iy, s.Window.Height, s.Stride.Height, s.Padding.Top, outHeight);
                for (int ix = 0; ix < s.Width; ix++)
                {
                    var columns = Cover.Windows(
                        ix, s.Window.Width, s.Stride.Width, s.Padding.Left, outWidth);
                    Pixel(image, rows, columns, outWidth, (iy * s.Width) + ix,
                        dx + ((((long)row * s.Width) + ix) * s.Channels));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(
            long image, Cover rows, Cover columns, int outWidth, int pixel, float* target)
        {
            int channels = s.Channels;
            var here = Vector512.Create(pixel);
            for (int c = 0; c < channels; c += Lane.Count)
            {
                int count = Math.Min(Lane.Count, channels - c);
                V sum = beta == 0 ? V.Zero : Lane.Load(target + c, count) * Vector512.Create(beta);
                for (int oy = rows.From; oy < rows.To; oy++)
                {
                    for (int ox = columns.From; ox < columns.To; ox++)
                    {
                        long at = image + ((((long)oy * outWidth) + ox) * channels) + c;
                        var where = Lane.Load((float*)(indices + at), count).AsInt32();
                        sum += Vector512.ConditionalSelect(
                            Vector512.Equals(where, here).AsSingle(), Lane.Load(dy + at, count),
                            V.Zero);
                    }
                }
                Lane.Store(target + c, sum, count);
            }
        }
    }

    private readonly struct MaxUnpoolGradientRange(
        float* dy, int* indices, float* dx, PoolShape s, float beta) : IRange
    {
        /// <summary>Rows of the pool's output, counted over the batch.</summary>
        public void Run(int from, int to)
        {
            int outHeight = s.OutHeight, row = s.OutWidth * s.Channels;
            for (int i = from; i < to; i++)
            {
                float* image = dy + ((long)(i / outHeight) * s.Height * s.Width * s.Channels);
                int* where = indices + ((long)i * row);
                float* target = dx + ((long)i * row);
                for (int ox = 0, at = 0; ox < s.OutWidth; ox++)
                {
                    for (int c = 0; c < s.Channels; c++, at++)
                    {
                        float value = image[((long)where[at] * s.Channels) + c];
                        target[at] = beta == 0 ? value : value + (beta * target[at]);
                    }
                }
            }
        }
    }

    private readonly struct AveragePoolRange(float* x, float* y, PoolShape s, bool countPadding)
        : IRange
    {
        public void Run(int from, int to)
        {
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            for (int row = from; row < to; row++)
            {
                float* image = x + ((long)(row / outHeight) * s.Height * s.Width * s.Channels);
                var rows = Cover.Taps(
                    row % outHeight, s.Window.Height, s.Stride.Height, s.Padding.Top, s.Height);
                for (int ox = 0; ox < outWidth; ox++)
                {
                    var columns = Cover.Taps(
                        ox, s.Window.Width, s.Stride.Width, s.Padding.Left, s.Width);
                    Pixel(image, rows, columns, (((long)row * outWidth) + ox) * s.Channels);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(float* image, Cover rows, Cover columns, long at)
        {
            int channels = s.Channels;
            V share = Vector512.Create(Share(s, rows, columns, countPadding));
            for (int c = 0; c < channels; c += Lane.Count)
            {
                int count = Math.Min(Lane.Count, channels - c);
                V sum = V.Zero;
                for (int iy = rows.From; iy < rows.To; iy++)
                {
                    for (int ix = columns.From; ix < columns.To; ix++)
                    {
                        sum += Lane.Load(
                            image + ((((long)iy * s.Width) + ix) * channels) + c, count);
                    }
                }
                Lane.Store(y + at + c, sum * share, count);
            }
        }

        /// <summary>One tap's share in a window's mean.</summary>
        public static float Share(in PoolShape s, Cover rows, Cover columns, bool countPadding)
        {
            int taps = countPadding
                ? s.Window.Height * s.Window.Width
                : Math.Max(0, rows.To - rows.From) * Math.Max(0, columns.To - columns.From);
            return taps == 0 ? 0 : 1f / taps;
        }
    }

    private readonly struct AveragePoolGradientRange(
        float* dy, float* dx, PoolShape s, bool countPadding, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            for (int row = from; row < to; row++)
            {
                float* image = dy + ((long)(row / s.Height) * outHeight * outWidth * s.Channels);
                var rows = Cover.Windows(
                    row % s.Height, s.Window.Height, s.Stride.Height, s.Padding.Top, outHeight);
                for (int ix = 0; ix < s.Width; ix++)
                {
                    var columns = Cover.Windows(
                        ix, s.Window.Width, s.Stride.Width, s.Padding.Left, outWidth);
                    Pixel(image, rows, columns, outWidth,
                        dx + ((((long)row * s.Width) + ix) * s.Channels));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(float* image, Cover rows, Cover columns, int outWidth, float* target)
        {
            int channels = s.Channels;
            for (int c = 0; c < channels; c += Lane.Count)
            {
                int count = Math.Min(Lane.Count, channels - c);
                V sum = beta == 0 ? V.Zero : Lane.Load(target + c, count) * Vector512.Create(beta);
                for (int oy = rows.From; oy < rows.To; oy++)
                {
                    var up = Cover.Taps(
                        oy, s.Window.Height, s.Stride.Height, s.Padding.Top, s.Height);
                    for (int ox = columns.From; ox < columns.To; ox++)
                    {
                        var across = Cover.Taps(
                            ox, s.Window.Width, s.Stride.Width, s.Padding.Left, s.Width);
                        V share = Vector512.Create(
                            AveragePoolRange.Share(s, up, across, countPadding));
                        sum += share * Lane.Load(
                            image + ((((long)oy * outWidth) + ox) * channels) + c, count);
                    }
                }
                Lane.Store(target + c, sum, count);
            }
        }
    }
}
