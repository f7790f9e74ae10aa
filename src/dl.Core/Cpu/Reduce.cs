// Sums over the middle of (outer, n, inner), and broadcast. Sums are cut into blocks of n whose
// size depends on nothing but the shape; additions run in double where chains get long, so a sum of
// 1e7 numbers is exact to the last bit of a float or nearly so.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;
using W = System.Runtime.Intrinsics.Vector512<double>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Elements of a row that one piece adds up.</summary>
    private const int RowBlock = 1 << 15;

    /// <summary>Rows of a column sum that one piece adds up.</summary>
    private const int ColumnBlock = 1 << 10;

    public override void ReduceSum(
        Storage x, Storage y, int outer, int n, int inner, float scale, float beta)
    {
        if (outer == 0 || inner == 0)
        {
            return;
        }
        int size = inner == 1 ? RowBlock : ColumnBlock;
        int blocks = Math.Max(1, (n + size - 1) / size);
        double* sums = Sums((long)outer * blocks * inner);
        if (inner == 1)
        {
            SplitRows(outer * blocks, Math.Min(n, size),
                new RowSumRange(Floats(x), sums, n, size, blocks));
        }
        else
        {
            int strips = (inner + ColumnSumRange.Width - 1) / ColumnSumRange.Width;
            SplitRows(outer * blocks * strips, (long)Math.Min(n, size) * Math.Min(inner, 64),
                new ColumnSumRange(Floats(x), sums, n, inner, size, blocks, strips));
        }
        SplitRows(outer * inner, blocks,
            new FinishSumRange(sums, Floats(y), blocks, inner, scale, beta));
    }

    public override void Broadcast(
        Storage x, Storage y, int outer, int n, int inner, float scale, float beta)
    {
        if (n == 1)
        {
            (n, inner) = (outer * inner, 1);
            Split(n, Grain, new ScaleRange(Floats(x), Floats(y), scale, beta));
        }
        else if (inner == 1)
        {
            SplitRows(outer, n, new RepeatRange(Floats(x), Floats(y), n, scale, beta));
        }
        else
        {
            SplitRows(outer * n, inner,
                new RepeatRowsRange(Floats(x), Floats(y), n, inner, scale, beta));
        }
    }

    /// <summary>y = scale * x + beta * y over a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scaled(float* x, float* y, int n, float scale, float beta)
    {
        V s = Vector512.Create(scale), b = Vector512.Create(beta);
        int i = 0;
        for (; i <= n - Lane.Count; i += Lane.Count)
        {
            V v = Vector512.Load(x + i) * s;
            v = beta == 0 ? v : v + (b * Vector512.Load(y + i));
            v.Store(y + i);
        }
        for (; i < n; i++)
        {
            float v = x[i] * scale;
            y[i] = beta == 0 ? v : v + (beta * y[i]);
        }
    }

    /// <summary>Blocks of rows: sums[block].</summary>
    private readonly struct RowSumRange(
        float* x, double* sums, int n, int size, int blocks) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                int at = i % blocks * size;
                sums[i] = Sum(x + ((long)(i / blocks) * n) + at, Math.Min(size, n - at));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double Sum(float* p, int n)
        {
            W a = W.Zero, b = W.Zero, c = W.Zero, d = W.Zero;
            int i = 0;
            for (; i <= n - (2 * Lane.Count); i += 2 * Lane.Count)
            {
                V first = Vector512.Load(p + i), second = Vector512.Load(p + i + Lane.Count);
                a += Vector512.WidenLower(first);
                b += Vector512.WidenUpper(first);
                c += Vector512.WidenLower(second);
                d += Vector512.WidenUpper(second);
            }
            double sum = Vector512.Sum(a + b + (c + d));
            for (; i < n; i++)
            {
                sum += p[i];
            }
            return sum;
        }
    }

    /// <summary>
    /// Strips of columns of blocks of rows: sums[outer, block, column]. Sixteen rows are added in
    /// float, then in double.
    /// </summary>
    private readonly struct ColumnSumRange(
        float* x, double* sums, int n, int inner, int size, int blocks, int strips) : IRange
    {
        public const int Width = 64;

        private const int Chain = 16;

        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                int block = i / strips, column = i % strips * Width;
                int row = block % blocks * size;
                float* p = x + ((((long)(block / blocks) * n) + row) * inner) + column;
                double* sum = sums + ((long)block * inner) + column;
                int width = Math.Min(Width, inner - column), rows = Math.Min(size, n - row);
                int c = 0;
                for (; c < width; c += Lane.Count)
                {
                    Add(p + c, sum + c, rows, Math.Min(Lane.Count, width - c));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Add(float* p, double* sum, int rows, int width)
        {
            W lower = W.Zero, upper = W.Zero;
            // Rows lie apart, which the hardware does not guess.
            long ahead = Chain * (long)inner;
            for (int row = 0; row < rows; row += Chain)
            {
                int end = Math.Min(rows, row + Chain);
                V v = V.Zero, odd = V.Zero;
                int i = row;
                for (; i < end - 1; i += 2, p += 2L * inner)
                {
                    Prefetch(p + ahead);
                    Prefetch(p + ahead + inner);
                    v += Fetch(p, width);
                    odd += Fetch(p + inner, width);
                }
                if (i < end)
                {
                    v += Fetch(p, width);
                    p += inner;
                }
                v += odd;
                lower += Vector512.WidenLower(v);
                upper += Vector512.WidenUpper(v);
            }
            double* all = stackalloc double[Lane.Count];
            lower.Store(all);
            upper.Store(all + 8);
            for (int i = 0; i < width; i++)
            {
                sum[i] = all[i];
            }
        }
    }

    /// <summary>Adds the blocks up, in order.</summary>
    private readonly struct FinishSumRange(
        double* sums, float* y, int blocks, int inner, float scale, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                double* p = sums + ((long)(i / inner) * blocks * inner) + (i % inner);
                double sum = 0;
                for (int block = 0; block < blocks; block++)
                {
                    sum += p[(long)block * inner];
                }
                float v = (float)(sum * scale);
                y[i] = beta == 0 ? v : v + (beta * y[i]);
            }
        }
    }

    private readonly struct ScaleRange(float* x, float* y, float scale, float beta) : IRange
    {
        public void Run(int from, int to) => Scaled(x + from, y + from, to - from, scale, beta);
    }

    /// <summary>One value a row.</summary>
    private readonly struct RepeatRange(float* x, float* y, int n, float scale, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                var line = new Span<float>(y + ((long)row * n), n);
                float value = scale * x[row];
                if (beta == 0)
                {
                    line.Fill(value);
                    continue;
                }
                for (int i = 0; i < line.Length; i++)
                {
                    line[i] = value + (beta * line[i]);
                }
            }
        }
    }

    /// <summary>Each row of x goes to n rows of y.</summary>
    private readonly struct RepeatRowsRange(
        float* x, float* y, int n, int inner, float scale, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                Scaled(x + ((long)(row / n) * inner), y + ((long)row * inner), inner, scale, beta);
            }
        }
    }
}
