// Updates of weights by the rows of Ops/UpdateRows.cs, and the norm and clipping of gradients.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;
using W = System.Runtime.Intrinsics.Vector512<double>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Update(
        UpdateRule rule, Storage w, Storage g, ReadOnlySpan<Storage> state, int n,
        in UpdateNumbers k) =>
        Split(n, Grain / 4, new UpdateRange(
            rule.Loop, Floats(w), Floats(g), state.Length > 0 ? Floats(state[0]) : null,
            state.Length > 1 ? Floats(state[1]) : null, state.Length > 2 ? Floats(state[2]) : null,
            k));

    public override void GradientNorm(Storage g, Storage norm, int n)
    {
        int blocks = Math.Max(1, (n + RowBlock - 1) / RowBlock);
        double* sums = Sums(blocks);
        SplitRows(blocks, Math.Min(n, RowBlock), new SquareSumRange(Floats(g), sums, n));
        double sum = 0;
        for (int i = 0; i < blocks; i++)
        {
            sum += sums[i];
        }
        Floats(norm)[0] = (float)Math.Sqrt(sum);
    }

    public override void ClipNorm(Storage g, Storage norm, int n, float limit, float epsilon)
    {
        float factor = limit / (Floats(norm)[0] + epsilon);
        // The other way round a norm of NaN would leave the gradient as if it were short.
        if (!(factor >= 1))
        {
            Split(n, Grain, new ScaleRange(Floats(g), Floats(g), factor, 0));
        }
    }

    public override void ClipValue(Storage g, int n, float limit) =>
        Split(n, Grain, new ClipRange(Floats(g), limit));

    public override void FactoredDirection(
        Storage g, Storage r, Storage c, Storage mean, Storage u, int batch, int rows, int columns,
        float epsilon) =>
        SplitRows(batch * rows, columns, new FactoredRange(
            Floats(g), Floats(r), Floats(c), Floats(mean), Floats(u), rows, columns, epsilon));

    private readonly struct UpdateRange(
        UpdateLoop loop, float* w, float* g, float* a, float* b, float* c, UpdateNumbers k) : IRange
    {
        public void Run(int from, int to)
        {
            int n = to - from;
            loop(new(w + from, n), new(g + from, n), Part(a, from, n), Part(b, from, n),
                Part(c, from, n), k);
        }

        private static Span<float> Part(float* run, int from, int n) =>
            run is null ? [] : new(run + from, n);
    }

    /// <summary>Blocks of a run: sums[block] of squares, in double.</summary>
    private readonly struct SquareSumRange(float* x, double* sums, int n) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int block = from; block < to; block++)
            {
                int at = block * RowBlock;
                sums[block] = Sum(x + at, Math.Min(RowBlock, n - at));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double Sum(float* p, int n)
        {
            W even = W.Zero, odd = W.Zero;
            for (int i = 0; i < n; i += Lane.Count)
            {
                V v = Lane.Load(p + i, n - i);
                W low = Vector512.WidenLower(v), high = Vector512.WidenUpper(v);
                even = Vector512.FusedMultiplyAdd(low, low, even);
                odd = Vector512.FusedMultiplyAdd(high, high, odd);
            }
            return Vector512.Sum(even + odd);
        }
    }

    private readonly struct ClipRange(float* g, float limit) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V most = Vector512.Create(limit);
            for (int i = from; i < to; i += Lane.Count)
            {
                V v = Lane.Load(g + i, to - i);
                Lane.Store(g + i, Vector512.Min(Vector512.Max(v, -most), most), to - i);
            }
        }
    }

    /// <summary>Rows of all matrices.</summary>
    private readonly struct FactoredRange(
        float* g, float* r, float* c, float* mean, float* u, int rows, int columns, float epsilon)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V added = Vector512.Create(epsilon);
            for (int row = from; row < to; row++)
            {
                int batch = row / rows;
                V size = Vector512.Create(
                    MathF.Sqrt((mean[batch] + epsilon) / (r[row] + epsilon)));
                long at = (long)row * columns;
                float* column = c + ((long)batch * columns);
                for (int j = 0; j < columns; j += Lane.Count)
                {
                    int count = columns - j;
                    V root = Vector512.Sqrt(Lane.Load(column + j, count) + added);
                    V value = Lane.Load(g + at + j, count) * size / root;
                    Lane.Store(u + at + j, value, count);
                }
            }
        }
    }
}
