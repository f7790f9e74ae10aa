// Choosing rows by number. Gather reads rows, scatter-add is its gradient; the additions happen in
// the order of the ids, so the result does not depend on scheduling.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y[i,:] = table[ids[i],:] for i &lt; rows; ids are i32 and in range.</summary>
        public abstract void Gather(Storage table, Storage ids, Storage y, int rows, int width);

        /// <summary>
        /// dtable[r,:] = sum over i with ids[i] = r of dy[i,:] + beta * dtable[r,:], for all
        /// <paramref name="tableRows"/> rows.
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
        /// <summary>Rows of a (tableRows, width) table: ids (...) i32 to (..., width).</summary>
        public static Tensor Gather(this Tape tape, Tensor table, Tensor ids)
        {
            int rows = (int)ids.Shape.Count, tableRows = table.Shape[0], width = table.Shape[1];
            Span<int> extents = stackalloc int[Shape.MaxRank];
            int rank = ids.Shape.CopyTo(extents);
            extents[rank] = width;
            var y = tape.New(new Shape(extents[..(rank + 1)]));
            tape.Device.Gather(table.Storage, ids.Storage, y.Storage, rows, width);
            return tape.Record(y, [table], dy =>
            {
                if (tape.Wants(table, out var dtable, out float beta))
                {
                    tape.Device.ScatterAdd(dy, ids.Storage, dtable, rows, width, tableRows, beta);
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
