// Normalisation of contiguous rows (layer and RMS norm): a row stays in the first cache while it is
// measured, measured again around its mean, and written. Gradients of scale and shift are sums over
// rows; blocks of rows add them in float beside dx, and blocks are joined in double.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Elements of a row that are added in float, 64 to a lane.</summary>
    private const int RowChain = 64 * Lane.Count;

    private void NormRows(
        Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage y,
        NormShape shape, float epsilon) =>
        SplitRows(shape.Outer, 4L * shape.Channels, new RowNormRange(
            Floats(x), OrNull(w), OrNull(b), OrNull(mean), Floats(variance), Floats(y),
            shape.Channels, epsilon));

    private void NormRowsGradient(
        Storage x, Storage? w, Storage? mean, Storage variance, Storage dy, in NormGradients to,
        NormShape shape, float epsilon)
    {
        // At most 64 rows in float, and at least 64 blocks where there are as many rows.
        int rows = Math.Clamp(shape.Outer / 64, 1, 64);
        int blocks = (shape.Outer + rows - 1) / rows;
        bool scales = to.Dw is not null || to.Db is not null;
        float* sums = scales ? Shared(2L * blocks * shape.Channels) : null;
        SplitRows(blocks, 8L * rows * shape.Channels, new RowNormGradientRange(
            Floats(x), OrNull(w), OrNull(mean), Floats(variance), Floats(dy), OrNull(to.Dx), sums,
            shape, epsilon, to.BetaX, rows));
        if (scales)
        {
            SplitRows(shape.Channels, 2L * blocks, new JoinRowSumsRange(
                sums, OrNull(to.Dw), OrNull(to.Db), blocks, shape.Channels, to.BetaW, to.BetaB));
        }
    }

    private readonly struct RowNormRange(
        float* x, float* w, float* b, float* mean, float* variance, float* y, int columns,
        float epsilon) : IRange
    {
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                float* p = x + ((long)row * columns);
                float center = mean == null ? 0 : (float)(Sum(p, columns) / columns);
                var (first, square) = Deviations(p, center);
                // The deviations' mean is what rounding the center left over.
                double rest = mean == null ? 0 : first / columns;
                double spread = (square / columns) - (rest * rest);
                variance[row] = (float)spread;
                double inverse = 1 / Math.Sqrt(spread + epsilon);
                if (mean != null)
                {
                    mean[row] = center;
                }
                Write(p, y + ((long)row * columns), center, (float)inverse,
                    (float)(-rest * inverse));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double Sum(float* p, int columns)
        {
            double total = 0;
            for (int start = 0; start < columns; start += RowChain)
            {
                int end = Math.Min(columns, start + RowChain);
                V a = V.Zero, b = V.Zero;
                int c = start;
                for (; c <= end - (2 * Lane.Count); c += 2 * Lane.Count)
                {
                    a += Vector512.Load(p + c);
                    b += Vector512.Load(p + c + Lane.Count);
                }
                for (; c < end; c += Lane.Count)
                {
                    a += Fetch(p + c, end - c);
                }
                total += Total(a + b);
            }
            return total;
        }

        /// <summary>Sums of x - center and of its square.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private (double First, double Square) Deviations(float* p, float center)
        {
            V m = Vector512.Create(center);
            double first = 0, square = 0;
            for (int start = 0; start < columns; start += RowChain)
            {
                int end = Math.Min(columns, start + RowChain), c = start;
                V a = V.Zero, b = V.Zero, a2 = V.Zero, b2 = V.Zero;
                for (; c <= end - (2 * Lane.Count); c += 2 * Lane.Count)
                {
                    V d = Vector512.Load(p + c) - m, e = Vector512.Load(p + c + Lane.Count) - m;
                    a += d;
                    b += e;
                    a2 = Vector512.FusedMultiplyAdd(d, d, a2);
                    b2 = Vector512.FusedMultiplyAdd(e, e, b2);
                }
                for (; c < end; c += Lane.Count)
                {
                    V d = (Fetch(p + c, end - c) - m) & Lane.Mask(end - c);
                    a += d;
                    a2 = Vector512.FusedMultiplyAdd(d, d, a2);
                }
                first += Total(a + b);
                square += Total(a2 + b2);
            }
            return (first, square);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Write(float* p, float* q, float center, float inverse, float rest)
        {
            V m = Vector512.Create(center), s = Vector512.Create(inverse);
            V t = Vector512.Create(rest);
            for (int c = 0; c < columns; c += Lane.Count)
            {
                int count = columns - c;
                V z = Vector512.FusedMultiplyAdd(Fetch(p + c, count) - m, s, t);
                z = w == null ? z : z * Fetch(w + c, count);
                z = b == null ? z : z + Fetch(b + c, count);
                Put(q + c, z, count);
            }
        }
    }

    /// <summary>Blocks of rows: dx, and sums of dy z and dy as [block, 2, column].</summary>
    private readonly struct RowNormGradientRange(
        float* x, float* w, float* mean, float* variance, float* dy, float* dx, float* sums,
        NormShape shape, float epsilon, float beta, int rows) : IRange
    {
        public void Run(int from, int to)
        {
            int columns = shape.Channels;
            for (int block = from; block < to; block++)
            {
                float* products = sums == null ? null : sums + (2L * block * columns);
                if (sums != null)
                {
                    new Span<float>(products, 2 * columns).Clear();
                }
                int end = Math.Min(shape.Outer, (block + 1) * rows);
                for (int row = block * rows; row < end; row++)
                {
                    long at = (long)row * columns;
                    float center = mean == null ? 0 : mean[row];
                    float inverse = (float)(1 / Math.Sqrt((double)variance[row] + epsilon));
                    var (sum, product) = Add(x + at, dy + at, center, inverse, products);
                    if (dx != null)
                    {
                        Write(x + at, dy + at, dx + at, center, inverse,
                            mean == null ? 0 : (float)(sum / columns),
                            (float)(product / columns));
                    }
                }
            }
        }

        /// <summary>Sums of g and g z over a row; adds dy z and dy to the block's.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private (double Sum, double Product) Add(
            float* p, float* q, float center, float inverse, float* products)
        {
            int columns = shape.Channels;
            V m = Vector512.Create(center), s = Vector512.Create(inverse);
            double sum = 0, product = 0;
            for (int start = 0; start < columns; start += RowChain)
            {
                int end = Math.Min(columns, start + RowChain);
                V a = V.Zero, b = V.Zero;
                for (int c = start; c < end; c += Lane.Count)
                {
                    int count = end - c;
                    V d = Fetch(q + c, count), z = (Fetch(p + c, count) - m) * s;
                    if (products != null)
                    {
                        float* r = products + c;
                        Put(r, Vector512.FusedMultiplyAdd(d, z, Fetch(r, count)), count);
                        r += columns;
                        Put(r, d + Fetch(r, count), count);
                    }
                    V g = w == null ? d : d * Fetch(w + c, count);
                    a += g;
                    b = Vector512.FusedMultiplyAdd(g, z, b);
                }
                sum += Total(a);
                product += Total(b);
            }
            return (sum, product);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Write(
            float* p, float* q, float* target, float center, float inverse, float meanG,
            float meanGz)
        {
            int columns = shape.Channels;
            V m = Vector512.Create(center), s = Vector512.Create(inverse);
            V a = Vector512.Create(meanG), b = Vector512.Create(meanGz);
            V old = Vector512.Create(beta);
            for (int c = 0; c < columns; c += Lane.Count)
            {
                int count = columns - c;
                V g = Fetch(q + c, count);
                g = w == null ? g : g * Fetch(w + c, count);
                V z = (Fetch(p + c, count) - m) * s;
                V d = s * (g - a - (z * b));
                d = beta == 0 ? d : d + (old * Fetch(target + c, count));
                Put(target + c, d, count);
            }
        }
    }

    /// <summary>dw and db: the blocks' sums, in order.</summary>
    private readonly struct JoinRowSumsRange(
        float* sums, float* dw, float* db, int blocks, int columns, float betaW, float betaB)
        : IRange
    {
        public void Run(int from, int to)
        {
            for (int c = from; c < to; c++)
            {
                double product = 0, sum = 0;
                for (int block = 0; block < blocks; block++)
                {
                    float* p = sums + (2L * block * columns) + c;
                    product += p[0];
                    sum += p[columns];
                }
                PutSum(dw, c, product, betaW);
                PutSum(db, c, sum, betaB);
            }
        }
    }
}
