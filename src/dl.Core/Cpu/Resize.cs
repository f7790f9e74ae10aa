// Resizing, vectorised over channels. The gradient asks, for each input pixel, the outputs that may
// have read it, and weighs each by the same taps as the forward direction.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Resize(Storage x, Storage y, in ResizeShape shape) =>
        SplitRows(shape.Batch * shape.OutHeight, 4L * shape.OutWidth * shape.Channels,
            new ResizeRange(Floats(x), Floats(y), shape));

    public override void ResizeGradient(
        Storage dy, Storage dx, in ResizeShape shape, float beta) =>
        SplitRows(shape.Batch * shape.Height,
            4L * shape.OutWidth * shape.Channels
                * Math.Max(1, shape.OutHeight / Math.Max(1, shape.Height)),
            new ResizeGradientRange(Floats(dy), Floats(dx), shape, beta));

    /// <summary>
    /// The two pixels along one dimension that an output reads, and Share of High.
    /// </summary>
    private readonly record struct ResizeTaps(int Low, int High, float Share)
    {
        public static ResizeTaps Of(int o, int extent, float scale, in ResizeShape s)
        {
            float position = Math.Max((scale * (o + s.Shift)) - s.Shift, 0);
            int low = Math.Min((int)position, extent - 1);
            return new ResizeTaps(low, Math.Min(low + 1, extent - 1),
                s.Linear == 0 ? 0 : Math.Clamp(position - low, 0, 1));
        }

        /// <summary>By how much pixel i counts.</summary>
        public float Weight(int i) => (i == Low ? 1 - Share : 0) + (i == High ? Share : 0);

        /// <summary>
        /// Outputs that may read pixel i: the inverse of the position with a pixel to spare.
        /// </summary>
        public static Cover Readers(int i, int extent, int outputs, float scale, in ResizeShape s)
        {
            if (scale == 0)
            {
                return new Cover(0, outputs);
            }
            float first = ((i - 1 + s.Shift) / scale) - s.Shift;
            float last = ((i + 1 + s.Shift) / scale) - s.Shift;
            return new Cover(
                i == 0 ? 0 : (int)Math.Clamp(first - 1, 0, outputs),
                i == extent - 1 ? outputs : (int)Math.Clamp(last + 2, 0, outputs));
        }
    }

    private readonly struct ResizeRange(float* x, float* y, ResizeShape s) : IRange
    {
        /// <summary>Rows of the output, counted over the batch.</summary>
        public void Run(int from, int to)
        {
            long line = (long)s.Width * s.Channels;
            for (int row = from; row < to; row++)
            {
                float* image = x + (row / s.OutHeight * s.Height * line);
                var rows = ResizeTaps.Of(row % s.OutHeight, s.Height, s.ScaleY, s);
                for (int ox = 0; ox < s.OutWidth; ox++)
                {
                    Pixel(image + (rows.Low * line), image + (rows.High * line), rows.Share,
                        ResizeTaps.Of(ox, s.Width, s.ScaleX, s),
                        y + ((((long)row * s.OutWidth) + ox) * s.Channels));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(float* upper, float* lower, float down, ResizeTaps tap, float* target)
        {
            int channels = s.Channels;
            long left = (long)tap.Low * channels, right = (long)tap.High * channels;
            V share = Vector512.Create(tap.Share), rest = Vector512.Create(1 - tap.Share);
            V below = Vector512.Create(down), above = Vector512.Create(1 - down);
            for (int c = 0; c < channels; c += Lane.Count)
            {
                int count = Math.Min(Lane.Count, channels - c);
                V value = Lane.Load(upper + left + c, count);
                if (s.Linear != 0)
                {
                    V top = (rest * value) + (share * Lane.Load(upper + right + c, count));
                    V bottom = (rest * Lane.Load(lower + left + c, count))
                        + (share * Lane.Load(lower + right + c, count));
                    value = (above * top) + (below * bottom);
                }
                Lane.Store(target + c, value, count);
            }
        }
    }

    private readonly struct ResizeGradientRange(float* dy, float* dx, ResizeShape s, float beta)
        : IRange
    {
        /// <summary>Rows of the input, counted over the batch.</summary>
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                int iy = row % s.Height;
                float* image = dy
                    + ((long)(row / s.Height) * s.OutHeight * s.OutWidth * s.Channels);
                var rows = ResizeTaps.Readers(iy, s.Height, s.OutHeight, s.ScaleY, s);
                for (int ix = 0; ix < s.Width; ix++)
                {
                    Pixel(image, iy, ix, rows, dx + ((((long)row * s.Width) + ix) * s.Channels));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Pixel(float* image, int iy, int ix, Cover rows, float* target)
        {
            int channels = s.Channels;
            var columns = ResizeTaps.Readers(ix, s.Width, s.OutWidth, s.ScaleX, s);
            for (int c = 0; c < channels; c += Lane.Count)
            {
                int count = Math.Min(Lane.Count, channels - c);
                V sum = beta == 0 ? V.Zero : Lane.Load(target + c, count) * Vector512.Create(beta);
                for (int oy = rows.From; oy < rows.To; oy++)
                {
                    float up = ResizeTaps.Of(oy, s.Height, s.ScaleY, s).Weight(iy);
                    for (int ox = columns.From; up != 0 && ox < columns.To; ox++)
                    {
                        float weight = up * ResizeTaps.Of(ox, s.Width, s.ScaleX, s).Weight(ix);
                        if (weight != 0)
                        {
                            sum += Vector512.Create(weight) * Lane.Load(
                                image + ((((long)oy * s.OutWidth) + ox) * channels) + c, count);
                        }
                    }
                }
                Lane.Store(target + c, sum, count);
            }
        }
    }
}
