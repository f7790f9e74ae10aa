// Sums over one run of dimensions and their gradient, broadcast. Every tensor is seen as
// (outer, n, inner); the sum runs over n. Sums are deterministic: the order of additions depends
// on the sizes only.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y[o,i] = scale * sum over j of x[o,j,i] + beta * y[o,i].</summary>
        public abstract void ReduceSum(
            Storage x, Storage y, int outer, int n, int inner, float scale, float beta);

        /// <summary>
        /// y[o,j,i] = scale * x[o,i] + beta * y[o,j,i]: the gradient of ReduceSum.
        /// </summary>
        public abstract void Broadcast(
            Storage x, Storage y, int outer, int n, int inner, float scale, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Sums and means.</summary>
    public static class ReduceOps
    {
        /// <summary>Sum of all elements, a scalar.</summary>
        public static Tensor Sum(this Tape tape, Tensor x) =>
            Reduce(tape, x, new Shape(), 1, (int)x.Shape.Count, 1, 1);

        /// <summary>Mean of all elements, a scalar.</summary>
        public static Tensor Mean(this Tape tape, Tensor x) =>
            Reduce(tape, x, new Shape(), 1, (int)x.Shape.Count, 1, 1f / x.Shape.Count);

        /// <summary>
        /// Mean over dimensions [from, to), which disappear: (B,H,W,C) over [1,3) is global average
        /// pooling, (B,C).
        /// </summary>
        public static Tensor Mean(this Tape tape, Tensor x, int from, int to) =>
            Over(tape, x, from, to, 1f / x.Shape.Product(from, to));

        /// <summary>Sum over dimensions [from, to), which disappear.</summary>
        public static Tensor Sum(this Tape tape, Tensor x, int from, int to) =>
            Over(tape, x, from, to, 1);

        private static Tensor Over(Tape tape, Tensor x, int from, int to, float scale)
        {
            Span<int> extents = stackalloc int[Shape.MaxRank];
            int rank = 0;
            for (int i = 0; i < x.Shape.Rank; i++)
            {
                if (i < from || i >= to)
                {
                    extents[rank++] = x.Shape[i];
                }
            }
            return Reduce(tape, x, new Shape(extents[..rank]), x.Shape.Product(0, from),
                x.Shape.Product(from, to), x.Shape.Product(to, x.Shape.Rank), scale);
        }

        private static Tensor Reduce(
            Tape tape, Tensor x, Shape shape, int outer, int n, int inner, float scale)
        {
            var y = tape.New(shape);
            tape.Device.ReduceSum(x.Storage, y.Storage, outer, n, inner, scale, 0);
            return tape.Record(y, [x], (x, outer, n, inner, scale), static (tape, dy, in s) =>
            {
                var (x, outer, n, inner, scale) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.Broadcast(dy, dx, outer, n, inner, scale, beta);
                }
            });
        }
    }
}
