// CTC: a sample is one piece of work, 16 states at a time (formulas: Ops/Ctc.cs). A row of alpha
// is two impossible places and then the states, a row of beta the states and then two such places,
// so that no state needs a special case. The row before the first frame holds one possible place
// from which the first two states can be reached; the row behind the last frame likewise.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Ctc(
        Storage logP, Storage target, Storage inputLengths, Storage targetLengths,
        Storage losses, Storage alpha, in CtcShape shape, bool zeroInfinity)
    {
        var batch = new CtcBatch(
            Floats(logP), Ints(target), Ints(inputLengths), Ints(targetLengths), shape);
        batch.Check();
        SplitRows(shape.Batch, batch.Work, new CtcRange(
            batch, Floats(losses), Floats(alpha), zeroInfinity));
    }

    public override void CtcGradient(
        Storage logP, Storage target, Storage inputLengths, Storage targetLengths,
        Storage alpha, Storage dlosses, Storage dlogP, in CtcShape shape, float beta)
    {
        var batch = new CtcBatch(
            Floats(logP), Ints(target), Ints(inputLengths), Ints(targetLengths), shape);
        // A row of beta and a row of shares for each sample.
        var rows = Rent(DType.F32, 2L * shape.Batch * shape.Width);
        SplitRows(shape.Batch, 2 * batch.Work, new CtcGradientRange(
            batch, Floats(alpha), Floats(dlosses), Floats(dlogP), Floats(rows), beta));
        Return(rows);
    }

    /// <summary>What both directions read.</summary>
    private readonly struct CtcBatch(
        float* logP, int* target, int* inputLengths, int* targetLengths, CtcShape shape)
    {
        public CtcShape Shape => shape;

        /// <summary>Elementary operations of a sample, for sharing out the work.</summary>
        public long Work => 8L * shape.Time * shape.Width;

        public int Frames(int sample) => inputLengths[sample];

        public int States(int sample) => (2 * targetLengths[sample]) + 1;

        public int* Labels(int sample) => target + ((long)sample * shape.Labels);

        public float* Frame(int sample, int t) =>
            logP + ((((long)sample * shape.Time) + t) * shape.Classes);

        /// <exception cref="DataException">A length or a label is out of range.</exception>
        public void Check()
        {
            for (int n = 0; n < shape.Batch; n++)
            {
                if ((uint)inputLengths[n] > (uint)shape.Time
                    || (uint)targetLengths[n] > (uint)shape.Labels)
                {
                    throw new DataException(
                        $"ctc: sample {n} has {inputLengths[n]} frames and {targetLengths[n]} "
                        + $"labels, expected at most {shape.Time} and {shape.Labels}");
                }
                for (int i = 0; i < targetLengths[n]; i++)
                {
                    int label = Labels(n)[i];
                    if ((uint)label >= (uint)shape.Classes || label == shape.Blank)
                    {
                        throw new DataException(
                            $"ctc: label {label} in sample {n}, expected 0 to "
                            + $"{shape.Classes - 1} and not the blank, {shape.Blank}");
                    }
                }
            }
        }

        /// <summary>
        /// Log-probabilities of states s ... s + 15 in a frame (s is a multiple of 16, so even
        /// lanes are blanks), and 0 or -infinity for a step over the blank: into a state from two
        /// before, or with <paramref name="ahead"/> out of it to two behind.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Emissions(float* frame, int* labels, int s, int states, bool ahead, out V skip)
        {
            float* e = stackalloc float[Lane.Count];
            float* steps = stackalloc float[Lane.Count];
            for (int lane = 0; lane < Lane.Count; lane += 2)
            {
                int k = (s + lane) / 2;
                bool inside = s + lane + 1 < states;
                e[lane] = frame[shape.Blank];
                e[lane + 1] = inside ? frame[labels[k]] : float.NegativeInfinity;
                steps[lane] = float.NegativeInfinity;
                int other = ahead ? k + 1 : k - 1;
                bool free = !inside || other < 0 || (2 * other) + 1 >= states
                    || labels[other] != labels[k];
                steps[lane + 1] = free ? 0 : float.NegativeInfinity;
            }
            skip = Vector512.Load(steps);
            return Vector512.Load(e);
        }
    }

    /// <summary>log(e^a + e^b + e^c); -infinity where all are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogSumExp(V a, V b, V c)
    {
        V max = Vector512.Max(Vector512.Max(a, b), c);
        V sum = VectorMath.Exp(a - max) + VectorMath.Exp(b - max) + VectorMath.Exp(c - max);
        V low = Vector512.Create(float.NegativeInfinity);
        return Vector512.ConditionalSelect(
            Vector512.Equals(max, low), low, max + Vector512.Log(sum));
    }

    /// <summary>The largest of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LaneMax(V v)
    {
        float* lanes = stackalloc float[Lane.Count];
        v.Store(lanes);
        float max = lanes[0];
        for (int i = 1; i < Lane.Count; i++)
        {
            max = MathF.Max(max, lanes[i]);
        }
        return max;
    }

    /// <summary>Takes a finite maximum out of a row of states.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TakeOut(float* row, int states, float max)
    {
        if (!float.IsFinite(max))
        {
            return;
        }
        V shift = Vector512.Create(max);
        for (int s = 0; s < states; s += Lane.Count)
        {
            Lane.Store(row + s, Lane.Load(row + s, states - s) - shift, states - s);
        }
    }

    private readonly struct CtcRange(
        CtcBatch batch, float* losses, float* alpha, bool zeroInfinity) : IRange
    {
        public void Run(int from, int to)
        {
            for (int n = from; n < to; n++)
            {
                float loss = Sample(n);
                losses[n] = zeroInfinity && float.IsPositiveInfinity(loss) ? 0 : loss;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private float Sample(int n)
        {
            int states = batch.States(n), width = batch.Shape.Width, frames = batch.Frames(n);
            int* labels = batch.Labels(n);
            float* row = alpha + ((long)n * (batch.Shape.Time + 1) * width);
            new Span<float>(row, width).Fill(float.NegativeInfinity);
            row[1] = 0;
            V low = Vector512.Create(float.NegativeInfinity);
            double total = 0;
            for (int t = 0; t < frames; t++)
            {
                float* before = row, frame = batch.Frame(n, t);
                row += width;
                row[0] = row[1] = float.NegativeInfinity;
                V max = low;
                for (int s = 0; s < states; s += Lane.Count)
                {
                    int count = states - s;
                    V e = batch.Emissions(frame, labels, s, states, false, out V skip);
                    V v = e + LogSumExp(
                        Lane.Load(before + s + 2, count, low),
                        Lane.Load(before + s + 1, count, low),
                        Lane.Load(before + s, count, low) + skip);
                    Lane.Store(row + s + 2, v, count);
                    max = Vector512.Max(max, Lane.Load(row + s + 2, count, low));
                }
                float most = LaneMax(max);
                TakeOut(row + 2, states, most);
                total += most;
            }
            double last = row[states + 1], second = row[states];
            double best = Math.Max(last, second);
            return double.IsNegativeInfinity(best) || double.IsNegativeInfinity(total)
                ? float.PositiveInfinity
                : (float)-(total + best
                    + Math.Log(Math.Exp(last - best) + Math.Exp(second - best)));
        }
    }

    private readonly struct CtcGradientRange(
        CtcBatch batch, float* alpha, float* dlosses, float* dlogP, float* rows, float old)
        : IRange
    {
        public void Run(int from, int to)
        {
            var shape = batch.Shape;
            for (int n = from; n < to; n++)
            {
                int frames = batch.Frames(n);
                float* d = dlogP + ((long)n * shape.Time * shape.Classes);
                for (int t = frames; t < shape.Time; t++)
                {
                    Start(d + ((long)t * shape.Classes));
                }
                Sample(n, frames, d);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Sample(int n, int frames, float* d)
        {
            var shape = batch.Shape;
            int states = batch.States(n), width = shape.Width;
            int* labels = batch.Labels(n);
            float* beta = rows + (2L * n * width), shares = beta + width;
            float* first = alpha + ((((long)n * (shape.Time + 1)) + 1) * width) + 2;
            new Span<float>(beta, width).Fill(float.NegativeInfinity);
            beta[states] = 0;
            V low = Vector512.Create(float.NegativeInfinity);
            for (int t = frames - 1; t >= 0; t--)
            {
                float* frame = batch.Frame(n, t), a = first + ((long)t * width);
                V max = low, top = low;
                // In place: a state reads itself and the two behind it.
                for (int s = 0; s < states; s += Lane.Count)
                {
                    int count = states - s;
                    V e = batch.Emissions(frame, labels, s, states, true, out V skip);
                    V v = LogSumExp(
                        Lane.Load(beta + s, count, low), Lane.Load(beta + s + 1, count, low),
                        Lane.Load(beta + s + 2, count, low) + skip);
                    // Without e twice: alpha brings it. Impossible states stay so.
                    Lane.Store(shares + s, Lane.Load(a + s, count, low) + v, count);
                    Lane.Store(beta + s, v + e, count);
                    max = Vector512.Max(max, Lane.Load(beta + s, count, low));
                    top = Vector512.Max(top, Lane.Load(shares + s, count, low));
                }
                beta[states] = float.NegativeInfinity;
                TakeOut(beta, states, LaneMax(max));
                Scatter(
                    d + ((long)t * shape.Classes), shares, labels, states, LaneMax(top),
                    dlosses[n]);
            }
        }

        /// <summary>What was there before, by beta; without reading what nobody wrote.</summary>
        private void Start(float* d)
        {
            if (old == 0)
            {
                new Span<float>(d, batch.Shape.Classes).Clear();
                return;
            }
            Scaled(d, d, batch.Shape.Classes, old, 0);
        }

        /// <summary>Adds the shares of a frame's states to the classes of their labels.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Scatter(
            float* d, float* shares, int* labels, int states, float top, float dloss)
        {
            Start(d);
            if (float.IsNegativeInfinity(top))
            {
                return;
            }
            V shift = Vector512.Create(top), sum = V.Zero;
            for (int s = 0; s < states; s += Lane.Count)
            {
                int count = states - s;
                V e = VectorMath.Exp(Lane.Load(shares + s, count) - shift);
                Lane.Store(shares + s, e, count);
                sum += Lane.Load(shares + s, count);
            }
            float factor = (float)(dloss / Total(sum));
            float blanks = 0;
            for (int s = 0; s < states; s += 2)
            {
                blanks += shares[s];
            }
            d[batch.Shape.Blank] -= factor * blanks;
            for (int s = 1; s < states; s += 2)
            {
                d[labels[s / 2]] -= factor * shares[s];
            }
        }
    }
}
