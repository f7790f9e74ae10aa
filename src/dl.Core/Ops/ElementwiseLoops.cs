// The primitives behind the rows of Elementwise.cs, their tape ops, and the loops that turn a row
// into code over spans. The loops are generic over the row's type, so each row compiles to its own
// vector loop; the managed device runs them, and they define what the kernels must compute.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y[i] = op(x[i]); x and y may be the same.</summary>
        public abstract void Unary(UnaryOp op, Storage x, Storage y, int n, float alpha);

        /// <summary>
        /// dx[i] = dy[i] * op'(x[i], y[i]) + beta * dx[i]; dx may be dy when beta is 0.
        /// </summary>
        public abstract void UnaryGradient(
            UnaryOp op, Storage x, Storage y, Storage dy, Storage dx, int n, float alpha,
            float beta);

        /// <summary>
        /// y[o,j,i] = op(a[o,j,i], b[j]) over outer x n x inner elements; y may be a.
        /// </summary>
        public abstract void Binary(
            BinaryOp op, Storage a, Storage b, Storage y, int outer, int n, int inner, float alpha);

        /// <summary>
        /// d[o,j,i] = dy[o,j,i] * (d op / d a, or d b where <paramref name="second"/>) + beta * d;
        /// as large as a on either side. d may be dy when beta is 0.
        /// </summary>
        public abstract void BinaryGradient(
            BinaryOp op, bool second, Storage a, Storage b, Storage dy, Storage d,
            int outer, int n, int inner, float alpha, float beta);
    }
}

namespace Dl.Ops
{
    public interface IUnaryRow
    {
        static abstract V Value(V x, V alpha);

        static abstract V Slope(V x, V y, V alpha);
    }

    public interface IBinaryRow
    {
        static abstract V Value(V a, V b, V alpha);

        static abstract V SlopeA(V a, V b, V alpha);

        static abstract V SlopeB(V a, V b, V alpha);
    }

    public delegate void UnaryLoop(ReadOnlySpan<float> x, Span<float> y, float alpha);

    public delegate void UnaryGradientLoop(
        ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx,
        float alpha, float beta);

    /// <summary>b has as many elements as a, or one that serves them all.</summary>
    public delegate void BinaryLoop(
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y, float alpha);

    /// <summary>b as in <see cref="BinaryLoop"/>.</summary>
    public delegate void BinaryGradientLoop(
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> dy, Span<float> d,
        float alpha, float beta);

    /// <summary>
    /// An op of one argument. Name is also the kernel's; Alpha the parameter's default.
    /// </summary>
    /// <param name="Description">One line about an activation; null: none between layers.</param>
    public sealed record UnaryOp(
        string Name, float Alpha, string? Description, UnaryLoop Value, UnaryGradientLoop Gradient)
    {
        /// <summary>
        /// The gradient is the same if y is given for x too, where alpha is not negative: x need
        /// not be kept.
        /// </summary>
        public bool SlopeFromOutput { get; init; }

        internal static UnaryOp Of<T>(string name, float alpha, string? description)
            where T : struct, IUnaryRow =>
            new(name, alpha, description, ElementwiseLoops.Value<T>, ElementwiseLoops.Gradient<T>);
    }

    /// <summary>An op of two arguments.</summary>
    public sealed record BinaryOp(
        string Name, float Alpha, BinaryLoop Value, BinaryGradientLoop GradientA,
        BinaryGradientLoop GradientB)
    {
        /// <summary>dy/da is 1.</summary>
        public bool PassesFirst { get; init; }

        /// <summary>dy/db is 1.</summary>
        public bool PassesSecond { get; init; }

        internal static BinaryOp Of<T>(string name, float alpha = 0)
            where T : struct, IBinaryRow =>
            new(name, alpha, ElementwiseLoops.Value2<T>, ElementwiseLoops.Gradient2<T, First>,
                ElementwiseLoops.Gradient2<T, Second>);
    }

    /// <summary>Tape ops over the rows.</summary>
    public static class ElementwiseOps
    {
        public static Tensor Unary(this Tape tape, UnaryOp op, Tensor x, float? alpha = null)
        {
            float a = alpha ?? op.Alpha;
            int n = (int)x.Shape.Count;
            var y = tape.New(x.Shape);
            tape.Device.Unary(op, x.Storage, y.Storage, n, a);
            return tape.Record(y, [x], (op, x, y, n, a), static (tape, dy, in s) =>
            {
                var (op, x, y, n, a) = s;
                if (tape.WantsInPlace(x, dy, out var dx, out float beta))
                {
                    tape.Device.UnaryGradient(op, x.Storage, y.Storage, dy, dx, n, a, beta);
                }
            });
        }

