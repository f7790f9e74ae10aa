// Cross-entropy against shares of classes and the focal loss: a row at a time, 16 columns at a
// time, as in Softmax.cs.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void SoftCrossEntropy(
        Storage x, Storage target, Storage? weight, Storage losses, int rows, int columns,
        float smoothing) =>
        SplitRows(rows, 12L * columns, new SoftCrossEntropyRange(
            Floats(x), Floats(target), weight is null ? null : Floats(weight), Floats(losses),
            columns, smoothing));

    public override void SoftCrossEntropyGradient(
        Storage x, Storage target, Storage? weight, Storage dlosses, Storage dx, int rows,
        int columns, float smoothing, float beta) =>
        SplitRows(rows, 16L * columns, new SoftCrossEntropyGradientRange(
            Floats(x), Floats(target), weight is null ? null : Floats(weight), Floats(dlosses),
            Floats(dx), columns, smoothing, beta));

    public override void SoftmaxFocal(
        Storage x, Storage target, Storage losses, int rows, int columns, float gamma) =>
        SplitRows(rows, 8L * columns, new SoftmaxFocalRange(
            Floats(x), Ints(target), Floats(losses), columns, gamma));

    public override void SoftmaxFocalGradient(
        Storage x, Storage target, Storage dlosses, Storage dx, int rows, int columns,
        float gamma, float beta) =>
        SplitRows(rows, 12L * columns, new SoftmaxFocalGradientRange(
            Floats(x), Ints(target), Floats(dlosses), Floats(dx), columns, gamma, beta));

    /// <summary>w q of 16 columns; lanes behind the row are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Share(float* target, float* weight, int c, int columns, float smoothing)
    {
        int count = columns - c;
        V q = Lane.Load(target + c, count);
        if (smoothing != 0)
        {
            V even = Vector512.Create(smoothing / columns);
            q = (q * Vector512.Create(1 - smoothing)) + even;
            q = count >= Lane.Count ? q : q & Lane.Mask(count);
        }
        return weight == null ? q : q * Lane.Load(weight + c, count);
    }

    private readonly struct SoftCrossEntropyRange(
        float* x, float* target, float* weight, float* losses, int columns, float smoothing)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns), pt = target + ((long)row * columns);
                float max = RowMax(px, columns);
                // Distances from the maximum: small where the shares are large.
                V log = Vector512.Create((float)Math.Log(RowSumExp(px, columns, max)));
                V shift = Vector512.Create(max), sum = V.Zero;
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    V distance = log + shift - Lane.Load(px + c, columns - c, shift);
                    sum += Share(pt, weight, c, columns, smoothing) * distance;
                }
                losses[row] = (float)Total(sum);
            }
        }
    }

    private readonly struct SoftCrossEntropyGradientRange(
        float* x, float* target, float* weight, float* dlosses, float* dx, int columns,
        float smoothing, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V low = Vector512.Create(float.NegativeInfinity), old = Vector512.Create(beta);
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns), pt = target + ((long)row * columns);
                float* pdx = dx + ((long)row * columns);
                V mass = V.Zero;
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    mass += Share(pt, weight, c, columns, smoothing);
                }
                float max = RowMax(px, columns);
                V shift = Vector512.Create(max), scale = Vector512.Create(dlosses[row]);
                V part = Vector512.Create((float)(Total(mass) / RowSumExp(px, columns, max)));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    int count = columns - c;
                    V p = part * VectorMath.Exp(Lane.Load(px + c, count, low) - shift);
                    V d = scale * (p - Share(pt, weight, c, columns, smoothing));
                    d = beta == 0 ? d : d + (old * Lane.Load(pdx + c, count));
                    Lane.Store(pdx + c, d, count);
                }
            }
        }
    }

    /// <summary>
    /// Probability of the target and of all others together, which is no difference from 1.
    /// </summary>
    private static (double Own, double Others, double Log) OwnAndRest(
        float* row, int target, int columns, float max)
    {
        double own = Math.Exp((double)row[target] - max);
        double sum = RowSumExp(row, columns, max);
        double rest = sum - own;
        if (rest < 1e-3 * sum)
        {
            // The difference would be rounding: add the others up.
            rest = 0;
            for (int c = 0; c < columns; c++)
            {
                rest += c == target ? 0 : Math.Exp((double)row[c] - max);
            }
            sum = own + rest;
        }
        return (own / sum, rest / sum, (double)row[target] - max - Math.Log(sum));
    }

    private readonly struct SoftmaxFocalRange(
        float* x, int* target, float* losses, int columns, float gamma) : IRange
    {
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns);
                CheckTarget(target[row], row, columns);
                var (_, rest, log) = OwnAndRest(px, target[row], columns, RowMax(px, columns));
                losses[row] = (float)(-Math.Pow(rest, gamma) * log);
            }
        }
    }

    private readonly struct SoftmaxFocalGradientRange(
        float* x, int* target, float* dlosses, float* dx, int columns, float gamma, float beta)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V low = Vector512.Create(float.NegativeInfinity), old = Vector512.Create(beta);
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * columns), pdx = dx + ((long)row * columns);
                int t = target[row];
                CheckTarget(t, row, columns);
                float max = RowMax(px, columns);
                var (own, rest, log) = OwnAndRest(px, t, columns, max);
                double power = Math.Pow(rest, gamma);
                // rest^(gamma-1) is infinite at rest = 0 and gamma below 1; log own is 0 there.
                double slope = gamma == 0 || rest == 0 ? 0 : gamma * power / rest * own * log;
                float g = (float)(dlosses[row] * (slope - power));
                V shift = Vector512.Create(max);
                // exp(x - max) / sum, the sum being exp(x_t - max) / own.
                double inverse = own > 0 ? own / Math.Exp((double)px[t] - max)
                    : 1 / RowSumExp(px, columns, max);
                V part = Vector512.Create((float)(-g * inverse));
                for (int c = 0; c < columns; c += Lane.Count)
                {
                    int count = columns - c;
                    V d = part * VectorMath.Exp(Lane.Load(px + c, count, low) - shift);
                    V hot = Vector512.Equals(
                        Vector512<int>.Indices, Vector512.Create(t - c)).AsSingle();
                    // g (1 - p_t) without the difference.
                    d = Vector512.ConditionalSelect(hot, Vector512.Create((float)(g * rest)), d);
                    d = beta == 0 ? d : d + (old * Lane.Load(pdx + c, count));
                    Lane.Store(pdx + c, d, count);
                }
            }
        }
    }
}
