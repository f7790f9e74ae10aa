// Cross-entropy of rows of few classes (the pixels of a mask, ten digits): sixteen rows at a time,
// turned so that a vector holds one class of each. A row by itself would leave most of a vector
// empty, and pay for a logarithm and a sum across lanes of its own.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Most classes of a short row.</summary>
    private const int ShortRow = 16;

    /// <summary>Sixteen rows, turned; rows that are missing are ignored.</summary>
    private ref struct RowGroup
    {
        private fixed float _values[ShortRow * Lane.Count];
        private fixed float _weights[Lane.Count];
        private fixed int _targets[Lane.Count];

        public V Max, SumExp;

        /// <summary>The rows' targets, -1 where they are ignored, and their weights.</summary>
        public Vector512<int> Targets;
        public V Weights;

        public readonly V Valid =>
            Vector512.GreaterThanOrEqual(Targets, Vector512<int>.Zero).AsSingle();

        /// <param name="first">Number of the first row, for messages.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Load(
            float* x, int* target, float* weight, int first, int count, int columns,
            int ignoreIndex)
        {
            fixed (float* values = _values, weights = _weights)
            fixed (int* targets = _targets)
            {
                for (int row = 0; row < Lane.Count; row++)
                {
                    int t = row < count ? target[row] : ignoreIndex;
                    bool ignored = row >= count || t == ignoreIndex;
                    if (!ignored)
                    {
                        CheckTarget(t, first + row, columns);
                    }
                    targets[row] = ignored ? -1 : t;
                    weights[row] = ignored ? 0 : weight == null ? 1 : weight[t];
                    for (int c = 0; c < columns; c++)
                    {
                        values[(c * Lane.Count) + row] = row < count ? x[(row * columns) + c] : 0;
                    }
                }
                Targets = Vector512.Load(targets);
                Weights = Vector512.Load(weights);
                Max = Vector512.Load(values);
                for (int c = 1; c < columns; c++)
                {
                    Max = Vector512.Max(Max, Vector512.Load(values + (c * Lane.Count)));
                }
                SumExp = V.Zero;
                for (int c = 0; c < columns; c++)
                {
                    SumExp += VectorMath.Exp(Vector512.Load(values + (c * Lane.Count)) - Max);
                }
            }
        }

        /// <summary>Class c of the rows.</summary>
        public V this[int c]
        {
            readonly get
            {
                fixed (float* values = _values)
                {
                    return Vector512.Load(values + (c * Lane.Count));
                }
            }

            set
            {
                fixed (float* values = _values)
                {
                    value.Store(values + (c * Lane.Count));
                }
            }
        }

        /// <summary>dx = the group's values + beta * dx.</summary>
        public readonly void Store(float* dx, int count, int columns, float beta)
        {
            fixed (float* values = _values)
            {
                for (int row = 0; row < count; row++)
                {
                    for (int c = 0; c < columns; c++, dx++)
                    {
                        float value = values[(c * Lane.Count) + row];
                        *dx = beta == 0 ? value : value + (beta * *dx);
                    }
                }
            }
        }

        /// <summary>All ones in the rows whose target is c.</summary>
        public readonly V IsTarget(int c) =>
            Vector512.Equals(Targets, Vector512.Create(c)).AsSingle();
    }

    /// <summary>Blocks of rows: sums[block] = (loss, weight).</summary>
    private readonly struct ShortCrossEntropyRange(
        float* x, int* target, float* weight, double* sums, int rows, int columns,
        float smoothing, int ignoreIndex) : IRange
    {
        public void Run(int from, int to)
        {
            var group = default(RowGroup);
            for (int block = from; block < to; block++)
            {
                double loss = 0, total = 0;
                int end = Math.Min(rows, (block + 1) * LossBlock);
                for (int row = block * LossBlock; row < end; row += Lane.Count)
                {
                    group.Load(x + ((long)row * columns), target + row, weight, row,
                        Math.Min(Lane.Count, end - row), columns, ignoreIndex);
                    loss += Total(Losses(ref group));
                    total += Total(group.Weights);
                }
                sums[2 * block] = loss;
                sums[(2 * block) + 1] = total;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private V Losses(ref RowGroup group)
        {
            V log = group.Max + Vector512.Log(group.SumExp), hit = V.Zero, spread = V.Zero;
            for (int c = 0; c < columns; c++)
            {
                V away = log - group[c];
                hit = Vector512.ConditionalSelect(group.IsTarget(c), away, hit);
                spread += Vector512.Create(weight == null ? 1 : weight[c]) * away;
            }
            V loss = group.Weights * hit;
            if (smoothing != 0)
            {
                loss = (Vector512.Create(1 - smoothing) * loss)
                    + (Vector512.Create(smoothing / columns) * spread);
            }
            return loss & group.Valid;
        }
    }

    /// <summary>Groups of sixteen rows; the formula is that of long rows.</summary>
    private readonly struct ShortCrossEntropyGradientRange(
        float* x, int* target, float* weight, float* dx, int rows, int columns, float scale,
        float smoothing, float each, float allWeights, int ignoreIndex, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            var group = default(RowGroup);
            V even = Vector512.Create(scale * each * allWeights);
            for (int i = from; i < to; i++)
            {
                int row = i * Lane.Count, count = Math.Min(Lane.Count, rows - row);
                long at = (long)row * columns;
                group.Load(x + at, target + row, weight, row, count, columns, ignoreIndex);
                V hot = Vector512.Create(scale * (1 - smoothing)) * group.Weights;
                V part = (hot + even) / group.SumExp;
                for (int c = 0; c < columns; c++)
                {
                    V d = part * VectorMath.Exp(group[c] - group.Max);
                    d -= Vector512.Create(scale * each * (weight == null ? 1 : weight[c]));
                    d -= hot & group.IsTarget(c);
                    group[c] = d & group.Valid;
                }
                group.Store(dx + at, count, columns, beta);
            }
        }
    }
}
