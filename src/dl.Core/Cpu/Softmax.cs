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
        long cost = 8L * columns * LossBlock;
        if (columns <= ShortRow)
        {
            SplitRows(blocks, cost, new ShortCrossEntropyRange(
                Floats(x), Ints(target), OrNull(weight), sums, rows, columns, smoothing,
                ignoreIndex));
        }
        else
        {
            SplitRows(blocks, cost, new CrossEntropyRange(
                Floats(x), Ints(target), OrNull(weight), sums, rows, columns, smoothing,
                ignoreIndex));
        }
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
        if (columns <= ShortRow)
        {
            int groups = (rows + Lane.Count - 1) / Lane.Count;
            SplitRows(groups, 10L * columns * Lane.Count, new ShortCrossEntropyGradientRange(
                Floats(x), Ints(target), weights, Floats(dx), rows, columns, scale, smoothing,
                smoothing / columns, (float)all, ignoreIndex, beta));
            return;
        }
        SplitRows(rows, 10L * columns, new CrossEntropyGradientRange(
            Floats(x), Ints(target), weights, Floats(dx), columns, scale, smoothing,
            smoothing / columns, (float)all, ignoreIndex, beta));
    }

    /// <summary>The largest element of a row, which NaN may hide: the sum will not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float RowMax(float* x, int columns)
    {
        V low = Vector512.Create(float.NegativeInfinity);
        V max = low;
        int c = 0;
        for (; c <= columns - Lane.Count; c += Lane.Count)
        {
            max = Vector512.MaxNative(max, Vector512.Load(x + c));
        }
        if (c < columns)
        {
            max = Vector512.MaxNative(max, Lane.Load(x + c, columns - c, low));
        }
        var eight = Vector256.MaxNative(max.GetLower(), max.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        four = Vector128.MaxNative(
            four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return float.MaxNative(four[0], four[1]);
    }

    /// <summary>Sum of exp(x - max) over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double RowSumExp(float* x, int columns, float max)
    {
        V shift = Vector512.Create(max), low = Vector512.Create(float.NegativeInfinity);
        V sum = V.Zero;
        int c = 0;
        for (; c <= columns - Lane.Count; c += Lane.Count)
        {
            sum += VectorMath.Exp(Vector512.Load(x + c) - shift);
        }
        if (c < columns)
        {
            V e = VectorMath.Exp(Lane.Load(x + c, columns - c, low) - shift);
            sum += e & Lane.Mask(columns - c);
        }
        return Total(sum);
    }

    /// <summary>y = exp(x - max), and the sum of that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double RowExp(float* x, float* y, int columns, float max)
    {
        V shift = Vector512.Create(max), sum = V.Zero;
        int c = 0;
        for (; c <= columns - Lane.Count; c += Lane.Count)
        {
            V e = VectorMath.Exp(Vector512.Load(x + c) - shift);
            e.Store(y + c);
            sum += e;
        }
        if (c < columns)
        {
            V e = VectorMath.Exp(Lane.Load(x + c, columns - c) - shift);
            Lane.Store(y + c, e, columns - c);
            sum += e & Lane.Mask(columns - c);
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
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns);
                float* py = y + ((long)row * columns);
                double sum = RowExp(px, py, columns, RowMax(px, columns));
                V scale = Vector512.Create((float)(1 / sum));
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
        public void Run(int from, int to)
        {
            // log(sum of exp(x)) of each row.
            double* logs = stackalloc double[LossBlock];
            for (int block = from; block < to; block++)
            {
                double loss = 0, total = 0;
                int first = block * LossBlock, count = Math.Min(LossBlock, rows - first);
                LogSums(first, count, logs);
                for (int i = 0; i < count; i++)
                {
                    int t = target[first + i];
                    if (t != ignoreIndex)
                    {
                        float w = weight == null ? 1 : weight[t];
                        loss += Loss(x + ((long)(first + i) * columns), t, w, logs[i]);
                        total += w;
                    }
                }
                sums[2 * block] = loss;
                sums[(2 * block) + 1] = total;
            }
        }

        /// <summary>The logarithms of a block are taken together, eight at a time.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void LogSums(int first, int count, double* logs)
        {
            double* exponentials = stackalloc double[LossBlock];
            new Span<double>(exponentials, LossBlock).Fill(1);
            for (int i = 0; i < count; i++)
            {
                int t = target[first + i];
                if (t != ignoreIndex)
                {
                    CheckTarget(t, first + i, columns);
                    float* row = x + ((long)(first + i) * columns);
                    float max = RowMax(row, columns);
                    logs[i] = max;
                    exponentials[i] = RowSumExp(row, columns, max);
                }
            }
            for (int i = 0; i < count; i += Vector512<double>.Count)
            {
                (Vector512.Load(logs + i) + Vector512.Log(Vector512.Load(exponentials + i)))
                    .Store(logs + i);
            }
        }

        /// <param name="log">Of the row's sum of exponentials.</param>
        private double Loss(float* row, int t, float w, double log)
        {
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
                // Where dx is written, it holds the exponentials until their sum is known.
                double sum = beta == 0
                    ? RowExp(px, pdx, columns, max) : RowSumExp(px, columns, max);
                V shift = Vector512.Create(max);
                V part = Vector512.Create((float)((w + (scale * each * allWeights)) / sum));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    int count = columns - c;
                    V d = part * (beta == 0
                        ? Lane.Load(pdx + c, count)
                        : VectorMath.Exp(Lane.Load(px + c, count, low) - shift));
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
