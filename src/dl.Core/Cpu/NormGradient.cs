// Gradients of normalisation over columns (formulas: Ops/Norm.cs). Every sum that they need is one
// of dy or of dy (x - mean) over a column; a group's means are sums of those.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;
using W = System.Runtime.Intrinsics.Vector512<double>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Sums of dy and of dy (x - mean) over each column of a block.</summary>
    private readonly struct ColumnProductRange(
        float* x, float* dy, float* factors, double* sums, NormCut cut) : IRange
    {
        public void Run(int from, int to)
        {
            int channels = cut.Shape.Channels;
            for (int i = from; i < to; i++)
            {
                var (outer, column, end, rows, first, at) = cut.Item(i);
                for (int c = column; c < end; c += Lane.Count)
                {
                    int width = Math.Min(Lane.Count, end - c);
                    V mean = Lane.Load(factors + ((long)outer * channels) + c, width);
                    Add(x + first + c, dy + first + c, mean, rows, channels, width,
                        sums + at + c, sums + at + channels + c);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Add(
            float* p, float* q, V mean, int rows, int stride, int width, double* sums,
            double* products)
        {
            W sum0 = W.Zero, sum1 = W.Zero, product0 = W.Zero, product1 = W.Zero;
            for (int row = 0; row < rows; row += NormCut.Chain)
            {
                int end = Math.Min(rows, row + NormCut.Chain);
                V sum = V.Zero, product = V.Zero;
                for (int j = row; j < end; j++, p += stride, q += stride)
                {
                    V d = Lane.Load(q, width);
                    sum += d;
                    product = Vector512.FusedMultiplyAdd(d, Lane.Load(p, width) - mean, product);
                }
                sum0 += Vector512.WidenLower(sum);
                sum1 += Vector512.WidenUpper(sum);
                product0 += Vector512.WidenLower(product);
                product1 += Vector512.WidenUpper(product);
            }
            StoreLanes(sums, sum0, sum1, width);
            StoreLanes(products, product0, product1, width);
        }
    }

    /// <summary>
    /// Joins the blocks of a statistic: block 0 then holds sum dy and sum dy z, and the factors
    /// turn from mean, 1 / deviation into mean, p, q, r of dx = p dy - q (x - mean) - r.
    /// </summary>
    private readonly struct JoinProductsRange(
        double* sums, float* w, float* factors, NormCut cut, bool given) : IRange
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
                double inverse = f[all + start], sum = 0, product = 0;
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
                    f[all + c] = (float)(inverse * (w == null ? 1 : w[c]));
                    f[(2 * all) + c] = given ? 0 : (float)(inverse * inverse * product / n);
                    f[(3 * all) + c] = given ? 0 : (float)(inverse * sum / n);
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
                Put(dw, c, product, betaW);
                Put(db, c, sum, betaB);
            }
        }
    }

    private static void Put(float* target, int i, double value, float beta)
    {
        if (target != null)
        {
            target[i] = beta == 0 ? (float)value : (float)value + (beta * target[i]);
        }
    }

    private readonly struct ColumnGradientRange(
        float* x, float* dy, float* factors, float* dx, NormShape shape, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int channels = shape.Channels;
            long all = (long)shape.Outer * channels;
            V old = Vector512.Create(beta);
            for (int row = from; row < to; row++)
            {
                long at = (long)row * channels;
                float* mean = factors + ((long)(row / shape.N) * channels);
                float* p = mean + all, q = p + all, r = q + all;
                for (int c = 0; c < channels; c += Lane.Count)
                {
                    int count = channels - c;
                    V z = Lane.Load(x + at + c, count) - Lane.Load(mean + c, count);
                    V d = Vector512.FusedMultiplyAdd(
                        Lane.Load(p + c, count), Lane.Load(dy + at + c, count),
                        -Lane.Load(r + c, count));
                    d -= Lane.Load(q + c, count) * z;
                    d = beta == 0 ? d : d + (old * Lane.Load(dx + at + c, count));
                    Lane.Store(dx + at + c, d, count);
                }
            }
        }
    }
}