        /// <summary>
        /// op(x) in the place of x, which an op has just given and nobody else reads; where the
        /// gradient needs x itself, a tensor of its own.
        /// </summary>
        public static Tensor UnaryInPlace(
            this Tape tape, UnaryOp op, Tensor x, float? alpha = null)
        {
            float a = alpha ?? op.Alpha;
            if (!op.SlopeFromOutput || a < 0)
            {
                return tape.Unary(op, x, alpha);
            }
            Debug.Assert(!x.Cell.IsLeaf, "a weight is nobody's output");
            int n = (int)x.Shape.Count;
            tape.Device.Unary(op, x.Storage, x.Storage, n, a);
            return tape.RecordInPlace(x, (op, x, n, a), static (tape, dy, in s) =>
            {
                var (op, y, n, a) = s;
                tape.Device.UnaryGradient(op, y.Storage, y.Storage, dy, dy, n, a, 0);
            });
        }

        public static Tensor Add(this Tape tape, Tensor a, Tensor b) =>
            tape.Binary(BinaryOps.Add, a, b);

        /// <summary>max(a + b, 0) of two tensors of one shape.</summary>
        public static Tensor AddRelu(this Tape tape, Tensor a, Tensor b)
        {
            int n = (int)a.Shape.Count;
            var y = tape.New(a.Shape);
            tape.Device.Binary(BinaryOps.AddRelu, a.Storage, b.Storage, y.Storage, 1, n, 1, 0);
            return tape.Record(y, [a, b], (a, b, y, n), static (tape, dy, in s) =>
            {
                var (a, b, y, n) = s;
                // Both get the same: dy where y is above 0.
                tape.Device.UnaryGradient(UnaryOps.Relu, y.Storage, y.Storage, dy, dy, n, 0, 0);
                if (tape.Wants(b, out var db, out float beta))
                {
                    tape.Device.Broadcast(dy, db, 1, 1, n, 1, beta);
                }
                if (tape.WantsInPlace(a, dy, out var da, out beta) && da != dy)
                {
                    tape.Device.Broadcast(dy, da, 1, 1, n, 1, beta);
                }
            });
        }

        public static Tensor Multiply(this Tape tape, Tensor a, Tensor b) =>
            tape.Binary(BinaryOps.Multiply, a, b);

        /// <summary>op(a, b) with broadcasting: extents agree from the last, or are 1.</summary>
        public static Tensor Binary(
            this Tape tape, BinaryOp op, Tensor a, Tensor b, float? alpha = null)
        {
            var shape = BroadcastShape(op.Name, a.Shape, b.Shape);
            a = tape.Expand(a, shape);
            if (!TryRun(shape, b.Shape, out int outer, out int n, out int inner))
            {
                b = tape.Expand(b, shape);
                (outer, n, inner) = (1, (int)shape.Count, 1);
            }
            float p = alpha ?? op.Alpha;
            var device = tape.Device;
            var y = tape.New(shape);
            device.Binary(op, a.Storage, b.Storage, y.Storage, outer, n, inner, p);
            return tape.Record(
                y, [a, b], new BinaryStep(op, a, b, outer, n, inner, p),
                static (tape, dy, in s) =>
                {
                    s.BackwardB(tape, dy);
                    s.BackwardA(tape, dy);
                });
        }

        /// <summary>
        /// Repeats dimensions of extent 1 (or missing leading ones) to fill a shape.
        /// </summary>
        public static Tensor Expand(this Tape tape, Tensor x, Shape shape)
        {
            if (x.Shape == shape)
            {
                return x;
            }
            var aligned = Align(x.Shape, shape.Rank);
            x = x.Reshape(aligned);
            for (int i = 0; i < shape.Rank; i++)
            {
                if (aligned[i] == shape[i])
                {
                    continue;
                }
                aligned = aligned.With(i, shape[i]);
                int outer = aligned.Product(0, i), n = shape[i];
                int inner = aligned.Product(i + 1, aligned.Rank);
                var y = tape.New(aligned);
                tape.Device.Broadcast(x.Storage, y.Storage, outer, n, inner, 1, 0);
                x = tape.Record(y, [x], (x, outer, n, inner), static (tape, dy, in s) =>
                {
                    var (x, outer, n, inner) = s;
                    if (tape.Wants(x, out var dx, out float beta))
                    {
                        tape.Device.ReduceSum(dy, dx, outer, n, inner, 1, beta);
                    }
                });
            }
            return x;
        }

