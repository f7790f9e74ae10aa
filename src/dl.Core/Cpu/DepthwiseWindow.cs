// Depthwise convolution with kernels of at most 3 x 3 and one filter a channel, nearly all there
// are. The weights of 16 channels stay in registers while a line of outputs goes by, and only the
// outputs at its ends ask which taps are inside. Forward and the gradient of the input are one
// loop: both sum up to three lines of input under up to three taps each. Data come from beyond the
// second cache in steps that no hardware guesses, so the next line is asked for ahead.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    private const int WindowSide = 3;

    private static bool HasWindow(in ConvShape s) =>
        s.Filters == s.Channels && s.Kernel.Height <= WindowSide && s.Kernel.Width <= WindowSide;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* p)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(p);
        }
    }

    /// <summary>
    /// What a line of outputs sums: output o and tap k read pixel First + o * Step + k * TapStep of
    /// each line, where that is inside. Lines are those inside the image.
    /// </summary>
    private struct WindowLines
    {
        /// <summary>Pixel 0 of each line, and the weight of its tap 0.</summary>
        public float* Source0, Source1, Source2, Weight0, Weight1, Weight2;

        public int Lines, Taps, First, Step, TapStep;

        /// <summary>Pixels of a line of input, and elements from a pixel to the next.</summary>
        public int Width, Channels;

        /// <summary>Elements from one tap's weights to the next's.</summary>
        public long WeightStep;

        /// <summary>Elements of a line.</summary>
        public readonly long Line => (long)Width * Channels;

        /// <summary>The next line of outputs needs this many lines more than this one.</summary>
        public int Down;

        public void Add(float* source, float* weight)
        {
            // Lines that are missing must still point somewhere.
            Source2 = source;
            Weight2 = weight;
            if (Lines < 2)
            {
                Source1 = source;
                Weight1 = weight;
            }
            if (Lines++ == 0)
            {
                Source0 = source;
                Weight0 = weight;
            }
        }
    }

    /// <summary>Rows of y, counted over the batch.</summary>
    private readonly struct WindowRange(float* x, float* w, float* bias, float* y, ConvShape s)
        : IRange
    {
        public void Run(int from, int to)
        {
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            long line = (long)s.Width * s.Channels;
            for (int row = from; row < to; row++)
            {
                var lines = new WindowLines
                {
                    Taps = s.Kernel.Width,
                    First = -s.Padding.Left,
                    Step = s.Stride.Width,
                    TapStep = s.Dilation.Width,
                    Width = s.Width,
                    Channels = s.Channels,
                    WeightStep = s.Channels,
                    Down = s.Stride.Height,
                };
                float* image = x + (row / outHeight * s.Height * line);
                int top = (row % outHeight * s.Stride.Height) - s.Padding.Top;
                for (int ky = 0; ky < s.Kernel.Height; ky++)
                {
                    int iy = top + (ky * s.Dilation.Height);
                    if ((uint)iy < (uint)s.Height)
                    {
                        lines.Add(image + (iy * line),
                            w + ((long)ky * s.Kernel.Width * s.Channels));
                    }
                }
                new Window(lines, y + ((long)row * outWidth * s.Channels), s.Channels, outWidth,
                    bias, 0).Run();
            }
        }
    }

    /// <summary>
    /// Rows of dx, counted over the batch. With a stride, pixels that lie as many steps apart are
    /// reached by the same taps, so they form lines of their own.
    /// </summary>
    private readonly struct WindowInputRange(
        float* dy, float* w, float* dx, ConvShape s, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            int step = s.Stride.Width;
            for (int row = from; row < to; row++)
            {
                for (int first = 0; first < Math.Min(step, s.Width); first++)
                {
                    new Window(Lines(row, first),
                        dx + ((((long)row * s.Width) + first) * s.Channels),
                        (long)step * s.Channels, (s.Width - first + step - 1) / step, null, beta)
                        .Run();
                }
            }
        }

        /// <summary>Pixel first + p * step was seen by output First + p through tap 0.</summary>
        private WindowLines Lines(int row, int first)
        {
            int step = s.Stride.Width, outHeight = s.OutHeight;
            var lines = new WindowLines
            {
                Step = 1,
                Width = s.OutWidth,
                Channels = s.Channels,
                Down = 1,
            };
            // The taps that reach these pixels lie evenly, so the first two tell of all.
            int start = 0, next = 0;
            for (int kx = 0; kx < s.Kernel.Width; kx++)
            {
                int across = first + s.Padding.Left - (kx * s.Dilation.Width);
                if (across % step == 0)
                {
                    (start, lines.First) = lines.Taps == 0
                        ? (kx, across / step) : (start, lines.First);
                    next = lines.Taps == 1 ? kx : next;
                    lines.Taps++;
                }
            }
            lines.TapStep = (start - next) * s.Dilation.Width / step;
            lines.WeightStep = (long)(next - start) * s.Channels;
            // From the last tap on, so that the lowest line comes last.
            for (int ky = s.Kernel.Height - 1; ky >= 0 && lines.Taps > 0; ky--)
            {
                int down = (row % s.Height) + s.Padding.Top - (ky * s.Dilation.Height);
                int oy = down / s.Stride.Height;
                if (down >= 0 && oy < outHeight && oy * s.Stride.Height == down)
                {
                    long at = ((long)(row / s.Height) * outHeight) + oy;
                    lines.Add(dy + (at * s.OutWidth * s.Channels),
                        w + ((((long)ky * s.Kernel.Width) + start) * s.Channels));
                }
            }
            return lines;
        }
    }

    /// <summary>target[o] = bias + what the lines sum + beta * target[o].</summary>
    private readonly struct Window(
        WindowLines lines, float* target, long targetStep, int outputs, float* bias, float beta)
    {
        public void Run()
        {
            int c = 0;
            for (; c + Lane.Count <= lines.Channels; c += Lane.Count)
            {
                Channels<WholeLane>(c, Lane.Count);
            }
            if (c < lines.Channels)
            {
                Channels<PartLane>(c, lines.Channels - c);
            }
        }

        private void Channels<T>(int c, int lanes)
            where T : struct, ILane
        {
            switch (lines.Lines == 0 ? 0 : lines.Taps)
            {
                case 3:
                    Line<T, ThreeTaps>(c, lanes);
                    break;
                case 2:
                    Line<T, TwoTaps>(c, lanes);
                    break;
                case 1:
                    Line<T, OneTap>(c, lanes);
                    break;
                default:
                    Line<T, NoTap>(c, lanes);
                    break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Line<T, TTaps>(int c, int lanes)
            where T : struct, ILane
            where TTaps : struct, ITaps
        {
            int taps = TTaps.Count, count = lines.Lines;
            long step = (long)lines.Step * lines.Channels, across = lines.WeightStep;
            long tap = (long)lines.TapStep * lines.Channels;
            long start = (long)lines.First * lines.Channels;
            float* w0 = lines.Weight0 + c, w1 = lines.Weight1 + c, w2 = lines.Weight2 + c;
            V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, b0 = V.Zero, b1 = V.Zero, b2 = V.Zero;
            V c0 = V.Zero, c1 = V.Zero, c2 = V.Zero;
            if (taps > 0)
            {
                a0 = T.Load(w0, lanes);
                b0 = T.Load(w1, lanes);
                c0 = T.Load(w2, lanes);
            }
            if (taps > 1)
            {
                a1 = T.Load(w0 + across, lanes);
                b1 = T.Load(w1 + across, lanes);
                c1 = T.Load(w2 + across, lanes);
            }
            if (taps > 2)
            {
                a2 = T.Load(w0 + (2 * across), lanes);
                b2 = T.Load(w1 + (2 * across), lanes);
                c2 = T.Load(w2 + (2 * across), lanes);
            }
            float* p0 = lines.Source0 + start + c, p1 = lines.Source1 + start + c;
            float* p2 = lines.Source2 + start + c, y = target + c;
            V shift = bias == null ? V.Zero : T.Load(bias + c, lanes), old = Vector512.Create(beta);
            long ahead = lines.Line, next = lines.Channels;
            long below = outputs * targetStep;
            bool one = lines.Step * lines.Down == 1;
            for (int o = 0, x = lines.First; o < outputs; o++, x += lines.Step)
            {
                bool k0 = taps > 0 && (uint)x < (uint)lines.Width;
                bool k1 = taps > 1 && (uint)(x + lines.TapStep) < (uint)lines.Width;
                bool k2 = taps > 2 && (uint)(x + (2 * lines.TapStep)) < (uint)lines.Width;
                V sum = beta == 0
                    ? shift : Vector512.FusedMultiplyAdd(old, T.Load(y, lanes), shift);
                V sum1 = V.Zero, sum2 = V.Zero;
                Prefetch(p2 + ahead);
                Prefetch(y + below);
                if (!one)
                {
                    Prefetch(p2 + ahead + next);
                    Prefetch(p2 + (2 * ahead));
                    Prefetch(p2 + (2 * ahead) + next);
                }
                if (k0)
                {
                    sum = Vector512.FusedMultiplyAdd(T.Load(p0, lanes), a0, sum);
                    sum1 = count > 1 ? T.Load(p1, lanes) * b0 : sum1;
                    sum2 = count > 2 ? T.Load(p2, lanes) * c0 : sum2;
                }
                if (k1)
                {
                    sum = Vector512.FusedMultiplyAdd(T.Load(p0 + tap, lanes), a1, sum);
                    if (count > 1)
                    {
                        sum1 = Vector512.FusedMultiplyAdd(T.Load(p1 + tap, lanes), b1, sum1);
                    }
                    if (count > 2)
                    {
                        sum2 = Vector512.FusedMultiplyAdd(T.Load(p2 + tap, lanes), c1, sum2);
                    }
                }
                if (k2)
                {
                    sum = Vector512.FusedMultiplyAdd(T.Load(p0 + (2 * tap), lanes), a2, sum);
                    if (count > 1)
                    {
                        sum1 = Vector512.FusedMultiplyAdd(T.Load(p1 + (2 * tap), lanes), b2, sum1);
                    }
                    if (count > 2)
                    {
                        sum2 = Vector512.FusedMultiplyAdd(T.Load(p2 + (2 * tap), lanes), c2, sum2);
                    }
                }
                T.Store(y, sum + (sum1 + sum2), lanes);
                p0 += step;
                p1 += step;
                p2 += step;
                y += targetStep;
            }
        }
    }

    /// <summary>Taps of a line, known to the compiler.</summary>
    private interface ITaps
    {
        static abstract int Count { get; }
    }

    private readonly struct NoTap : ITaps
    {
        public static int Count => 0;
    }

    private readonly struct OneTap : ITaps
    {
        public static int Count => 1;
    }

    private readonly struct TwoTaps : ITaps
    {
        public static int Count => 2;
    }

    private readonly struct ThreeTaps : ITaps
    {
        public static int Count => 3;
    }
}
