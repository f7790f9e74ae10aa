// Convolution and its gradients on kernels/convolution.cl.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void Convolution(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape)
    {
        if ((long)shape.Patches * shape.Filters == 0)
        {
            return;
        }
        long items = (long)shape.Patches * shape.Groups * FilterBlocks(shape);
        Find("convolution", "convolution").Arg(x).Arg(w).Arg(bias ?? w).Arg(y)
            .Arg(new ConvArguments(shape)).Arg(bias is null ? 0 : 1)
            .Over(items, Grain((long)shape.PatchSize * Lanes));
    }

    public override void ConvolutionInputGradient(
        Storage dy, Storage w, Storage dx, in ConvShape shape, float beta)
    {
        long items = (long)shape.Batch * shape.Height * shape.Width * shape.Channels;
        if (items > 0)
        {
            Find("convolution", "convolution_input_gradient").Arg(dy).Arg(w).Arg(dx)
                .Arg(new ConvArguments(shape)).Arg(beta)
                .Over(items, Grain(shape.Kernel.Height * shape.Kernel.Width * shape.GroupFilters));
        }
    }

    public override void ConvolutionWeightGradient(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        long items = (long)shape.PatchSize * shape.Groups * FilterBlocks(shape);
        if (items > 0)
        {
            Find("convolution", "convolution_weight_gradient").Arg(x).Arg(dy).Arg(dw)
                .Arg(new ConvArguments(shape)).Arg(beta)
                .Over(items, Grain((long)shape.Patches * Lanes));
        }
    }

    private int FilterBlocks(in ConvShape shape) =>
        IsFat ? (shape.GroupFilters + Lanes - 1) / Lanes : shape.GroupFilters;

    /// <summary>The kernels' conv_shape.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ConvArguments(ConvShape shape)
    {
        private readonly ConvShape _shape = shape;
        private readonly int _outHeight = shape.OutHeight, _outWidth = shape.OutWidth;
    }
}
