// Choosing rows by number. Gather reads rows, scatter-add is its gradient; the additions happen in
// the order of the ids, so the result does not depend on scheduling. The id -1 stands for no row:
// it reads zeros and gets no gradient. ToIndices makes ids of features, which are floats.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// y[i] = x[i] rounded to the nearest whole number (i32), or -1 where that is outside
        /// [0, <paramref name="bound"/>), is <paramref name="padding"/>, or x[i] is NaN.
        /// </summary>
        /// <param name="padding">An id that stands for nothing; -1 for none.</param>
        public abstract void ToIndices(Storage x, Storage y, int n, int bound, int padding);

        /// <summary>
        /// y[i,:] = table[ids[i],:] for i &lt; rows, zeros for id -1; ids are i32 and in range.
        /// </summary>
        public abstract void Gather(Storage table, Storage ids, Storage y, int rows, int width);

        /// <summary>
        /// dtable[r,:] = sum over i with ids[i] = r of dy[i,:] + beta * dtable[r,:], for all
        /// <paramref name="tableRows"/> rows; id -1 adds nothing.
        /// </summary>
        public abstract void ScatterAdd(
            Storage dy, Storage ids, Storage dtable, int rows, int width, int tableRows,
            float beta);

        /// <summary>y[r] = index (i32) of the first largest element of row r of x.</summary>
        public abstract void ArgMax(Storage x, Storage y, int rows, int columns);
    }
}

namespace Dl.Ops
{
    /// <summary>Ops on indices.</summary>
    public static class IndexOps
    {
        /// <summary>
        /// Ids (i32) from numbers; what is no id below <paramref name="bound"/>, and
        /// <paramref name="padding"/>, become -1.
        /// </summary>
        /// <param name="bound">At most 2^24: beyond it floats skip whole numbers.</param>
        public static Tensor ToIndices(this Tape tape, Tensor x, int bound, int padding = -1)
        {
            if (bound is < 1 or > 1 << 24)
            {
                throw new UsageException(
                    $"ids: {bound} of them, expected 1 to {1 << 24}, what a float can count");
            }
            var y = tape.New(x.Shape, DType.I32);
            tape.Device.ToIndices(x.Storage, y.Storage, (int)x.Shape.Count, bound, padding);
            return y;
        }

        /// <summary>Rows of a (tableRows, width) table: ids (...) i32 to (..., width).</summary>
        public static Tensor Gather(this Tape tape, Tensor table, Tensor ids)
        {
            int rows = (int)ids.Shape.Count, width = table.Shape[1];
            Span<int> extents = stackalloc int[Shape.MaxRank];
            int rank = ids.Shape.CopyTo(extents);
            extents[rank] = width;
            var y = tape.New(new Shape(extents[..(rank + 1)]));
            tape.Device.Gather(table.Storage, ids.Storage, y.Storage, rows, width);
            return tape.Record(y, [table], (table, ids), static (tape, dy, in s) =>
            {
                var (table, ids) = s;
                if (tape.Wants(table, out var dtable, out float beta))
                {
                    tape.Device.ScatterAdd(
                        dy, ids.Storage, dtable, (int)ids.Shape.Count, table.Shape[1],
                        table.Shape[0], beta);
                }
            });
        }

        /// <summary>Index of the largest element of the last dimension, i32.</summary>
        public static Tensor ArgMax(this Tape tape, Tensor x)
        {
            Span<int> extents = stackalloc int[Shape.MaxRank];
            int rank = x.Shape.CopyTo(extents);
            var y = tape.New(new Shape(extents[..(rank - 1)]), DType.I32);
            tape.Device.ArgMax(x.Storage, y.Storage, x.Shape.Rows, x.Shape.Last);
            return y;
        }
    }
}