        /// <summary>The gradients of a binary op over outer x n x inner elements.</summary>
        private readonly record struct BinaryStep(
            BinaryOp Op, Tensor A, Tensor B, int Outer, int N, int Inner, float Alpha)
        {
            public void BackwardA(Tape tape, Storage dy)
            {
                if (!tape.WantsInPlace(A, dy, out var da, out float beta))
                {
                    return;
                }
                if (!Op.PassesFirst)
                {
                    tape.Device.BinaryGradient(
                        Op, false, A.Storage, B.Storage, dy, da, Outer, N, Inner, Alpha, beta);
                }
                else if (da != dy)
                {
                    // What flows through a sum as it is need not be computed.
                    tape.Device.Broadcast(dy, da, 1, 1, (int)dy.Length, 1, beta);
                }
            }

            public void BackwardB(Tape tape, Storage dy)
            {
                if (!tape.Wants(B, out var db, out float beta))
                {
                    return;
                }
                var device = tape.Device;
                bool whole = Outer == 1 && Inner == 1;
                if (Op.PassesSecond)
                {
                    if (whole)
                    {
                        device.Broadcast(dy, db, 1, 1, N, 1, beta);
                    }
                    else
                    {
                        device.ReduceRuns(dy, db, Outer, N, Inner, beta);
                    }
                    return;
                }
                if (whole)
                {
                    device.BinaryGradient(
                        Op, true, A.Storage, B.Storage, dy, db, Outer, N, Inner, Alpha, beta);
                    return;
                }
                // Broadcasting is undone here and nowhere else.
                var full = device.Rent(DType.F32, dy.Length);
                device.BinaryGradient(
                    Op, true, A.Storage, B.Storage, dy, full, Outer, N, Inner, Alpha, 0);
                device.ReduceRuns(full, db, Outer, N, Inner, beta);
                device.Return(full);
            }
        }

        /// <summary>db[j] = sum over o, i of full[o,j,i] + beta * db[j].</summary>
        private static void ReduceRuns(
            this Device device, Storage full, Storage db, int outer, int n, int inner, float beta)
        {
            if (inner == 1)
            {
                device.ReduceSum(full, db, 1, outer, n, 1, beta);
                return;
            }
            var rows = device.Rent(DType.F32, (long)outer * n);
            device.ReduceSum(full, rows, outer * n, inner, 1, 1, 0);
            device.ReduceSum(rows, db, 1, outer, n, 1, beta);
            device.Return(rows);
        }

        private static Shape Align(Shape shape, int rank)
        {
            while (shape.Rank < rank)
            {
                shape = shape.Prepend(1);
            }
            return shape;
        }

        internal static Shape BroadcastShape(string name, Shape a, Shape b)
        {
            int rank = Math.Max(a.Rank, b.Rank);
            var (left, right) = (Align(a, rank), Align(b, rank));
            for (int i = 0; i < rank; i++)
            {
                if (left[i] != right[i] && left[i] != 1 && right[i] != 1)
                {
                    throw new UsageException(
                        $"{name}: {a} does not fit {b}; extents must agree or be 1");
                }
                left = left.With(i, left[i] == 1 ? right[i] : left[i]);
            }
            return left;
        }

        /// <summary>Is b one contiguous run of shape's dimensions, with 1s around it?</summary>
        private static bool TryRun(Shape shape, Shape b, out int outer, out int n, out int inner)
        {
            var aligned = Align(b, shape.Rank);
            int from = 0, to = shape.Rank;
            while (from < to && aligned[from] == 1)
            {
                from++;
            }
            while (to > from && aligned[to - 1] == 1)
            {
                to--;
            }
            outer = shape.Product(0, from);
            n = shape.Product(from, to);
            inner = shape.Product(to, shape.Rank);
            for (int i = from; i < to; i++)
            {
                if (aligned[i] != shape[i])
                {
                    return false;
                }
            }
            return true;
        }
    }

    internal struct First;

    internal struct Second;

