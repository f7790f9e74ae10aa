// Two-dimensional convolution over channels-last data (cross-correlation, as in every framework):
//   y[b,oy,ox,f] = bias[f] + sum over ky,kx,c of
//     x[b, oy*stride + ky*dilation - pad, ox*stride + kx*dilation - pad, c] * w[ky,kx,c,f]
// It is a matrix product whose left rows are patches. With groups, channels and filters fall into
// equal runs and w has channels / groups inputs. One-dimensional data has height 1.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y = conv(x, w) + bias; shapes as in <see cref="ConvShape"/>.</summary>
        public abstract void Convolution(
            Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape);

        /// <summary>dx = gradient of x from dy and w, + beta * dx.</summary>
        public abstract void ConvolutionInputGradient(
            Storage dy, Storage w, Storage dx, in ConvShape shape, float beta);

        /// <summary>dw = gradient of w from x and dy, + beta * dw.</summary>
        public abstract void ConvolutionWeightGradient(
            Storage x, Storage dy, Storage dw, in ConvShape shape, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Height and width of something, or steps along them.</summary>
    public readonly record struct Size2(int Height, int Width)
    {
        public override string ToString() => $"{Height}x{Width}";
    }

    /// <summary>Zeros around an image.</summary>
    public readonly record struct Padding(int Top, int Bottom, int Left, int Right)
    {
        public static Padding Even(int height, int width) => new(height, height, width, width);

        /// <summary>
        /// What keeps ceil(extent / stride) outputs; an odd zero goes to the bottom and right.
        /// </summary>
        public static Padding Same(Size2 input, Size2 kernel, Size2 stride, Size2 dilation)
        {
            int h = Total(input.Height, kernel.Height, stride.Height, dilation.Height);
            int w = Total(input.Width, kernel.Width, stride.Width, dilation.Width);
            return new Padding(h / 2, h - (h / 2), w / 2, w - (w / 2));
        }

        private static int Total(int extent, int kernel, int stride, int dilation)
        {
            int outputs = (extent + stride - 1) / stride;
            return Math.Max(0, ((outputs - 1) * stride) + ((kernel - 1) * dilation) + 1 - extent);
        }
    }

    /// <summary>
    /// All sizes of a convolution: x (B,H,W,C), w (KH,KW,C/groups,F), y (B,OH,OW,F).
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct ConvShape(
        int Batch, int Height, int Width, int Channels, int Filters, Size2 Kernel, Size2 Stride,
        Padding Padding, Size2 Dilation, int Groups)
    {
        public int OutHeight => Extent(
            Height + Padding.Top + Padding.Bottom, Kernel.Height, Stride.Height, Dilation.Height);

        public int OutWidth => Extent(
            Width + Padding.Left + Padding.Right, Kernel.Width, Stride.Width, Dilation.Width);

        public int GroupChannels => Channels / Groups;

        public int GroupFilters => Filters / Groups;

        /// <summary>Rows of the product: one for each output pixel.</summary>
        public int Patches => Batch * OutHeight * OutWidth;

        /// <summary>Elements of a patch within one group.</summary>
        public int PatchSize => Kernel.Height * Kernel.Width * GroupChannels;

        /// <summary>One tap without padding or stride: a plain matrix product.</summary>
        public bool IsPointwise =>
            Kernel == new Size2(1, 1) && Stride == new Size2(1, 1) && Padding == default
            && Groups == 1;

        /// <summary>One input channel a group.</summary>
        public bool IsDepthwise => Groups == Channels && Groups > 1;

        private static int Extent(int padded, int kernel, int stride, int dilation)
        {
            int covered = ((kernel - 1) * dilation) + 1;
            return padded < covered ? 0 : ((padded - covered) / stride) + 1;
        }
    }

    /// <summary>Convolution and transposed convolution.</summary>
    public static class ConvolutionOps
    {
        /// <summary>x (B,H,W,C), w (KH,KW,C/groups,F), b (F) or null to y (B,OH,OW,F).</summary>
        public static Tensor Convolution(
            this Tape tape, Tensor x, Tensor w, Tensor? b, Size2 stride, Padding padding,
            Size2 dilation, int groups = 1)
        {
            var shape = Describe(x.Shape, w.Shape, stride, padding, dilation, groups);
            if (b is not null && b.Shape.Count != shape.Filters)
            {
                throw new UsageException(
                    $"conv2d: bias {b.Shape} does not fit weight {w.Shape}; expected one number "
                    + "a filter");
            }
            var device = tape.Device;
            var y = tape.New(
                new Shape(shape.Batch, shape.OutHeight, shape.OutWidth, shape.Filters));
            device.Convolution(x.Storage, w.Storage, b?.Storage, y.Storage, shape);
            return tape.Record(y, [x, w, b], (x, w, b, shape), static (tape, dy, in s) =>
            {
                var (x, w, b, shape) = s;
                var device = tape.Device;
                if (tape.Wants(w, out var dw, out float beta))
                {
                    device.ConvolutionWeightGradient(x.Storage, dy, dw, shape, beta);
                }
                if (tape.Wants(b, out var db, out beta))
                {
                    device.ReduceSum(dy, db, 1, shape.Patches, shape.Filters, 1, beta);
                }
                if (tape.Wants(x, out var dx, out beta))
                {
                    device.ConvolutionInputGradient(dy, w.Storage, dx, shape, beta);
                }
            });
        }

        /// <summary>
        /// The map whose gradient is a convolution: x (B,H,W,F), w (KH,KW,C/groups,F), b (C) or
        /// null
        /// to y (B,height,width,C), where a convolution with these settings takes (height, width)
        /// to (H, W).
        /// </summary>
        public static Tensor ConvolutionTransposed(
            this Tape tape, Tensor x, Tensor w, Tensor? b, Size2 output, Size2 stride,
            Padding padding, Size2 dilation, int groups = 1)
        {
            int channels = w.Shape[2] * groups;
            var yShape = new Shape(x.Shape[0], output.Height, output.Width, channels);
            var shape = Describe(yShape, w.Shape, stride, padding, dilation, groups);
            if (shape.OutHeight != x.Shape[1] || shape.OutWidth != x.Shape[2]
                || shape.Filters != x.Shape[3])
            {
                throw new UsageException(
                    $"transposed convolution: {x.Shape} does not come from a {yShape} output");
            }
            var device = tape.Device;
            var y = tape.New(yShape);
            device.ConvolutionInputGradient(x.Storage, w.Storage, y.Storage, shape, 0);
            int pixels = (int)(yShape.Count / channels);
            if (b is not null)
            {
                device.Binary(
                    BinaryOps.Add, y.Storage, b.Storage, y.Storage, pixels, channels, 1, 0);
            }
            return tape.Record(y, [x, w, b], (x, w, b, shape, pixels), static (tape, dy, in s) =>
            {
                var (x, w, b, shape, pixels) = s;
                var device = tape.Device;
                if (tape.Wants(b, out var db, out float betaB))
                {
                    device.ReduceSum(dy, db, 1, pixels, shape.Channels, 1, betaB);
                }
                if (tape.Wants(w, out var dw, out float beta))
                {
                    device.ConvolutionWeightGradient(dy, x.Storage, dw, shape, beta);
                }
                if (tape.Wants(x, out var dx, out beta))
                {
                    Storage target = beta == 0 ? dx : tape.Rent(DType.F32, dx.Length);
                    device.Convolution(dy, w.Storage, null, target, shape);
                    if (beta != 0)
                    {
                        device.Broadcast(target, dx, 1, 1, (int)dx.Length, 1, beta);
                    }
                }
            });
        }

        private static ConvShape Describe(
            Shape x, Shape w, Size2 stride, Padding padding, Size2 dilation, int groups)
        {
            if (x.Rank != 4 || w.Rank != 4 || groups < 1 || x[3] != w[2] * groups
                || w[3] % groups != 0)
            {
                throw new UsageException(
                    $"conv2d: input {x} does not fit weight {w} with {groups} group(s); expected "
                    + "(batch, height, width, channels) and "
                    + "(height, width, channels / groups, filters)");
            }
            var shape = new ConvShape(
                x[0], x[1], x[2], x[3], w[3], new Size2(w[0], w[1]), stride, padding, dilation,
                groups);
            if (shape.OutHeight < 1 || shape.OutWidth < 1)
            {
                throw new UsageException(
                    $"conv2d: a {shape.Kernel} kernel does not fit into {x} with padding "
                    + $"{padding}; use padding 'same' or fewer layers");
            }
            return shape;
        }
    }
}
