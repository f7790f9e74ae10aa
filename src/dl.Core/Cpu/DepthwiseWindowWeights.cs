// The gradient of the weights of a depthwise convolution of at most 3 x 3 taps. For 16 channels and
// one column of taps, up to three lines of x share the loads of a line of dy. Which pixels see a
// tap is known before the loop, so the loop asks nothing.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Parts of the rows of dy: sums[part] is as large as w.</summary>
    private readonly struct WindowWeightRange(float* x, float* dy, float* sums, ConvShape s)
        : IRange
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
                    Row(row, sum);
                }
            }
        }

        private void Row(int row, float* sum)
        {
            // Taps [first, last) of a column are inside the image.
            int top = (row % s.OutHeight * s.Stride.Height) - s.Padding.Top;
            int first = 0, last = s.Kernel.Height;
            while (first < last && top + (first * s.Dilation.Height) < 0)
            {
                first++;
            }
            while (first < last && top + ((last - 1) * s.Dilation.Height) >= s.Height)
            {
                last--;
            }
            long line = (long)s.Width * s.Channels;
            float* p = x + (((row / s.OutHeight * (long)s.Height) + top) * line)
                + (first * s.Dilation.Height * line);
            float* g = dy + ((long)row * s.OutWidth * s.Channels);
            float* target = sum + ((long)first * s.Kernel.Width * s.Channels);
            float* below = p + ((last - first) * s.Dilation.Height * line);
            int c = 0;
            for (; c + Lane.Count <= s.Channels; c += Lane.Count)
            {
                Ask(g + ((long)s.OutWidth * s.Channels) + c, s.OutWidth);
                Ask(below + c, s.Width * s.Stride.Height);
                Lines<WholeLane>(p + c, g + c, target + c, last - first, Lane.Count);
            }
            if (c < s.Channels)
            {
                Lines<PartLane>(p + c, g + c, target + c, last - first, s.Channels - c);
            }
        }

        /// <summary>Fetches what the next row reads of 16 channels.</summary>
        private void Ask(float* p, int pixels)
        {
            for (int i = 0; i < pixels; i++, p += s.Channels)
            {
                Prefetch(p);
            }
        }

        /// <summary>Columns of taps, each over the pixels that see it.</summary>
        private void Lines<T>(float* p, float* g, float* sum, int lines, int lanes)
            where T : struct, ILane
        {
            int step = s.Stride.Width;
            for (int kx = 0; kx < s.Kernel.Width; kx++, sum += s.Channels)
            {
                int shift = (kx * s.Dilation.Width) - s.Padding.Left;
                int from = shift < 0 ? (step - 1 - shift) / step : 0;
                int to = Math.Min(s.OutWidth, ((s.Width - 1 - shift) / step) + 1);
                if (shift >= s.Width || from >= to)
                {
                    continue;
                }
                float* start = p + (((long)(from * step) + shift) * s.Channels);
                float* d = g + ((long)from * s.Channels);
                switch (lines)
                {
                    case 3:
                        Column<T, ThreeTaps>(start, d, sum, to - from, lanes);
                        break;
                    case 2:
                        Column<T, TwoTaps>(start, d, sum, to - from, lanes);
                        break;
                    case 1:
                        Column<T, OneTap>(start, d, sum, to - from, lanes);
                        break;
                }
            }
        }

        /// <summary>A column of taps over pixels that see all of them; two chains each.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Column<T, TTaps>(float* p, float* d, float* sum, int pixels, int lanes)
            where T : struct, ILane
            where TTaps : struct, ITaps
        {
            long channels = s.Channels, step = s.Stride.Width * channels;
            long line = s.Dilation.Height * s.Width * channels, row = s.Kernel.Width * channels;
            float* q = p + line, r = q + line;
            V a0 = T.Load(sum, lanes), a1 = V.Zero, b0 = V.Zero, b1 = V.Zero;
            V c0 = V.Zero, c1 = V.Zero;
            int i = 0;
            for (; i < pixels - 1; i += 2)
            {
                V d0 = T.Load(d, lanes), d1 = T.Load(d + channels, lanes);
                a0 = Vector512.FusedMultiplyAdd(T.Load(p, lanes), d0, a0);
                a1 = Vector512.FusedMultiplyAdd(T.Load(p + step, lanes), d1, a1);
                if (TTaps.Count > 1)
                {
                    b0 = Vector512.FusedMultiplyAdd(T.Load(q, lanes), d0, b0);
                    b1 = Vector512.FusedMultiplyAdd(T.Load(q + step, lanes), d1, b1);
                }
                if (TTaps.Count > 2)
                {
                    c0 = Vector512.FusedMultiplyAdd(T.Load(r, lanes), d0, c0);
                    c1 = Vector512.FusedMultiplyAdd(T.Load(r + step, lanes), d1, c1);
                }
                p += 2 * step;
                q += 2 * step;
                r += 2 * step;
                d += 2 * channels;
            }
            if (i < pixels)
            {
                V d0 = T.Load(d, lanes);
                a0 = Vector512.FusedMultiplyAdd(T.Load(p, lanes), d0, a0);
                b0 = TTaps.Count > 1 ? Vector512.FusedMultiplyAdd(T.Load(q, lanes), d0, b0) : b0;
                c0 = TTaps.Count > 2 ? Vector512.FusedMultiplyAdd(T.Load(r, lanes), d0, c0) : c0;
            }
            T.Store(sum, a0 + a1, lanes);
            if (TTaps.Count > 1)
            {
                T.Store(sum + row, T.Load(sum + row, lanes) + (b0 + b1), lanes);
            }
            if (TTaps.Count > 2)
            {
                T.Store(sum + (2 * row), T.Load(sum + (2 * row), lanes) + (c0 + c1), lanes);
            }
        }
    }
}
