// Maximum and average over windows of channels-last images, (B,H,W,C) to (B,OH,OW,C). Padding never
// wins a maximum. Gradients gather: each input element asks the windows that cover it, so there is
// nothing to race for.
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

        private static int Extent(int padded, int window, int stride) =>
            padded < window ? 0 : ((padded - window) / stride) + 1;
    }

    /// <summary>Pooling over windows; global pooling is a mean (Reduce.cs).</summary>
    public static class PoolingOps
    {
        public static Tensor MaxPool(
            this Tape tape, Tensor x, Size2 window, Size2 stride, Padding padding)
        {
            var shape = Describe(x.Shape, window, stride, padding);
            var y = tape.New(Output(shape));
            var indices = tape.Rent(DType.I32, y.Shape.Count);
            tape.Device.MaxPool(x.Storage, y.Storage, indices, shape);
            return tape.Record(y, [x], dy =>
            {
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.MaxPoolGradient(dy, indices, dx, shape, beta);
                }
            });
        }

        public static Tensor AveragePool(
            this Tape tape, Tensor x, Size2 window, Size2 stride, Padding padding,
            bool countPadding = true)
        {
            var shape = Describe(x.Shape, window, stride, padding);
            var y = tape.New(Output(shape));
            tape.Device.AveragePool(x.Storage, y.Storage, shape, countPadding);
            return tape.Record(y, [x], dy =>
            {
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.AveragePoolGradient(dy, dx, shape, countPadding, beta);
                }
            });
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
            return shape;
        }
    }
}
