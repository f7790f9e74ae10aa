// Moving values without arithmetic: fill, and one strided copy behind transpose, slice, pad, concat
// and expand. The gradient of a strided copy is the copy with both sides exchanged; where one
// element was read many times (expand) it is a sum, in Reduce.cs.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y[i] = value for i &lt; n.</summary>
        public abstract void Fill(Storage y, int n, float value);

        /// <summary>y[plan] = x[plan] + beta * y[plan], 4-byte elements; beta is 0 or 1.</summary>
        public abstract void StridedCopy(Storage x, Storage y, in CopyPlan plan, float beta);
    }
}

namespace Dl.Ops
{
    [InlineArray(Shape.MaxRank)]
    public struct Six
    {
        private int _first;
    }

    /// <summary>
    /// Extents with the strides (in elements) and the start of both sides. Unused leading
    /// dimensions
    /// have extent 1, so kernels always see six. The layout is the kernel's own struct.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct CopyPlan
    {
        public Six Extents;
        public Six XStrides;
        public Six YStrides;
        public int XOffset;
        public int YOffset;

        public readonly int Count
        {
            get
            {
                int count = 1;
                foreach (int extent in Extents)
                {
                    count *= extent;
                }
                return count;
            }
        }

        /// <summary>
        /// A plan over <paramref name="extents"/>, right-aligned into six dimensions.
        /// </summary>
        public static CopyPlan Create(
            ReadOnlySpan<int> extents,
            ReadOnlySpan<int> xStrides,
            ReadOnlySpan<int> yStrides,
            int xOffset = 0,
            int yOffset = 0)
        {
            var plan = new CopyPlan { XOffset = xOffset, YOffset = yOffset };
            for (int i = 0; i < Shape.MaxRank; i++)
            {
                int source = i - (Shape.MaxRank - extents.Length);
                plan.Extents[i] = source < 0 ? 1 : extents[source];
                plan.XStrides[i] = source < 0 ? 0 : xStrides[source];
                plan.YStrides[i] = source < 0 ? 0 : yStrides[source];
            }
            return plan;
        }

        /// <summary>The copy back: from where this one wrote to where it read.</summary>
        public readonly CopyPlan Reversed() => new()
        {
            Extents = Extents,
            XStrides = YStrides,
            YStrides = XStrides,
            XOffset = YOffset,
            YOffset = XOffset,
        };
    }

    /// <summary>Ops that move values.</summary>
    public static class CopyOps
    {
        /// <summary>Row-major strides in elements.</summary>
        public static int[] Strides(Shape shape)
        {
            var strides = new int[shape.Rank];
            Strides(shape, strides);
            return strides;
        }

        /// <summary>The same into memory of Shape.MaxRank or the rank; returns the rank.</summary>
        private static int Strides(Shape shape, Span<int> strides)
        {
            int stride = 1;
            for (int i = shape.Rank - 1; i >= 0; i--)
            {
                strides[i] = stride;
                stride *= shape[i];
            }
            return shape.Rank;
        }

        /// <summary>Output dimension i is input dimension <paramref name="order"/>[i].</summary>
        public static Tensor Permute(this Tape tape, Tensor x, params ReadOnlySpan<int> order)
        {
            Span<int> extents = stackalloc int[order.Length];
            Span<int> xStrides = stackalloc int[order.Length];
            Span<int> strides = stackalloc int[order.Length];
            Strides(x.Shape, strides);
            for (int i = 0; i < order.Length; i++)
            {
                extents[i] = x.Shape[order[i]];
                xStrides[i] = strides[order[i]];
            }
            var y = tape.New(new Shape(extents));
            Strides(y.Shape, strides);
            return Move(tape, x, y, CopyPlan.Create(extents, xStrides, strides));
        }

