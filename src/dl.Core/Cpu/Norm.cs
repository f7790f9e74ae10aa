// Normalisation over columns of (outer, n, channels): batch, group and instance norm. Columns are
// measured in blocks of rows that stay in the first cache: a mean, then the deviations from it, so
// no digits cancel however far the mean is from 0; blocks are joined in double (Chan, Golub and
// LeVeque 1979). What is left is one multiplication and one addition an element, with factors for
// each (outer, channel). Rows (layer and RMS norm) are in NormRows.cs.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;
using W = System.Runtime.Intrinsics.Vector512<double>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Norm(
        Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage y,
        NormShape shape, float epsilon)
    {
        if (shape.Count == 0)
        {
            return;
        }
        if (shape.IsRows)
        {
            NormRows(x, w, b, mean, variance, y, shape, epsilon);
            return;
        }
        var cut = new NormCut(shape);
        double* sums = Sums(2 * cut.Partials);
        float* factors = Shared(3L * shape.Outer * shape.Channels);
        SplitRows(cut.Items, cut.Cost, new ColumnMomentRange(Floats(x), sums, cut));
        SplitRows(shape.Statistics, 8L * cut.Blocks * shape.GroupChannels, new JoinMomentsRange(
            sums, OrNull(w), OrNull(b), Floats(mean!), Floats(variance), factors, cut, epsilon));
        SplitRows(shape.Outer * shape.N, shape.Channels,
            new ScaleColumnsRange(Floats(x), factors, Floats(y), shape));
    }

    public override void NormApply(
        Storage x, Storage? w, Storage? b, Storage mean, Storage variance, Storage y,
        NormShape shape, float epsilon)
    {
        if (shape.Count == 0)
        {
            return;
        }
        float* factors = Shared(3L * shape.Outer * shape.Channels);
        SplitRows(shape.Outer * shape.Channels, 16, new GivenFactorRange(
            Floats(mean), Floats(variance), OrNull(w), OrNull(b), factors, shape, epsilon));
        SplitRows(shape.Outer * shape.N, shape.Channels,
            new ScaleColumnsRange(Floats(x), factors, Floats(y), shape));
    }

    public override void NormGradient(
        Storage x, Storage? w, Storage? mean, Storage variance, Storage dy,
        in NormGradients to, NormShape shape, float epsilon, bool given)
    {
        if (shape.Count == 0)
        {
            return;
        }
        if (shape.IsRows && !given)
        {
            NormRowsGradient(x, w, mean, variance, dy, to, shape, epsilon);
            return;
        }
        var cut = new NormCut(shape);
        double* sums = Sums(2 * cut.Partials);
        float* factors = Shared(4L * shape.Outer * shape.Channels);
        SplitRows(shape.Outer * shape.Channels, 16, new GivenFactorRange(
            Floats(mean!), Floats(variance), null, null, factors, shape, epsilon));
        SplitRows(cut.Items, cut.Cost,
            new ColumnProductRange(Floats(x), Floats(dy), factors, sums, cut));
        SplitRows(shape.Statistics, 8L * cut.Blocks * shape.GroupChannels,
            new JoinProductsRange(sums, OrNull(w), factors, cut, given));
        SplitRows(shape.Channels, 2L * shape.Outer, new ScaleGradientRange(
            sums, OrNull(to.Dw), OrNull(to.Db), to.BetaW, to.BetaB, cut));
        if (to.Dx is { } dx)
        {
            SplitRows(shape.Outer * shape.N, 2L * shape.Channels, new ColumnGradientRange(
                Floats(x), Floats(dy), factors, Floats(dx), shape, to.BetaX));
        }
    }

    private static float* OrNull(Storage? storage) => storage is null ? null : Floats(storage);

    /// <summary>
    /// How columns are cut: items are (outer, block of rows, strip of columns), and leave two sums
    /// for each (outer, block, channel): [outer, block, 2, channel].
    /// </summary>
    private readonly struct NormCut(NormShape shape)
    {
        /// <summary>Columns of an item: neighbours in memory, so that rows stream.</summary>
        public const int Width = 64;

        /// <summary>Rows that are added in float and, with a strip, fit the first cache.</summary>
        public const int Chain = 32;

        public readonly NormShape Shape = shape;

        public readonly int Blocks = (shape.N + ColumnBlock - 1) / ColumnBlock;

        public readonly int Strips = (shape.Channels + Width - 1) / Width;

        public int Items => Shape.Outer * Blocks * Strips;

        public long Partials => (long)Shape.Outer * Blocks * Shape.Channels;

        public long Cost =>
            4L * Math.Min(Shape.N, ColumnBlock) * Math.Min(Shape.Channels, Width);

        /// <summary>Where item i starts and ends.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (int Outer, int Column, int End, int Rows, long First, long Sums) Item(int i)
        {
            int block = i / Strips, column = i % Strips * Width, outer = block / Blocks;
            int row = block % Blocks * ColumnBlock;
            return (outer, column, Math.Min(Shape.Channels, column + Width),
                Math.Min(ColumnBlock, Shape.N - row),
                (((long)outer * Shape.N) + row) * Shape.Channels, SumsOf(outer, block % Blocks));
        }

        /// <summary>Rows of a block.</summary>
        public int RowsOf(int block) => Math.Min(ColumnBlock, Shape.N - (block * ColumnBlock));

        /// <summary>Where the sums of a block start: first sums, then second sums.</summary>
        public long SumsOf(int outer, int block) =>
            (((long)outer * Blocks) + block) * 2 * Shape.Channels;
    }

    /// <summary>Mean and sum of squared deviations of each column of a block.</summary>
    private readonly struct ColumnMomentRange(float* x, double* sums, NormCut cut) : IRange
    {
        public void Run(int from, int to)
        {
            int channels = cut.Shape.Channels;
            for (int i = from; i < to; i++)
            {
                var (_, column, end, rows, first, at) = cut.Item(i);
                for (int c = column; c < end; c += Lane.Count)
                {
                    Measure(x + first + c, rows, channels, Math.Min(Lane.Count, end - c),
                        sums + at + c, sums + at + channels + c);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Measure(
            float* p, int rows, int stride, int width, double* means, double* squares)
        {
            W mean0 = W.Zero, mean1 = W.Zero, square0 = W.Zero, square1 = W.Zero;
            for (int row = 0; row < rows; row += NormCut.Chain)
            {
                int count = Math.Min(NormCut.Chain, rows - row);
                V sum = V.Zero, sum2 = V.Zero;
                float* q = p;
                int j = 0;
                for (; j < count - 1; j += 2, q += 2 * stride)
                {
                    sum += Lane.Load(q, width);
                    sum2 += Lane.Load(q + stride, width);
                }
                sum += j < count ? Lane.Load(q, width) : V.Zero;
                V center = (sum + sum2) * Vector512.Create(1f / count);
                V first = V.Zero, second = V.Zero;
                for (j = 0; j < count; j++, p += stride)
                {
                    V d = Lane.Load(p, width) - center;
                    first += d;
                    second = Vector512.FusedMultiplyAdd(d, d, second);
                }
                Join(ref mean0, ref square0, row, count, Vector512.WidenLower(center),
                    Vector512.WidenLower(first), Vector512.WidenLower(second));
                Join(ref mean1, ref square1, row, count, Vector512.WidenUpper(center),
                    Vector512.WidenUpper(first), Vector512.WidenUpper(second));
            }
            StoreLanes(means, mean0, mean1, width);
            StoreLanes(squares, square0, square1, width);
        }

        /// <summary>Joins n rows measured so far with count more, around their center.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Join(
            ref W mean, ref W square, int n, int count, W center, W first, W second)
        {
            W shift = first * Vector512.Create(1.0 / count);
            W delta = center + shift - mean;
            mean += delta * Vector512.Create((double)count / (n + count));
            square += second - (first * shift)
                + (delta * delta * Vector512.Create((double)n * count / (n + count)));
        }
    }

    /// <summary>The first <paramref name="width"/> of 16 doubles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreLanes(double* target, W lower, W upper, int width)
    {
        double* all = stackalloc double[Lane.Count];
        lower.Store(all);
        upper.Store(all + 8);
        for (int i = 0; i < width; i++)
        {
            target[i] = all[i];
        }
    }

    /// <summary>
    /// Joins the moments of a statistic's blocks and channels; its factors are mean, scale, shift
    /// of y = (x - mean) * scale + shift, where shift makes up for rounding the mean to a float.
    /// </summary>
    private readonly struct JoinMomentsRange(
        double* sums, float* w, float* b, float* mean, float* variance, float* factors,
        NormCut cut, float epsilon) : IRange
    {
        public void Run(int from, int to)
        {
            var shape = cut.Shape;
            long all = (long)shape.Outer * shape.Channels;
            for (int i = from; i < to; i++)
            {
                int outer = i / shape.Groups, width = shape.GroupChannels;
                int start = i % shape.Groups * width;
                double center = 0, square = 0;
                long n = 0;
                for (int block = 0; block < cut.Blocks; block++)
                {
                    double* p = sums + cut.SumsOf(outer, block) + start;
                    int rows = cut.RowsOf(block);
                    for (int c = 0; c < width; c++, n += rows)
                    {
                        double delta = p[c] - center, share = (double)rows / (n + rows);
                        center += delta * share;
                        square += p[shape.Channels + c] + (delta * delta * n * share);
                    }
                }
                mean[i] = (float)center;
                variance[i] = (float)(square / n);
                double inverse = 1 / Math.Sqrt((square / n) + epsilon);
                double rest = center - mean[i];
                float* f = factors + ((long)outer * shape.Channels);
                for (int c = start; c < start + width; c++)
                {
                    double scale = inverse * (w == null ? 1 : w[c]);
                    f[c] = mean[i];
                    f[all + c] = (float)scale;
                    f[(2 * all) + c] = (float)((b == null ? 0 : b[c]) - (rest * scale));
                }
            }
        }
    }

    /// <summary>Mean, scale and shift for each (outer, channel) from given statistics.</summary>
    private readonly struct GivenFactorRange(
        float* mean, float* variance, float* w, float* b, float* factors, NormShape shape,
        float epsilon) : IRange
    {
        public void Run(int from, int to)
        {
            long all = (long)shape.Outer * shape.Channels;
            for (int i = from; i < to; i++)
            {
                int c = i % shape.Channels;
                int s = (i / shape.Channels * shape.Groups) + (c / shape.GroupChannels);
                double scale = (w == null ? 1 : w[c]) / Math.Sqrt((double)variance[s] + epsilon);
                factors[i] = mean[s];
                factors[all + i] = (float)scale;
                factors[(2 * all) + i] = b == null ? 0 : b[c];
            }
        }
    }

    private readonly struct ScaleColumnsRange(float* x, float* factors, float* y, NormShape shape)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int channels = shape.Channels;
            long all = (long)shape.Outer * channels;
            for (int row = from; row < to; row++)
            {
                float* p = x + ((long)row * channels), q = y + ((long)row * channels);
                float* mean = factors + ((long)(row / shape.N) * channels);
                float* scale = mean + all, shift = scale + all;
                for (int c = 0; c < channels; c += Lane.Count)
                {
                    int count = channels - c;
                    V d = Lane.Load(p + c, count) - Lane.Load(mean + c, count);
                    Lane.Store(q + c, Vector512.FusedMultiplyAdd(
                        d, Lane.Load(scale + c, count), Lane.Load(shift + c, count)), count);
                }
            }
        }
    }
}