    /// <summary>
    /// Vector loops over a row; a rest shorter than a vector goes through a buffer.
    /// </summary>
    internal static class ElementwiseLoops
    {
        private const int Lanes = 16;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Value<T>(ReadOnlySpan<float> x, Span<float> y, float alpha)
            where T : struct, IUnaryRow
        {
            ref float px = ref MemoryMarshal.GetReference(x);
            ref float py = ref MemoryMarshal.GetReference(y);
            V p = Vector512.Create(alpha);
            int i = 0;
            for (; i <= x.Length - Lanes; i += Lanes)
            {
                T.Value(Vector512.LoadUnsafe(ref px, (nuint)i), p).StoreUnsafe(ref py, (nuint)i);
            }
            if (i < x.Length)
            {
                Store(T.Value(Rest(x[i..]), p), y[i..x.Length]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Gradient<T>(
            ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx,
            float alpha, float beta)
            where T : struct, IUnaryRow
        {
            ref float px = ref MemoryMarshal.GetReference(x);
            ref float py = ref MemoryMarshal.GetReference(y);
            ref float pdy = ref MemoryMarshal.GetReference(dy);
            ref float pdx = ref MemoryMarshal.GetReference(dx);
            V p = Vector512.Create(alpha);
            int i = 0;
            for (; i <= x.Length - Lanes; i += Lanes)
            {
                V d = Vector512.LoadUnsafe(ref pdy, (nuint)i) * T.Slope(
                    Vector512.LoadUnsafe(ref px, (nuint)i),
                    Vector512.LoadUnsafe(ref py, (nuint)i), p);
                d = beta == 0 ? d : d + Vector512.LoadUnsafe(ref pdx, (nuint)i);
                d.StoreUnsafe(ref pdx, (nuint)i);
            }
            if (i < x.Length)
            {
                V d = Rest(dy[i..]) * T.Slope(Rest(x[i..]), Rest(y[i..]), p);
                d = beta == 0 ? d : d + Rest(dx[i..]);
                Store(d, dx[i..x.Length]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Value2<T>(
            ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y, float alpha)
            where T : struct, IBinaryRow
        {
            ref float pa = ref MemoryMarshal.GetReference(a);
            ref float pb = ref MemoryMarshal.GetReference(b);
            ref float py = ref MemoryMarshal.GetReference(y);
            bool one = b.Length == 1;
            V same = Vector512.Create(b[0]);
            V p = Vector512.Create(alpha);
            int i = 0;
            for (; i <= a.Length - Lanes; i += Lanes)
            {
                V right = one ? same : Vector512.LoadUnsafe(ref pb, (nuint)i);
                T.Value(Vector512.LoadUnsafe(ref pa, (nuint)i), right, p)
                    .StoreUnsafe(ref py, (nuint)i);
            }
            if (i < a.Length)
            {
                Store(T.Value(Rest(a[i..]), one ? same : Rest(b[i..]), p), y[i..a.Length]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Gradient2<T, TSide>(
            ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> dy, Span<float> d,
            float alpha, float beta)
            where T : struct, IBinaryRow
            where TSide : struct
        {
            ref float pa = ref MemoryMarshal.GetReference(a);
            ref float pb = ref MemoryMarshal.GetReference(b);
            ref float pdy = ref MemoryMarshal.GetReference(dy);
            ref float pd = ref MemoryMarshal.GetReference(d);
            bool one = b.Length == 1;
            V same = Vector512.Create(b[0]);
            V p = Vector512.Create(alpha);
            int i = 0;
            for (; i <= a.Length - Lanes; i += Lanes)
            {
                V left = Vector512.LoadUnsafe(ref pa, (nuint)i);
                V right = one ? same : Vector512.LoadUnsafe(ref pb, (nuint)i);
                V slope = typeof(TSide) == typeof(First)
                    ? T.SlopeA(left, right, p) : T.SlopeB(left, right, p);
                V value = Vector512.LoadUnsafe(ref pdy, (nuint)i) * slope;
                value = beta == 0 ? value : value + Vector512.LoadUnsafe(ref pd, (nuint)i);
                value.StoreUnsafe(ref pd, (nuint)i);
            }
            if (i < a.Length)
            {
                V left = Rest(a[i..]);
                V right = one ? same : Rest(b[i..]);
                V slope = typeof(TSide) == typeof(First)
                    ? T.SlopeA(left, right, p) : T.SlopeB(left, right, p);
                V value = Rest(dy[i..]) * slope;
                value = beta == 0 ? value : value + Rest(d[i..]);
                Store(value, d[i..a.Length]);
            }
        }

        /// <summary>Up to 15 values, filled up with 1 (harmless to every formula).</summary>
        private static V Rest(ReadOnlySpan<float> values)
        {
            Span<float> buffer = stackalloc float[Lanes];
            buffer.Fill(1);
            values.CopyTo(buffer);
            return Vector512.Create<float>(buffer);
        }

        private static void Store(V value, Span<float> target)
        {
            Span<float> buffer = stackalloc float[Lanes];
            value.CopyTo(buffer);
            buffer[..target.Length].CopyTo(target);
        }
    }
}
