// Depthwise convolution where each channel has one filter, for any kernel, stride and dilation. A
// line of outputs is a sum of taps, each a line of inputs times one weight a channel; so forward
// and the gradient of the input are one loop over different taps. Eight neighbouring
// outputs of 16 channels stay in registers while the taps go by. Where an output lies too near the
// border for some tap, it is computed alone.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>A kernel with more taps takes the plain loops.</summary>
    private const int MostTaps = 256;

    /// <summary>
    /// What one weight sees along a line: output p reads Source + p * step if From &lt;= p &lt; To.
    /// </summary>
    private struct LineTap
    {
        public float* Source, Weight;
        public int From, To;
    }

    /// <summary>Rows of y, counted over the batch.</summary>
    private readonly struct DepthwiseLines(float* x, float* w, float* bias, float* y, ConvShape s)
        : IRange
    {
        public void Run(int from, int to)
        {
            LineTap* taps = stackalloc LineTap[s.Kernel.Height * s.Kernel.Width];
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            for (int row = from; row < to; row++)
            {
                float* image = x + ((long)(row / outHeight) * s.Height * s.Width * s.Channels);
                int count = ForwardTaps(taps, image, w, row % outHeight, s);
                new Line(taps, count, outWidth, (long)s.Stride.Width * s.Channels,
                    y + ((long)row * outWidth * s.Channels), s.Channels, bias, 0)
                    .Run(s.Channels);
            }
        }
    }

    /// <summary>The taps of row oy that lie inside the image, kernel row by kernel row.</summary>
    private static int ForwardTaps(LineTap* taps, float* image, float* w, int oy, in ConvShape s)
    {
        int count = 0, outWidth = s.OutWidth, step = s.Stride.Width;
        for (int tap = 0; tap < s.Kernel.Height * s.Kernel.Width; tap++)
        {
            int iy = (oy * s.Stride.Height) - s.Padding.Top
                + (tap / s.Kernel.Width * s.Dilation.Height);
            int shift = (tap % s.Kernel.Width * s.Dilation.Width) - s.Padding.Left;
            if ((uint)iy < (uint)s.Height && shift < s.Width)
            {
                taps[count++] = new LineTap
                {
                    Source = image + ((((long)iy * s.Width) + shift) * s.Channels),
                    Weight = w + ((long)tap * s.Channels),
                    From = shift < 0 ? (step - 1 - shift) / step : 0,
                    To = Math.Min(outWidth, ((s.Width - 1 - shift) / step) + 1),
                };
            }
        }
        return count;
    }

    /// <summary>
    /// Rows of dx, counted over the batch. With a stride, pixels that lie as many steps apart are
    /// reached by the same taps, so they form lines of their own.
    /// </summary>
    private readonly struct DepthwiseInputLines(
        float* dy, float* w, float* dx, ConvShape s, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            LineTap* taps = stackalloc LineTap[s.Kernel.Height * s.Kernel.Width];
            int step = s.Stride.Width;
            for (int row = from; row < to; row++)
            {
                for (int first = 0; first < Math.Min(step, s.Width); first++)
                {
                    int pixels = (s.Width - first + step - 1) / step;
                    int count = Taps(taps, row, first, pixels);
                    new Line(taps, count, pixels, s.Channels,
                        dx + ((((long)row * s.Width) + first) * s.Channels),
                        (long)step * s.Channels, null, beta).Run(s.Channels);
                }
            }
        }

        /// <summary>Pixel first + p * step was seen by output shift + p through a tap.</summary>
        private int Taps(LineTap* taps, int row, int first, int pixels)
        {
            int count = 0, outHeight = s.OutHeight, outWidth = s.OutWidth;
            float* image = dy + ((long)(row / s.Height) * outHeight * outWidth * s.Channels);
            for (int tap = 0; tap < s.Kernel.Height * s.Kernel.Width; tap++)
            {
                int down = (row % s.Height) + s.Padding.Top
                    - (tap / s.Kernel.Width * s.Dilation.Height);
                int across = first + s.Padding.Left - (tap % s.Kernel.Width * s.Dilation.Width);
                int oy = down / s.Stride.Height, shift = across / s.Stride.Width;
                // Exact division keeps its sign; outputs left of the first are cut off by From.
                if (down >= 0 && oy < outHeight && oy * s.Stride.Height == down
                    && shift * s.Stride.Width == across && shift < outWidth)
                {
                    taps[count++] = new LineTap
                    {
                        Source = image + ((((long)oy * outWidth) + shift) * s.Channels),
                        Weight = w + ((long)tap * s.Channels),
                        From = Math.Max(0, -shift),
                        To = Math.Min(pixels, outWidth - shift),
                    };
                }
            }
            return count;
        }
    }

    /// <summary>
    /// target[p] = bias + sum over taps of source[p] * weight + beta * target[p], for every pixel p
    /// of a line and every channel.
    /// </summary>
    private readonly struct Line(
        LineTap* taps, int count, int pixels, long step, float* target, long targetStep,
        float* bias, float beta)
    {
        public void Run(int channels)
        {
            // Pixels [from, to) are inside for all taps.
            int from = 0, to = pixels;
            for (int i = 0; i < count; i++)
            {
                from = Math.Max(from, taps[i].From);
                to = Math.Min(to, taps[i].To);
            }
            // All channels of a few pixels, then the next pixels: memory is read in its order.
            for (int p = 0, many; p < pixels; p += many)
            {
                many = p < from || p + 4 > to ? 1 : p + 8 > to ? 4 : 8;
                int c = 0;
                for (; c + Lane.Count <= channels; c += Lane.Count)
                {
                    Pixels<WholeLane>(many, c, Lane.Count, p);
                }
                if (c < channels)
                {
                    Pixels<PartLane>(many, c, channels - c, p);
                }
            }
        }

        private void Pixels<T>(int many, int c, int lanes, int p)
            where T : struct, ILane
        {
            switch (many)
            {
                case 8:
                    Eight<T>(c, lanes, p);
                    break;
                case 4:
                    Four<T>(c, lanes, p);
                    break;
                default:
                    Alone<T>(c, lanes, p);
                    break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private V Start<T>(int c, int lanes, long p)
            where T : struct, ILane =>
            beta != 0 ? Vector512.Create(beta) * T.Load(target + (p * targetStep) + c, lanes)
            : bias != null ? T.Load(bias + c, lanes) : V.Zero;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Eight<T>(int c, int lanes, long p)
            where T : struct, ILane
        {
            V y0 = Start<T>(c, lanes, p), y1 = Start<T>(c, lanes, p + 1);
            V y2 = Start<T>(c, lanes, p + 2), y3 = Start<T>(c, lanes, p + 3);
            V y4 = Start<T>(c, lanes, p + 4), y5 = Start<T>(c, lanes, p + 5);
            V y6 = Start<T>(c, lanes, p + 6), y7 = Start<T>(c, lanes, p + 7);
            long offset = (p * step) + c, s2 = 2 * step, s4 = 4 * step;
            for (int i = 0; i < count; i++)
            {
                V w = T.Load(taps[i].Weight + c, lanes);
                float* x = taps[i].Source + offset;
                float* far = x + s4;
                y0 = Vector512.FusedMultiplyAdd(T.Load(x, lanes), w, y0);
                y1 = Vector512.FusedMultiplyAdd(T.Load(x + step, lanes), w, y1);
                y2 = Vector512.FusedMultiplyAdd(T.Load(x + s2, lanes), w, y2);
                y3 = Vector512.FusedMultiplyAdd(T.Load(x + s2 + step, lanes), w, y3);
                y4 = Vector512.FusedMultiplyAdd(T.Load(far, lanes), w, y4);
                y5 = Vector512.FusedMultiplyAdd(T.Load(far + step, lanes), w, y5);
                y6 = Vector512.FusedMultiplyAdd(T.Load(far + s2, lanes), w, y6);
                y7 = Vector512.FusedMultiplyAdd(T.Load(far + s2 + step, lanes), w, y7);
            }
            float* y = target + (p * targetStep) + c;
            T.Store(y, y0, lanes);
            T.Store(y + targetStep, y1, lanes);
            T.Store(y + (2 * targetStep), y2, lanes);
            T.Store(y + (3 * targetStep), y3, lanes);
            T.Store(y + (4 * targetStep), y4, lanes);
            T.Store(y + (5 * targetStep), y5, lanes);
            T.Store(y + (6 * targetStep), y6, lanes);
            T.Store(y + (7 * targetStep), y7, lanes);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Four<T>(int c, int lanes, long p)
            where T : struct, ILane
        {
            V y0 = Start<T>(c, lanes, p), y1 = Start<T>(c, lanes, p + 1);
            V y2 = Start<T>(c, lanes, p + 2), y3 = Start<T>(c, lanes, p + 3);
            long offset = (p * step) + c;
            for (int i = 0; i < count; i++)
            {
                V w = T.Load(taps[i].Weight + c, lanes);
                float* x = taps[i].Source + offset;
                y0 = Vector512.FusedMultiplyAdd(T.Load(x, lanes), w, y0);
                y1 = Vector512.FusedMultiplyAdd(T.Load(x + step, lanes), w, y1);
                y2 = Vector512.FusedMultiplyAdd(T.Load(x + (2 * step), lanes), w, y2);
                y3 = Vector512.FusedMultiplyAdd(T.Load(x + (3 * step), lanes), w, y3);
            }
            float* y = target + (p * targetStep) + c;
            T.Store(y, y0, lanes);
            T.Store(y + targetStep, y1, lanes);
            T.Store(y + (2 * targetStep), y2, lanes);
            T.Store(y + (3 * targetStep), y3, lanes);
        }

        /// <summary>One pixel, with those taps only that are inside there.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Alone<T>(int c, int lanes, long p)
            where T : struct, ILane
        {
            V sum = Start<T>(c, lanes, p);
            for (int i = 0; i < count; i++)
            {
                if (p >= taps[i].From && p < taps[i].To)
                {
                    sum = Vector512.FusedMultiplyAdd(
                        T.Load(taps[i].Source + (p * step) + c, lanes),
                        T.Load(taps[i].Weight + c, lanes), sum);
                }
            }
            T.Store(target + (p * targetStep) + c, sum, lanes);
        }
    }

    /// <summary>
    /// Parts of the rows of dy: sums[part] is as large as w. Three taps of a kernel row share the
    /// loads of dy, and three pixels keep nine sums going at once.
    /// </summary>
    private readonly struct DepthwiseWeightLines(float* x, float* dy, float* sums, ConvShape s)
        : IRange
    {
        public void Run(int from, int to)
        {
            LineTap* taps = stackalloc LineTap[s.Kernel.Height * s.Kernel.Width];
            int outHeight = s.OutHeight, rows = s.Batch * outHeight;
            long line = (long)s.OutWidth * s.Channels, size = (long)s.PatchSize * s.Filters;
            for (int part = from; part < to; part++)
            {
                float* sum = sums + (part * size);
                new Span<float>(sum, (int)size).Clear();
                int end = Math.Min(rows, (part + 1) * DepthwiseRows);
                for (int row = part * DepthwiseRows; row < end; row++)
                {
                    float* image = x + ((long)(row / outHeight) * s.Height * s.Width * s.Channels);
                    int count = ForwardTaps(taps, image, sum, row % outHeight, s);
                    for (int c = 0; c < s.Channels; c += Lane.Count)
                    {
                        if (s.Channels - c >= Lane.Count)
                        {
                            Block<WholeLane>(taps, count, dy + (row * line) + c, c, Lane.Count);
                        }
                        else
                        {
                            Block<PartLane>(taps, count, dy + (row * line) + c, c, s.Channels - c);
                        }
                    }
                }
            }
        }

        private void Block<T>(LineTap* taps, int count, float* d, int c, int lanes)
            where T : struct, ILane
        {
            int i = 0;
            for (; i + 3 <= count; i += 3)
            {
                Three<T>(taps + i, d, c, lanes);
            }
            for (; i < count; i++)
            {
                One<T>(taps + i, d, c, lanes, taps[i].From, taps[i].To);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Three<T>(LineTap* taps, float* d, int c, int lanes)
            where T : struct, ILane
        {
            int from = Math.Max(taps[0].From, Math.Max(taps[1].From, taps[2].From));
            int to = Math.Min(taps[0].To, Math.Min(taps[1].To, taps[2].To));
            to = from + Math.Max(0, (to - from) / 3 * 3);
            long step = (long)s.Stride.Width * s.Channels, dStep = s.Channels;
            V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, b0 = V.Zero, b1 = V.Zero, b2 = V.Zero;
            V c0 = V.Zero, c1 = V.Zero, c2 = V.Zero;
            float* p = taps[0].Source + (from * step) + c;
            float* q = taps[1].Source + (from * step) + c;
            float* r = taps[2].Source + (from * step) + c;
            float* g = d + (from * dStep);
            for (int ox = from; ox < to; ox += 3)
            {
                V d0 = T.Load(g, lanes), d1 = T.Load(g + dStep, lanes);
                V d2 = T.Load(g + (2 * dStep), lanes);
                a0 = Vector512.FusedMultiplyAdd(T.Load(p, lanes), d0, a0);
                b0 = Vector512.FusedMultiplyAdd(T.Load(q, lanes), d0, b0);
                c0 = Vector512.FusedMultiplyAdd(T.Load(r, lanes), d0, c0);
                a1 = Vector512.FusedMultiplyAdd(T.Load(p + step, lanes), d1, a1);
                b1 = Vector512.FusedMultiplyAdd(T.Load(q + step, lanes), d1, b1);
                c1 = Vector512.FusedMultiplyAdd(T.Load(r + step, lanes), d1, c1);
                a2 = Vector512.FusedMultiplyAdd(T.Load(p + (2 * step), lanes), d2, a2);
                b2 = Vector512.FusedMultiplyAdd(T.Load(q + (2 * step), lanes), d2, b2);
                c2 = Vector512.FusedMultiplyAdd(T.Load(r + (2 * step), lanes), d2, c2);
                p += 3 * step;
                q += 3 * step;
                r += 3 * step;
                g += 3 * dStep;
            }
            Add<T>(taps[0].Weight + c, a0 + a1 + a2, lanes);
            Add<T>(taps[1].Weight + c, b0 + b1 + b2, lanes);
            Add<T>(taps[2].Weight + c, c0 + c1 + c2, lanes);
            for (int i = 0; i < 3; i++)
            {
                One<T>(taps + i, d, c, lanes, taps[i].From, Math.Min(from, taps[i].To));
                One<T>(taps + i, d, c, lanes, Math.Max(to, taps[i].From), taps[i].To);
            }
        }

        /// <summary>One tap over the pixels [from, to).</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void One<T>(LineTap* tap, float* d, int c, int lanes, int from, int to)
            where T : struct, ILane
        {
            if (from >= to)
            {
                return;
            }
            long step = (long)s.Stride.Width * s.Channels, dStep = s.Channels;
            V sum = V.Zero;
            for (int ox = from; ox < to; ox++)
            {
                sum = Vector512.FusedMultiplyAdd(
                    T.Load(tap->Source + (ox * step) + c, lanes), T.Load(d + (ox * dStep), lanes),
                    sum);
            }
            Add<T>(tap->Weight + c, sum, lanes);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Add<T>(float* target, V value, int lanes)
            where T : struct, ILane =>
            T.Store(target, T.Load(target, lanes) + value, lanes);
    }

    /// <summary>How channels are read: 16 of them, or the last ones.</summary>
    private interface ILane
    {
        static abstract V Load(float* p, int count);

        static abstract void Store(float* p, V value, int count);
    }

    private readonly struct WholeLane : ILane
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Load(float* p, int count) => Vector512.Load(p);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(float* p, V value, int count) => value.Store(p);
    }

    private readonly struct PartLane : ILane
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Load(float* p, int count) => Lane.Load(p, count);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(float* p, V value, int count) => Lane.Store(p, value, count);
    }
}
