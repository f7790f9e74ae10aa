// The softmax family, one row at a time, 16 columns at a time. Sums over a row run in float over 16
// lanes and are added up in double; sums over rows run in double over blocks of fixed size.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Rows of a loss that one piece adds up.</summary>
    private const int LossBlock = 64;

    public override void Softmax(Storage x, Storage y, int rows, int columns) =>
        SplitRows(rows, 8L * columns, new SoftmaxRange(Floats(x), Floats(y), columns));

    public override void SoftmaxGradient(
        Storage y, Storage dy, Storage dx, int rows, int columns, float beta) =>
        SplitRows(rows, 4L * columns, new SoftmaxGradientRange(
            Floats(y), Floats(dy), Floats(dx), columns, beta));

    public override void LogSoftmax(Storage x, Storage y, int rows, int columns) =>
        SplitRows(rows, 8L * columns, new LogSoftmaxRange(Floats(x), Floats(y), columns));

    public override void LogSoftmaxGradient(
        Storage y, Storage dy, Storage dx, int rows, int columns, float beta) =>
        SplitRows(rows, 8L * columns, new LogSoftmaxGradientRange(
            Floats(y), Floats(dy), Floats(dx), columns, beta));

    public override void SoftmaxCrossEntropy(
        Storage x, Storage target, Storage? weight, Storage loss, Storage total,
        int rows, int columns, float smoothing, int ignoreIndex)
    {
        int blocks = (rows + LossBlock - 1) / LossBlock;
        double* sums = Sums(2L * Math.Max(1, blocks));
        SplitRows(blocks, 8L * columns * LossBlock, new CrossEntropyRange(
            Floats(x), Ints(target), weight is null ? null : Floats(weight), sums,
            rows, columns, smoothing, ignoreIndex));
        double lossSum = 0, weights = 0;
        for (int i = 0; i < blocks; i++)
        {
            lossSum += sums[2 * i];
            weights += sums[(2 * i) + 1];
        }
        *Floats(loss) = (float)(lossSum / weights);
        *Floats(total) = (float)weights;
    }

    public override void SoftmaxCrossEntropyGradient(
        Storage x, Storage target, Storage? weight, Storage dloss, Storage total, Storage dx,
        int rows, int columns, float smoothing, int ignoreIndex, float beta)
    {
        float scale = *Floats(dloss) / *Floats(total);
        float* weights = weight is null ? null : Floats(weight);
        double all = columns;
        if (weights != null)
        {
            all = 0;
            for (int c = 0; c < columns; c++)
            {
                all += weights[c];
            }
        }
        SplitRows(rows, 10L * columns, new CrossEntropyGradientRange(
            Floats(x), Ints(target), weights, Floats(dx), columns, scale, smoothing,
            smoothing / columns, (float)all, ignoreIndex, beta));
    }

    /// <summary>The largest element of a row; NaN where there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float RowMax(float* x, int columns)
    {
        V low = Vector512.Create(float.NegativeInfinity);
        V max = low;
        for (int c = 0; c < columns; c += Lane.Count)
        {
            max = Vector512.Max(max, Lane.Load(x + c, columns - c, low));
        }
        var eight = Vector256.Max(max.GetLower(), max.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)));
        return four.ToScalar();
    }

    /// <summary>Sum of exp(x - max) over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double RowSumExp(float* x, int columns, float max)
    {
        V shift = Vector512.Create(max), low = Vector512.Create(float.NegativeInfinity);
        V sum = V.Zero;
        for (int c = 0; c < columns; c += Lane.Count)
        {
            V e = VectorMath.Exp(Lane.Load(x + c, columns - c, low) - shift);
            sum += columns - c >= Lane.Count ? e : e & Lane.Mask(columns - c);
        }
        return Total(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Total(V v) =>
        Vector512.Sum(Vector512.WidenLower(v) + Vector512.WidenUpper(v));

    private readonly struct SoftmaxRange(float* x, float* y, int columns) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V low = Vector512.Create(float.NegativeInfinity);
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns);
                float* py = y + ((long)row * columns);
                V shift = Vector512.Create(RowMax(px, columns));
                V sum = V.Zero;
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    V e = VectorMath.Exp(Lane.Load(px + c, columns - c, low) - shift);
                    sum += columns - c >= Lane.Count ? e : e & Lane.Mask(columns - c);
                    Lane.Store(py + c, e, columns - c);
                }
                V scale = Vector512.Create((float)(1 / Total(sum)));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    Lane.Store(py + c, Lane.Load(py + c, columns - c) * scale, columns - c);
                }
            }
        }
    }

    private readonly struct SoftmaxGradientRange(
        float* y, float* dy, float* dx, int columns, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V old = Vector512.Create(beta);
            for (long row = from; row < to; row++)
            {
                float* py = y + (row * columns), pdy = dy + (row * columns);
                float* pdx = dx + (row * columns);
                V sum = V.Zero;
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    sum += Lane.Load(py + c, columns - c) * Lane.Load(pdy + c, columns - c);
                }
                V shift = Vector512.Create((float)Total(sum));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    int count = columns - c;
                    V d = Lane.Load(py + c, count) * (Lane.Load(pdy + c, count) - shift);
                    d = beta == 0 ? d : d + (old * Lane.Load(pdx + c, count));
                    Lane.Store(pdx + c, d, count);
                }
            }
        }
    }

    private readonly struct LogSoftmaxRange(float* x, float* y, int columns) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (long row = from; row < to; row++)
            {
                float* px = x + (row * columns), py = y + (row * columns);
                float max = RowMax(px, columns);
                V shift = Vector512.Create(max);
                V log = Vector512.Create((float)Math.Log(RowSumExp(px, columns, max)));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    Lane.Store(py + c, Lane.Load(px + c, columns - c) - shift - log, columns - c);
                }
            }
        }
    }

    private readonly struct LogSoftmaxGradientRange(
        float* y, float* dy, float* dx, int columns, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V old = Vector512.Create(beta);
            for (long row = from; row < to; row++)
            {
                float* py = y + (row * columns), pdy = dy + (row * columns);
                float* pdx = dx + (row * columns);
                V sum = V.Zero;
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    sum += Lane.Load(pdy + c, columns - c);
                }
                V all = Vector512.Create((float)Total(sum));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    int count = columns - c;
                    V d = Lane.Load(pdy + c, count)
                        - (VectorMath.Exp(Lane.Load(py + c, count)) * all);
                    d = beta == 0 ? d : d + (old * Lane.Load(pdx + c, count));
                    Lane.Store(pdx + c, d, count);
                }
            }
        }
    }

    /// <summary>Blocks of rows: sums[block] = (loss, weight).</summary>
    private readonly struct CrossEntropyRange(
        float* x, int* target, float* weight, double* sums, int rows, int columns,
        float smoothing, int ignoreIndex) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int block = from; block < to; block++)
            {
                double loss = 0, total = 0;
                int end = Math.Min(rows, (block + 1) * LossBlock);
                for (int row = block * LossBlock; row < end; row++)
                {
                    int t = target[row];
                    if (t == ignoreIndex)
                    {
                        continue;
                    }
                    CheckTarget(t, row, columns);
                    float w = weight == null ? 1 : weight[t];
                    loss += Loss(x + ((long)row * columns), t, w);
                    total += w;
                }
                sums[2 * block] = loss;
                sums[(2 * block) + 1] = total;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private double Loss(float* row, int t, float w)
        {
            float max = RowMax(row, columns);
            double log = max + Math.Log(RowSumExp(row, columns, max));
            double loss = w * (log - row[t]);
            if (smoothing == 0)
            {
                return loss;
            }
            double spread = 0;
            for (int c = 0; c < columns; c++)
            {
                spread += (weight == null ? 1 : weight[c]) * (log - row[c]);
            }
            return ((1.0 - smoothing) * loss) + (smoothing / columns * spread);
        }
    }

    private static void CheckTarget(int target, int row, int columns)
    {
        if ((uint)target >= (uint)columns)
        {
            throw new DataException(
                $"cross-entropy: target {target} in row {row}, expected 0 to {columns - 1}");
        }
    }

    /// <summary>
    /// d/dx_j = scale * ((1-s) w_t (p_j - [j = t]) + s/K (p_j * sum(w) - w_j)).
    /// </summary>
    private readonly struct CrossEntropyGradientRange(
        float* x, int* target, float* weight, float* dx, int columns, float scale,
        float smoothing, float each, float allWeights, int ignoreIndex, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V one = Vector512.Create(1f), old = Vector512.Create(beta);
            V low = Vector512.Create(float.NegativeInfinity);
            V even = Vector512.Create(scale * each);
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns), pdx = dx + ((long)row * columns);
                int t = target[row];
                if (t == ignoreIndex)
                {
                    Ignore(pdx);
                    continue;
                }
                CheckTarget(t, row, columns);
                float max = RowMax(px, columns);
                float w = scale * (1 - smoothing) * (weight == null ? 1 : weight[t]);
                double sum = RowSumExp(px, columns, max);
                V shift = Vector512.Create(max);
                V part = Vector512.Create((float)((w + (scale * each * allWeights)) / sum));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    int count = columns - c;
                    V d = part * VectorMath.Exp(Lane.Load(px + c, count, low) - shift);
                    if (smoothing != 0)
                    {
                        d -= even * (weight == null ? one : Lane.Load(weight + c, count));
                    }
                    V hot = Vector512.Equals(
                        Vector512<int>.Indices, Vector512.Create(t - c)).AsSingle();
                    d -= Vector512.Create(w) & hot;
                    d = beta == 0 ? d : d + (old * Lane.Load(pdx + c, count));
                    Lane.Store(pdx + c, d, count);
                }
            }
        }

        private void Ignore(float* row)
        {
            for (int c = 0; c < columns; c++)
            {
                row[c] = beta == 0 ? 0 : beta * row[c];
            }
        }
    }
}
