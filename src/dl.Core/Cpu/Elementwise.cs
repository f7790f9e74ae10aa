// The rows of Ops/Elementwise.cs over spans, cut into runs for the threads.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Unary(UnaryOp op, Storage x, Storage y, int n, float alpha) =>
        Split(n, Grain / 4, new UnaryRange(op, Floats(x), Floats(y), alpha));

    public override void UnaryGradient(
        UnaryOp op, Storage x, Storage y, Storage dy, Storage dx, int n, float alpha, float beta) =>
        Split(n, Grain / 4, new UnaryGradientRange(
            op, Floats(x), Floats(y), Floats(dy), Floats(dx), alpha, beta));

    public override void Binary(
        BinaryOp op, Storage a, Storage b, Storage y, int outer, int n, int inner, float alpha)
    {
        var range = new BinaryRange(
            op.Value, null, Floats(a), Floats(b), null, Floats(y), alpha, 0, n, inner);
        RunBinary(range, outer, n, inner);
    }

    public override void BinaryGradient(
        BinaryOp op, bool second, Storage a, Storage b, Storage dy, Storage d,
        int outer, int n, int inner, float alpha, float beta)
    {
        var loop = second ? op.GradientB : op.GradientA;
        var range = new BinaryRange(
            null, loop, Floats(a), Floats(b), Floats(dy), Floats(d), alpha, beta, n, inner);
        RunBinary(range, outer, n, inner);
    }

    private void RunBinary(BinaryRange range, int outer, int n, int inner)
    {
        if (outer == 0 || n == 0 || inner == 0)
        {
            return;
        }
        if (n == 1)
        {
            Split(outer * inner, Grain / 2, new SameRange(range));
        }
        else if (inner == 1 && outer == 1)
        {
            Split(n, Grain / 2, new EqualRange(range));
        }
        else if (inner == 1)
        {
            SplitRows(outer, 2L * n, new RowRange(range));
        }
        else
        {
            SplitRows(outer * n, 2L * inner, new PlaneRange(range));
        }
    }

    private readonly struct UnaryRange(UnaryOp op, float* x, float* y, float alpha) : IRange
    {
        public void Run(int from, int to) =>
            op.Value(new(x + from, to - from), new(y + from, to - from), alpha);
    }

    private readonly struct UnaryGradientRange(
        UnaryOp op, float* x, float* y, float* dy, float* dx, float alpha, float beta) : IRange
    {
        public void Run(int from, int to)
        {
            int n = to - from;
            op.Gradient(new(x + from, n), new(y + from, n), new(dy + from, n), new(dx + from, n),
                alpha, beta);
        }
    }

    /// <summary>Either direction of a binary op; d is y going forward.</summary>
    private readonly struct BinaryRange(
        BinaryLoop? value, BinaryGradientLoop? gradient, float* a, float* b, float* dy, float* d,
        float alpha, float beta, int n, int inner)
    {
        public readonly float* B = b;
        public readonly int N = n;
        public readonly int Inner = inner;

        /// <summary>Elements [at, at + length) of a with count values of b: length, or 1.</summary>
        public void Run(long at, int length, float* right, int count)
        {
            if (value is not null)
            {
                value(new(a + at, length), new(right, count), new(d + at, length), alpha);
            }
            else
            {
                gradient!(new(a + at, length), new(right, count), new(dy + at, length),
                    new(d + at, length), alpha, beta);
            }
        }
    }

    /// <summary>b is one value.</summary>
    private readonly struct SameRange(BinaryRange op) : IRange
    {
        public void Run(int from, int to) => op.Run(from, to - from, op.B, 1);
    }

    /// <summary>b is as large as a.</summary>
    private readonly struct EqualRange(BinaryRange op) : IRange
    {
        public void Run(int from, int to) => op.Run(from, to - from, op.B + from, to - from);
    }

    /// <summary>b is a row; short rows are repeated to runs worth a call.</summary>
    private readonly struct RowRange(BinaryRange op) : IRange
    {
        private const int Repeated = 1024;

        public void Run(int from, int to)
        {
            int n = op.N;
            if (n > Repeated / 4)
            {
                for (int row = from; row < to; row++)
                {
                    op.Run((long)row * n, n, op.B, n);
                }
                return;
            }
            int rows = Math.Min(Repeated / n, to - from);
            float* repeated = stackalloc float[rows * n];
            for (int row = 0; row < rows; row++)
            {
                new ReadOnlySpan<float>(op.B, n).CopyTo(new Span<float>(repeated + (row * n), n));
            }
            for (int row = from; row < to; row += rows)
            {
                int length = Math.Min(rows, to - row) * n;
                op.Run((long)row * n, length, repeated, length);
            }
        }
    }

    /// <summary>Each value of b serves a run of inner elements.</summary>
    private readonly struct PlaneRange(BinaryRange op) : IRange
    {
        private const int Repeated = 1024;

        public void Run(int from, int to)
        {
            int inner = op.Inner;
            if (inner > 64)
            {
                for (int i = from; i < to; i++)
                {
                    op.Run((long)i * inner, inner, op.B + (i % op.N), 1);
                }
                return;
            }
            int most = Repeated / inner;
            float* repeated = stackalloc float[Repeated];
            for (int i = from; i < to; i += most)
            {
                int count = Math.Min(most, to - i);
                for (int j = 0; j < count; j++)
                {
                    new Span<float>(repeated + (j * inner), inner).Fill(op.B[(i + j) % op.N]);
                }
                op.Run((long)i * inner, count * inner, repeated, count * inner);
            }
        }
    }
}
