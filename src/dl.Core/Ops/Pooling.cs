// Maximum and average over windows of channels-last images, (B,H,W,C) to (B,OH,OW,C). Padding never
// wins a maximum. Gradients gather: each input element asks the windows that cover it, so there is
// nothing to race for. Unpooling puts values back where the maxima were (Zeiler and Fergus 2014,
// "Visualizing and Understanding Convolutional Networks"); what a maximum's gradient does to dy is
// what it does to its values, and its own gradient reads those places.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// y = maximum of each window; indices (i32, as large as y) = y*Width + x of its first
        /// occurrence in row-major order.
        /// </summary>
        public abstract void MaxPool(Storage x, Storage y, Storage indices, in PoolShape shape);

        /// <summary>dx = sum of dy over the windows whose maximum was here, + beta * dx.</summary>
        public abstract void MaxPoolGradient(
            Storage dy, Storage indices, Storage dx, in PoolShape shape, float beta);

        /// <summary>
        /// dx[o] = dy where window o has its maximum, + beta * dx[o]: the gradient of unpooling,
        /// and the transpose of <see cref="MaxPoolGradient"/>. dx and indices (B,OH,OW,C), dy
        /// (B,H,W,C).
        /// </summary>
        public abstract void MaxUnpoolGradient(
            Storage dy, Storage indices, Storage dx, in PoolShape shape, float beta);

        /// <summary>
        /// y = mean of each window, over all taps or (countPadding 0) those inside.
        /// </summary>
        public abstract void AveragePool(
            Storage x, Storage y, in PoolShape shape, bool countPadding);

        public abstract void AveragePoolGradient(
            Storage dy, Storage dx, in PoolShape shape, bool countPadding, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>All sizes of a pooling: x (B,H,W,C), y (B,OH,OW,C).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct PoolShape(
        int Batch, int Height, int Width, int Channels, Size2 Window, Size2 Stride, Padding Padding)
    {
        public int OutHeight =>
            Extent(Height + Padding.Top + Padding.Bottom, Window.Height, Stride.Height);

        public int OutWidth =>
            Extent(Width + Padding.Left + Padding.Right, Window.Width, Stride.Width);

        /// <summary>
        /// Windows lie side by side and cover the image: each pixel belongs to one of them.
        /// </summary>
        public bool IsTiled =>
            Window == Stride && Padding == default && Height % Window.Height == 0
            && Width % Window.Width == 0;

        private static int Extent(int padded, int window, int stride) =>
            padded < window ? 0 : ((padded - window) / stride) + 1;
    }

    /// <summary>Which element of each window was its maximum: indices (i32) as y's.</summary>
    public readonly record struct Switches(Storage Indices, PoolShape Shape);

    /// <summary>Pooling over windows; a global mean is in Reduce.cs.</summary>
    public static class PoolingOps
    {
        public static Tensor MaxPool(
            this Tape tape, Tensor x, Size2 window, Size2 stride, Padding padding) =>
            tape.MaxPool(x, window, stride, padding, out _);

        /// <summary>As the other, and tells where the maxima were.</summary>
        public static Tensor MaxPool(
            this Tape tape, Tensor x, Size2 window, Size2 stride, Padding padding,
            out Switches switches)
        {
            var shape = Describe(x.Shape, window, stride, padding);
            var y = tape.New(Output(shape));
            var indices = tape.Rent(DType.I32, y.Shape.Count);
            tape.Device.MaxPool(x.Storage, y.Storage, indices, shape);
            switches = new Switches(indices, shape);
            return tape.Record(y, [x], (x, indices, shape), static (tape, dy, in s) =>
            {
                var (x, indices, shape) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.MaxPoolGradient(dy, indices, dx, shape, beta);
                }
            });
        }

        /// <summary>Where the maxima of x are; nothing flows back into x.</summary>
        public static Switches MaxSwitches(
            this Tape tape, Tensor x, Size2 window, Size2 stride, Padding padding)
        {
            var shape = Describe(x.Shape, window, stride, padding);
            long count = Output(shape).Count;
            var indices = tape.Rent(DType.I32, count);
            tape.Device.MaxPool(x.Storage, tape.Rent(DType.F32, count), indices, shape);
            return new Switches(indices, shape);
        }

        /// <summary>
        /// x (B,OH,OW,C), shaped as what the pool gave, to (B,H,W,C): each value where its window
        /// had the maximum, zero elsewhere, and the sum where windows overlap.
        /// </summary>
        public static Tensor MaxUnpool(this Tape tape, Tensor x, Switches switches)
        {
            var (indices, shape) = switches;
            if (x.Shape != Output(shape))
            {
                throw new UsageException(
                    $"unpool: input is {x.Shape}, the pool gave {Output(shape)}; both must agree");
            }
            var y = tape.New(new Shape(shape.Batch, shape.Height, shape.Width, shape.Channels));
            tape.Device.MaxPoolGradient(x.Storage, indices, y.Storage, shape, 0);
            return tape.Record(y, [x], dy =>
            {
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.MaxUnpoolGradient(dy, indices, dx, shape, beta);
                }
            });
        }

        /// <summary>
        /// Largest value of each channel: (B,...,C) to (B,C), the first one where several agree.
        /// </summary>
        public static Tensor GlobalMax(this Tape tape, Tensor x)
        {
            int places = x.Shape.Product(1, x.Shape.Rank - 1);
            var whole = new Size2(places, 1);
            var y = tape.MaxPool(
                x.Reshape(new Shape(x.Shape[0], places, 1, x.Shape.Last)), whole, whole, default);
            return y.Reshape(new Shape(x.Shape[0], x.Shape.Last));
        }

        public static Tensor AveragePool(
            this Tape tape, Tensor x, Size2 window, Size2 stride, Padding padding,
            bool countPadding = true)
        {
            var shape = Describe(x.Shape, window, stride, padding);
            var y = tape.New(Output(shape));
            tape.Device.AveragePool(x.Storage, y.Storage, shape, countPadding);
            return tape.Record(y, [x], (x, shape, countPadding), static (tape, dy, in s) =>
            {
                var (x, shape, countPadding) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.AveragePoolGradient(dy, dx, shape, countPadding, beta);
                }
            });
        }

        /// <summary>
        /// Maximum over windows of volumes (B,D,H,W,C). Ties go to the first in row-major order:
        /// that of a slice first, then of the depths.
        /// </summary>
        public static Tensor MaxPool3d(
            this Tape tape, Tensor x, Size3 window, Size3 stride, Padding3 padding) =>
            ByPlaneAndDepth(tape, x, window, stride, padding,
                static (tape, slices, size, step, around) =>
                    tape.MaxPool(slices, size, step, around));

        /// <summary>Mean over windows of volumes (B,D,H,W,C).</summary>
        public static Tensor AveragePool3d(
            this Tape tape, Tensor x, Size3 window, Size3 stride, Padding3 padding,
            bool countPadding = true) =>
            ByPlaneAndDepth(tape, x, window, stride, padding, countPadding
                ? static (tape, slices, size, step, around) =>
                    tape.AveragePool(slices, size, step, around, true)
                : static (tape, slices, size, step, around) =>
                    tape.AveragePool(slices, size, step, around, false));

        /// <summary>
        /// Windows are boxes, so pooling slices and then, pixel by pixel, their depths is the same.
        /// </summary>
        private static Tensor ByPlaneAndDepth(
            Tape tape, Tensor x, Size3 window, Size3 stride, Padding3 padding,
            Func<Tape, Tensor, Size2, Size2, Padding, Tensor> pool)
        {
            var s = x.Shape;
            if (s.Rank != 5)
            {
                throw new UsageException(
                    $"pool: input is {s}, expected (batch, depth, height, width, channels)");
            }
            var y = pool(
                tape, x.Reshape(new Shape(s[0] * s[1], s[2], s[3], s[4])), window.Plane,
                stride.Plane, padding.Plane);
            int height = y.Shape[1], width = y.Shape[2], depth = s[1];
            if (window.Depth > 1 || stride.Depth > 1 || padding.Front + padding.Back > 0)
            {
                y = pool(
                    tape, y.Reshape(new Shape(s[0], depth, 1, height * width * s[4])),
                    new Size2(window.Depth, 1), new Size2(stride.Depth, 1),
                    new Padding(padding.Front, padding.Back, 0, 0));
                depth = y.Shape[1];
            }
            return y.Reshape(new Shape(s[0], depth, height, width, s[4]));
        }

        private static Shape Output(PoolShape shape) =>
            new(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Channels);

        private static PoolShape Describe(Shape x, Size2 window, Size2 stride, Padding padding)
        {
            if (x.Rank != 4)
            {
                throw new UsageException(
                    $"pool: input is {x}, expected (batch, height, width, channels)");
            }
            var shape = new PoolShape(x[0], x[1], x[2], x[3], window, stride, padding);
            if (shape.OutHeight < 1 || shape.OutWidth < 1)
            {
                throw new UsageException(
                    $"pool: a {window} window does not fit into {x}; use fewer pooling layers");
            }
            int most = Math.Max(padding.Top, padding.Bottom);
            if (most >= window.Height || Math.Max(padding.Left, padding.Right) >= window.Width)
            {
                throw new UsageException(
                    $"pool: padding {padding} lets a {window} window see nothing of {x}; it must "
                    + "be smaller than the window");
            }
            return shape;
        }
    }
}