        /// <summary>Elements [start, start + length) along one dimension.</summary>
        public static Tensor Slice(this Tape tape, Tensor x, int dimension, int start, int length)
        {
            dimension = dimension < 0 ? dimension + x.Shape.Rank : dimension;
            if (start < 0 || length < 0 || start + length > x.Shape[dimension])
            {
                throw new UsageException(
                    $"slice: [{start}, {start + length}) of dimension {dimension} of {x.Shape}");
            }
            var y = tape.New(x.Shape.With(dimension, length));
            var plan = Between(y.Shape, x.Shape, y.Shape);
            plan.XOffset = start * x.Shape.Product(dimension + 1, x.Shape.Rank);
            if (!x.RequiresGradient)
            {
                return Move(tape, x, y, plan);
            }
            // What was not read has gradient zero, so a first contribution clears the rest.
            tape.Device.StridedCopy(x.Storage, y.Storage, plan, 0);
            return tape.Record(y, [x], (x, plan), static (tape, dy, in s) =>
            {
                var (x, plan) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    if (beta == 0)
                    {
                        tape.Device.Fill(dx, (int)x.Shape.Count, 0);
                    }
                    tape.Device.StridedCopy(dy, dx, plan.Reversed(), 1);
                }
            });
        }

        /// <summary>Joins tensors along one dimension; the others must agree.</summary>
        public static Tensor Concat(this Tape tape, int dimension, params Tensor[] parts)
        {
            var first = parts[0].Shape;
            dimension = dimension < 0 ? dimension + first.Rank : dimension;
            int total = 0;
            foreach (var part in parts)
            {
                if (part.Shape.Rank != first.Rank
                    || part.Shape.With(dimension, first[dimension]) != first)
                {
                    throw new UsageException(
                        $"concat: {part.Shape} does not fit {first} along dimension {dimension}");
                }
                total += part.Shape[dimension];
            }
            var y = tape.New(first.With(dimension, total));
            int start = 0;
            foreach (var part in parts)
            {
                tape.Device.StridedCopy(
                    part.Storage, y.Storage, PartPlan(part.Shape, y.Shape, dimension, start), 0);
                start += part.Shape[dimension];
            }
            return tape.Record(y, parts, (parts, y.Shape, dimension), static (tape, dy, in s) =>
            {
                var (parts, whole, dimension) = s;
                int start = 0;
                foreach (var part in parts)
                {
                    if (tape.Wants(part, out var dx, out float beta))
                    {
                        var plan = PartPlan(part.Shape, whole, dimension, start);
                        tape.Device.StridedCopy(dy, dx, plan.Reversed(), beta);
                    }
                    start += part.Shape[dimension];
                }
            });
        }

        /// <summary>A part into the whole, from <paramref name="start"/> on.</summary>
        private static CopyPlan PartPlan(Shape part, Shape whole, int dimension, int start)
        {
            var plan = Between(part, part, whole);
            plan.YOffset = start * whole.Product(dimension + 1, whole.Rank);
            return plan;
        }

        /// <summary>Extents that lie at the start of two row-major shapes.</summary>
        private static CopyPlan Between(Shape extents, Shape x, Shape y)
        {
            Span<int> sizes = stackalloc int[Shape.MaxRank];
            Span<int> xStrides = stackalloc int[Shape.MaxRank];
            Span<int> yStrides = stackalloc int[Shape.MaxRank];
            int rank = extents.CopyTo(sizes);
            Strides(x, xStrides);
            Strides(y, yStrides);
            return CopyPlan.Create(sizes[..rank], xStrides[..rank], yStrides[..rank]);
        }

        /// <summary>Zeros around x: <paramref name="before"/> and after, per dimension.</summary>
        public static Tensor Pad(
            this Tape tape, Tensor x, ReadOnlySpan<int> before, ReadOnlySpan<int> after)
        {
            Span<int> extents = stackalloc int[x.Shape.Rank];
            for (int i = 0; i < extents.Length; i++)
            {
                extents[i] = before[i] + x.Shape[i] + after[i];
            }
            var y = tape.New(new Shape(extents));
            var plan = Between(x.Shape, x.Shape, y.Shape);
            for (int i = 0; i < extents.Length; i++)
            {
                plan.YOffset += before[i] * y.Shape.Product(i + 1, y.Shape.Rank);
            }
            tape.Device.Fill(y.Storage, (int)y.Shape.Count, 0);
            return Move(tape, x, y, plan);
        }

        private static Tensor Move(Tape tape, Tensor x, Tensor y, CopyPlan plan)
        {
            tape.Device.StridedCopy(x.Storage, y.Storage, plan, 0);
            return tape.Record(y, [x], (x, plan), static (tape, dy, in s) =>
            {
                var (x, plan) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.StridedCopy(dy, dx, plan.Reversed(), beta);
                }
            });
        }
    }
}
