// Matrix products: c = op(a) op(b) (+ bias), op being the matrix or its transpose. Gradients:
// da = dc b^T, db = a^T dc, dbias = sum of dc over rows.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// c = op(a) op(b) + bias + beta * c for each of <paramref name="batch"/> contiguous
        /// matrices: op(a) is m x k, op(b) k x n, c m x n, bias n.
        /// </summary>
        /// <param name="transposeA">a lies as k x m.</param>
        /// <param name="transposeB">b lies as n x k.</param>
        public abstract void MatMul(
            Storage a, Storage b, Storage? bias, Storage c,
            int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Matrix products and the dense layer's affine map.</summary>
    public static class MatMulOps
    {
        /// <summary>
        /// (..., m, k) x (..., k, n) = (..., m, n); leading dimensions must agree.
        /// </summary>
        public static Tensor MatMul(this Tape tape, Tensor a, Tensor b)
        {
            var (sa, sb) = (a.Shape, b.Shape);
            if (sa.Rank < 2 || sa.Rank != sb.Rank || sa[-1] != sb[-2]
                || sa.Product(0, sa.Rank - 2) != sb.Product(0, sb.Rank - 2))
            {
                throw new UsageException($"matmul: {sa} does not fit {sb}; expected mxk and kxn");
            }
            int batch = sa.Product(0, sa.Rank - 2), m = sa[-2], k = sa[-1], n = sb[-1];
            var device = tape.Device;
            var c = tape.New(sa.With(-1, n));
            device.MatMul(a.Storage, b.Storage, null, c.Storage, batch, m, n, k, false, false, 0);
            return tape.Record(c, [a, b], (a, b, batch, m, n, k), static (tape, dc, in s) =>
            {
                var (a, b, batch, m, n, k) = s;
                var device = tape.Device;
                if (tape.Wants(a, out var da, out float beta))
                {
                    device.MatMul(dc, b.Storage, null, da, batch, m, k, n, false, true, beta);
                }
                if (tape.Wants(b, out var db, out beta))
                {
                    device.MatMul(a.Storage, dc, null, db, batch, k, n, m, true, false, beta);
                }
            });
        }

        /// <summary>y = x w + b: x (..., in), w (in, out), b (out) or null, y (..., out).</summary>
        public static Tensor Linear(this Tape tape, Tensor x, Tensor w, Tensor? b)
        {
            if (w.Shape.Rank != 2 || x.Shape.Last != w.Shape[0]
                || (b is not null && b.Shape.Count != w.Shape[1]))
            {
                throw new UsageException(
                    $"linear: input {x.Shape} does not fit weight {w.Shape}; the weight's first "
                    + "extent must be the input's last");
            }
            int m = x.Shape.Rows, k = w.Shape[0], n = w.Shape[1];
            var device = tape.Device;
            var y = tape.New(x.Shape.With(-1, n));
            device.MatMul(x.Storage, w.Storage, b?.Storage, y.Storage, 1, m, n, k, false, false, 0);
            return tape.Record(y, [x, w, b], (x, w, b, m, n, k), static (tape, dy, in s) =>
            {
                var (x, w, b, m, n, k) = s;
                var device = tape.Device;
                if (tape.Wants(w, out var dw, out float beta))
                {
                    device.MatMul(x.Storage, dy, null, dw, 1, k, n, m, true, false, beta);
                }
                if (tape.Wants(b, out var db, out beta))
                {
                    device.ReduceSum(dy, db, 1, m, n, 1, beta);
                }
                if (tape.Wants(x, out var dx, out beta))
                {
                    device.MatMul(dy, w.Storage, null, dx, 1, m, k, n, false, true, beta);
                }
            });
        }
    }
}
