// Gradients of normalisation over columns (formulas: Ops/Norm.cs). Every sum that they need is one
// of dy or of dy (x - mean) over a column; a group's means are sums of those. Factors, for each
// (outer, channel): mean, scale = w / deviation, shift = b, then q and r of
//   dx = scale dy - q (x - mean) - r
// Behind a ReLU, dy counts where (x - mean) scale + shift is above 0.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    private void ColumnGradients<TGate>(
        Storage x, Storage? w, Storage? b, Storage mean, Storage variance, Storage dy,
        in NormGradients to, NormShape shape, float epsilon, bool given)
        where TGate : struct, IGate
    {
        var cut = new NormCut(shape);
        double* sums = Sums(2 * cut.Partials);
        float* factors = Shared(5L * shape.Outer * shape.Channels);
        SplitRows(shape.Outer * shape.Channels, 16, new GivenFactorRange(
            Floats(mean), Floats(variance), OrNull(w), OrNull(b), factors, shape, epsilon));
        SplitRows(cut.Items, cut.Cost,
            new ColumnProductRange<TGate>(Floats(x), Floats(dy), factors, sums, cut));
        SplitRows(shape.Statistics, 8L * cut.Blocks * shape.GroupChannels, new JoinProductsRange(
            sums, OrNull(w), Floats(variance), factors, cut, epsilon, given));
        SplitRows(shape.Channels, 2L * shape.Outer, new ScaleGradientRange(
            sums, OrNull(to.Dw), OrNull(to.Db), to.BetaW, to.BetaB, cut));
        if (to.Dx is { } dx)
        {
            SplitRows(shape.Outer * shape.N, 2L * shape.Channels, new ColumnGradientRange<TGate>(
                Floats(x), Floats(dy), factors, Floats(dx), shape, to.BetaX));
        }
    }

    /// <summary>dy where what the gate saw, deviation * scale + shift, was above 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Passed<TGate>(V dy, V deviation, V scale, V shift)
        where TGate : struct, IGate =>
        TGate.Cuts
            ? Vector512.ConditionalSelect(
                Vector512.GreaterThan(
                    Vector512.FusedMultiplyAdd(deviation, scale, shift), V.Zero), dy, V.Zero)
            : dy;

    /// <summary>Sums of dy and of dy (x - mean) over each column of a block.</summary>
    private readonly struct ColumnProductRange<TGate>(
        float* x, float* dy, float* factors, double* sums, NormCut cut) : IRange
        where TGate : struct, IGate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int channels = cut.Shape.Channels;
            long all = (long)cut.Shape.Outer * channels;
            double* sum = stackalloc double[NormCut.Width];
            double* product = stackalloc double[NormCut.Width];
            for (int i = from; i < to; i++)
            {
                var (outer, column, end, rows, first, at) = cut.Item(i);
                float* mean = factors + ((long)outer * channels);
                new Span<double>(sum, NormCut.Width).Clear();
                new Span<double>(product, NormCut.Width).Clear();
                for (int row = 0; row < rows; row += NormCut.Chain)
                {
                    int count = Math.Min(NormCut.Chain, rows - row);
                    for (int c = column; c < end; c += Lane.Count)
                    {
                        long p = first + ((long)row * channels) + c;
                        int width = end - c;
                        Add(x + p, dy + p, mean + c, all, count, channels, width,
                            sum + (c - column), product + (c - column));
                    }
                }
                new Span<double>(sum, end - column).CopyTo(
                    new Span<double>(sums + at + column, end - column));
                new Span<double>(product, end - column).CopyTo(
                    new Span<double>(sums + at + channels + column, end - column));
            }
        }

        /// <summary>Adds count rows of up to 16 columns in float, then in double.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Add(
            float* p, float* q, float* factors, long all, int count, int stride, int width,
            double* sums, double* products)
        {
            V mean = Fetch(factors, width), scale = V.Zero, shift = V.Zero;
            if (TGate.Cuts)
            {
                scale = Fetch(factors + all, width);
                shift = Fetch(factors + (2 * all), width);
            }
            V sum = V.Zero, product = V.Zero, sum2 = V.Zero, product2 = V.Zero;
            int j = 0, ahead = NormCut.Chain * stride;
            for (; j < count - 1; j += 2, p += 2 * stride, q += 2 * stride)
            {
                Prefetch(p + ahead);
                Prefetch(q + ahead);
                Prefetch(p + ahead + stride);
                Prefetch(q + ahead + stride);
                V z = Fetch(p, width) - mean, z2 = Fetch(p + stride, width) - mean;
                V d = Passed<TGate>(Fetch(q, width), z, scale, shift);
                V d2 = Passed<TGate>(Fetch(q + stride, width), z2, scale, shift);
                sum += d;
                sum2 += d2;
                product = Vector512.FusedMultiplyAdd(d, z, product);
                product2 = Vector512.FusedMultiplyAdd(d2, z2, product2);
            }
            if (j < count)
            {
                V z = Fetch(p, width) - mean;
                V d = Passed<TGate>(Fetch(q, width), z, scale, shift);
                sum += d;
                product = Vector512.FusedMultiplyAdd(d, z, product);
            }
            AddWide(sums, sum + sum2);
            AddWide(products, product + product2);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddWide(double* sums, V v)
        {
            (Vector512.Load(sums) + Vector512.WidenLower(v)).Store(sums);
            (Vector512.Load(sums + 8) + Vector512.WidenUpper(v)).Store(sums + 8);
        }
    }

    /// <summary>
    /// Joins the blocks of a statistic: block 0 then holds sum dy and sum dy z; and the factors q
    /// and r.
    /// </summary>
    private readonly struct JoinProductsRange(
        double* sums, float* w, float* variance, float* factors, NormCut cut, float epsilon,
        bool given) : IRange
    {
        public void Run(int from, int to)
        {
            var shape = cut.Shape;
            long all = (long)shape.Outer * shape.Channels;
            int width = shape.GroupChannels;
            for (int i = from; i < to; i++)
            {
                int outer = i / shape.Groups, start = i % shape.Groups * width;
                float* f = factors + ((long)outer * shape.Channels);
                double inverse = 1 / Math.Sqrt((double)variance[i] + epsilon);
                double sum = 0, product = 0;
                for (int c = start; c < start + width; c++)
                {
                    var (dySum, dyProduct) = Join(outer, c, inverse);
                    double weight = w == null ? 1 : w[c];
                    sum += weight * dySum;
                    product += weight * dyProduct;
                }
                double n = (double)shape.N * width;
                for (int c = start; c < start + width; c++)
                {
                    f[(3 * all) + c] = given ? 0 : (float)(inverse * inverse * product / n);
                    f[(4 * all) + c] = given ? 0 : (float)(inverse * sum / n);
                }
            }
        }

        private (double Sum, double Product) Join(int outer, int c, double inverse)
        {
            double sum = 0, product = 0;
            for (int block = 0; block < cut.Blocks; block++)
            {
                double* p = sums + cut.SumsOf(outer, block) + c;
                sum += p[0];
                product += p[cut.Shape.Channels];
            }
            double* target = sums + cut.SumsOf(outer, 0) + c;
            target[0] = sum;
            target[cut.Shape.Channels] = inverse * product;
            return (sum, inverse * product);
        }
    }

    /// <summary>dw and db from the joined sums.</summary>
    private readonly struct ScaleGradientRange(
        double* sums, float* dw, float* db, float betaW, float betaB, NormCut cut) : IRange
    {
        public void Run(int from, int to)
        {
            for (int c = from; c < to; c++)
            {
                double sum = 0, product = 0;
                for (int outer = 0; outer < cut.Shape.Outer; outer++)
                {
                    double* p = sums + cut.SumsOf(outer, 0) + c;
                    sum += p[0];
                    product += p[cut.Shape.Channels];
                }
                PutSum(dw, c, product, betaW);
                PutSum(db, c, sum, betaB);
            }
        }
    }

    private static void PutSum(float* target, int i, double value, float beta)
    {
        if (target != null)
        {
            target[i] = beta == 0 ? (float)value : (float)value + (beta * target[i]);
        }
    }

    private readonly struct ColumnGradientRange<TGate>(
        float* x, float* dy, float* factors, float* dx, NormShape shape, float beta) : IRange
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
                Write(x + at, dy + at, dx + at, mean, all, end - row, channels, beta);
                row = end;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Write(
            float* x, float* dy, float* dx, float* mean, long all, int rows, int channels,
            float beta)
        {
            V old = Vector512.Create(beta);
            float* scale = mean + all, shift = scale + all, q = shift + all, r = q + all;
            for (; rows > 0; rows--, x += channels, dy += channels, dx += channels)
            {
                for (int c = 0; c < channels; c += Lane.Count)
                {
                    int count = channels - c;
                    V z = Fetch(x + c, count) - Fetch(mean + c, count);
                    V k = Fetch(scale + c, count);
                    V d = Passed<TGate>(
                        Fetch(dy + c, count), z, k, TGate.Cuts ? Fetch(shift + c, count) : k);
                    d = Vector512.FusedMultiplyAdd(k, d, -Fetch(r + c, count));
                    d -= Fetch(q + c, count) * z;
                    d = beta == 0 ? d : d + (old * Fetch(dx + c, count));
                    Put(dx + c, d, count);
                }
            }
        }
    }
}
