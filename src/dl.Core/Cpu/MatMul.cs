// Matrix products: single rows and small matrices straight from memory, others by the blocked
// product of Product.cs.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void MatMul(
        Storage a, Storage b, Storage? bias, Storage c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta) =>
        MatMul(Floats(a), Floats(b), bias is null ? null : Floats(bias), Floats(c),
            batch, m, n, k, transposeA, transposeB, beta);

    private void MatMul(
        float* a, float* b, float* bias, float* c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta)
    {
        if (m == 1 && batch == 1)
        {
            RowTimesMatrix(a, b, bias, c, n, k, transposeB, beta);
            return;
        }
        if (n == 1 && batch == 1 && bias == null)
        {
            // The same with both sides exchanged: c^T = b^T op(a)^T.
            RowTimesMatrix(b, a, null, c, m, k, !transposeA, beta);
            return;
        }
        if (batch == 1 && SmallProduct.Suits(m, n, k))
        {
            MultiplySmall(a, b, bias, c, m, n, k, transposeA, transposeB, beta);
            return;
        }
        Multiply(new Product<LeftMatrix, RightMatrix>
        {
            A = new LeftMatrix(a, (long)m * k, transposeA ? m : k, transposeA),
            B = new RightMatrix(b, (long)k * n, transposeB ? k : n, transposeB),
            C = c,
            Bias = bias,
            Batch = batch,
            M = m,
            N = n,
            K = k,
            Ldc = n,
            StepC = (long)m * n,
            Beta = beta,
        });
    }

    /// <summary>c (n) = x (k) op(b) + bias + beta c.</summary>
    private void RowTimesMatrix(
        float* x, float* b, float* bias, float* c, int n, int k, bool transposed, float beta)
    {
        int grain = (int)Math.Clamp(4L * Grain / Math.Max(1, k), 1, int.MaxValue);
        if (transposed)
        {
            Split(n, grain, new DotRange(x, b, bias, c, k, beta));
        }
        else
        {
            Split(n, Math.Max(64, grain), new AxpyRange(x, b, bias, c, n, k, beta));
        }
    }

    /// <summary>b lies as n x k: one dot product for each element.</summary>
    private readonly struct DotRange(float* x, float* b, float* bias, float* c, int k, float beta)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int j = from; j < to; j++)
            {
                float* row = b + ((long)j * k);
                V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, s3 = V.Zero;
                int i = 0;
                for (; i <= k - (4 * Lane.Count); i += 4 * Lane.Count)
                {
                    s0 = Vector512.FusedMultiplyAdd(
                        Vector512.Load(x + i), Vector512.Load(row + i), s0);
                    s1 = Vector512.FusedMultiplyAdd(
                        Vector512.Load(x + i + 16), Vector512.Load(row + i + 16), s1);
                    s2 = Vector512.FusedMultiplyAdd(
                        Vector512.Load(x + i + 32), Vector512.Load(row + i + 32), s2);
                    s3 = Vector512.FusedMultiplyAdd(
                        Vector512.Load(x + i + 48), Vector512.Load(row + i + 48), s3);
                }
                for (; i < k; i += Lane.Count)
                {
                    int count = Math.Min(Lane.Count, k - i);
                    s0 = Vector512.FusedMultiplyAdd(
                        Lane.Load(x + i, count), Lane.Load(row + i, count), s0);
                }
                float v = Vector512.Sum(s0 + s1 + (s2 + s3)) + (bias == null ? 0 : bias[j]);
                c[j] = beta == 0 ? v : v + (beta * c[j]);
            }
        }
    }

    /// <summary>b lies as k x n: rows of b are added up, four at a time.</summary>
    private readonly struct AxpyRange(
        float* x, float* b, float* bias, float* c, int n, int k, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            const int Wide = 1024;
            float* sums = stackalloc float[Wide];
            for (int start = from; start < to; start += Wide)
            {
                int width = Math.Min(Wide, to - start);
                new Span<float>(sums, Wide).Clear();
                float* p = b + start;
                int l = 0;
                for (; l <= k - 4; l += 4, p += 4L * n)
                {
                    AddFour(sums, p, x + l, width);
                }
                for (; l < k; l++, p += n)
                {
                    V scale = Vector512.Create(x[l]);
                    for (int j = 0; j < width; j += Lane.Count)
                    {
                        Vector512.FusedMultiplyAdd(scale, Lane.Load(p + j, width - j),
                            Vector512.Load(sums + j)).Store(sums + j);
                    }
                }
                for (int j = 0; j < width; j++)
                {
                    float v = sums[j] + (bias == null ? 0 : bias[start + j]);
                    c[start + j] = beta == 0 ? v : v + (beta * c[start + j]);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void AddFour(float* sums, float* p, float* scales, int width)
        {
            V x0 = Vector512.Create(scales[0]), x1 = Vector512.Create(scales[1]);
            V x2 = Vector512.Create(scales[2]), x3 = Vector512.Create(scales[3]);
            float* p1 = p + n, p2 = p1 + n, p3 = p2 + n;
            int j = 0;
            for (; j <= width - Lane.Count; j += Lane.Count)
            {
                V s = Vector512.Load(sums + j);
                s = Vector512.FusedMultiplyAdd(x0, Vector512.Load(p + j), s);
                s = Vector512.FusedMultiplyAdd(x1, Vector512.Load(p1 + j), s);
                s = Vector512.FusedMultiplyAdd(x2, Vector512.Load(p2 + j), s);
                Vector512.FusedMultiplyAdd(x3, Vector512.Load(p3 + j), s).Store(sums + j);
            }
            int rest = width - j;
            if (rest > 0)
            {
                V s = Vector512.Load(sums + j);
                s = Vector512.FusedMultiplyAdd(x0, Lane.Load(p + j, rest), s);
                s = Vector512.FusedMultiplyAdd(x1, Lane.Load(p1 + j, rest), s);
                s = Vector512.FusedMultiplyAdd(x2, Lane.Load(p2 + j, rest), s);
                Vector512.FusedMultiplyAdd(x3, Lane.Load(p3 + j, rest), s).Store(sums + j);
            }
        }
    }
}
