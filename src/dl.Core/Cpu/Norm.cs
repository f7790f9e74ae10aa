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
        ScaleColumns(x, y, factors, shape);
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
        ScaleColumns(x, y, factors, shape);
    }

    public override void NormGradient(
        Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage dy,
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
        if (shape.Relu)
        {
            ColumnGradients<ReluGate>(x, w, b, mean!, variance, dy, to, shape, epsilon, given);
        }
        else
        {
            ColumnGradients<OpenGate>(x, w, null, mean!, variance, dy, to, shape, epsilon, given);
        }
    }

    private void ScaleColumns(Storage x, Storage y, float* factors, NormShape shape)
    {
        int rows = shape.Outer * shape.N;
        if (shape.Relu)
        {
            SplitRows(rows, shape.Channels,
                new ScaleColumnsRange<ReluGate>(Floats(x), factors, Floats(y), shape));
        }
        else
        {
            SplitRows(rows, shape.Channels,
                new ScaleColumnsRange<OpenGate>(Floats(x), factors, Floats(y), shape));
        }
    }

    private static float* OrNull(Storage? storage) => storage is null ? null : Floats(storage);

    /// <summary>What stands behind a normalisation.</summary>
    private interface IGate
    {
        static abstract bool Cuts { get; }
    }

    private readonly struct OpenGate : IGate
    {
        public static bool Cuts => false;
    }

    private readonly struct ReluGate : IGate
    {
        public static bool Cuts => true;
    }

    /// <summary>
    /// How columns are cut: items are (outer, block of rows, strip of columns), and leave two sums
    /// for each (outer, block, channel): [outer, block, 2, channel].
    /// </summary>
    private readonly struct NormCut(NormShape shape)
    {
        /// <summary>Columns of an item: neighbours in memory, so that rows stream.</summary>
        public const int Width = 256;

        /// <summary>Elements of an item, about; it has at most ColumnBlock rows.</summary>
        private const int Elements = 1 << 16;

        /// <summary>Rows that are added in float and, with a strip, fit the first cache.</summary>
        public const int Chain = 32;

        public readonly NormShape Shape = shape;

        public readonly int Block = RowsOfBlock(shape);

        public readonly int Blocks = (shape.N + RowsOfBlock(shape) - 1) / RowsOfBlock(shape);

        public readonly int Strips = (shape.Channels + Width - 1) / Width;

        public int Items => Shape.Outer * Blocks * Strips;

        public long Partials => (long)Shape.Outer * Blocks * Shape.Channels;

        public long Cost =>
            4L * Math.Min(Shape.N, Block) * Math.Min(Shape.Channels, Width);

        /// <summary>Where item i starts and ends.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public (int Outer, int Column, int End, int Rows, long First, long Sums) Item(int i)
        {
            int block = i / Strips, column = i % Strips * Width, outer = block / Blocks;
            int row = block % Blocks * Block;
            return (outer, column, Math.Min(Shape.Channels, column + Width),
                Math.Min(Block, Shape.N - row),
                (((long)outer * Shape.N) + row) * Shape.Channels, SumsOf(outer, block % Blocks));
        }

        /// <summary>Rows of a block.</summary>
        public int RowsOf(int block) => Math.Min(Block, Shape.N - (block * Block));

        /// <summary>Where the sums of a block start: first sums, then second sums.</summary>
        public long SumsOf(int outer, int block) =>
            (((long)outer * Blocks) + block) * 2 * Shape.Channels;

        private static int RowsOfBlock(NormShape shape) => Math.Clamp(
            Elements / Math.Min(shape.Channels, Width) / Chain * Chain, Chain, ColumnBlock);
    }

    /// <summary>Mean and sum of squared deviations of each column of a block.</summary>
    private readonly struct ColumnMomentRange(float* x, double* sums, NormCut cut) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int channels = cut.Shape.Channels;
            double* mean = stackalloc double[NormCut.Width];
            double* square = stackalloc double[NormCut.Width];
            for (int i = from; i < to; i++)
            {
                var (_, column, end, rows, first, at) = cut.Item(i);
                new Span<double>(mean, NormCut.Width).Clear();
                new Span<double>(square, NormCut.Width).Clear();
                for (int row = 0; row < rows; row += NormCut.Chain)
                {
                    int count = Math.Min(NormCut.Chain, rows - row);
                    float* p = x + first + ((long)row * channels);
                    for (int c = column; c < end; c += Lane.Count)
                    {
                        Measure(p + c, row, count, channels, end - c, mean + (c - column),
                            square + (c - column));
                    }
                }
                new Span<double>(mean, end - column).CopyTo(
                    new Span<double>(sums + at + column, end - column));
                new Span<double>(square, end - column).CopyTo(
                    new Span<double>(sums + at + channels + column, end - column));
            }
        }

        /// <summary>Joins count rows of up to 16 columns with the rows before them.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Measure(
            float* p, int row, int count, int stride, int width, double* mean, double* square)
        {
            V sum = V.Zero, sum2 = V.Zero;
            float* q = p;
            int j = 0;
            for (; j < count - 1; j += 2, q += 2 * stride)
            {
                sum += Fetch(q, width);
                sum2 += Fetch(q + stride, width);
            }
            sum += j < count ? Fetch(q, width) : V.Zero;
            V center = (sum + sum2) * Vector512.Create(1f / count);
            V first = V.Zero, second = V.Zero;
            for (j = 0; j < count; j++, p += stride)
            {
                V d = Fetch(p, width) - center;
                Prefetch(p + (NormCut.Chain * stride));
                first += d;
                second = Vector512.FusedMultiplyAdd(d, d, second);
            }
            Join(mean, square, row, count, Vector512.WidenLower(center),
                Vector512.WidenLower(first), Vector512.WidenLower(second));
            Join(mean + 8, square + 8, row, count, Vector512.WidenUpper(center),
                Vector512.WidenUpper(first), Vector512.WidenUpper(second));
        }

        /// <summary>Joins n rows measured so far with count more, around their center.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Join(
            double* means, double* squares, int n, int count, W center, W first, W second)
        {
            W mean = Vector512.Load(means);
            W shift = first * Vector512.Create(1.0 / count);
            W delta = center + shift - mean;
            W apart = delta * delta * Vector512.Create((double)n * count / (n + count));
            (mean + (delta * Vector512.Create((double)count / (n + count)))).Store(means);
            (Vector512.Load(squares) + second - (first * shift) + apart).Store(squares);
        }
    }

    /// <summary>Up to 16 floats; most runs are whole vectors, which need no mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Fetch(float* p, int count) =>
        count >= Lane.Count ? Vector512.Load(p) : Lane.Load(p, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* p, V value, int count)
    {
        if (count >= Lane.Count)
        {
            value.Store(p);
            return;
        }
        Lane.Store(p, value, count);
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

    private readonly struct ScaleColumnsRange<TGate>(
        float* x, float* factors, float* y, NormShape shape) : IRange
        where TGate : struct, IGate
    {
        public void Run(int from, int to)
        {
            int channels = shape.Channels;
            long all = (long)shape.Outer * channels;
            for (int row = from; row < to;)
            {
                // Rows of one sample share their factors.
                int outer = row / shape.N, end = Math.Min(to, (outer + 1) * shape.N);
                float* mean = factors + ((long)outer * channels);
                long at = (long)row * channels;
                Write(x + at, y + at, mean, all, end - row, channels);
                row = end;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Write(
            float* x, float* y, float* mean, long all, int rows, int channels)
        {
            float* scale = mean + all, shift = scale + all;
            for (; rows > 0; rows--, x += channels, y += channels)
            {
                for (int c = 0; c < channels; c += Lane.Count)
                {
                    int count = channels - c;
                    V d = Fetch(x + c, count) - Fetch(mean + c, count);
                    V v = Vector512.FusedMultiplyAdd(
                        d, Fetch(scale + c, count), Fetch(shift + c, count));
                    if (TGate.Cuts)
                    {
                        // NaN stays.
                        v = Vector512.ConditionalSelect(
                            Vector512.LessThan(v, V.Zero), V.Zero, v);
                    }
                    Put(y + c, v, count);
                }
            }
        }
    }
}
