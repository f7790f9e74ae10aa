// Depthwise convolution 3x3 on kernels/depthwise.cl, processors only; other sizes and GPUs use the
// kernels of convolution.cl.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    private bool IsFatDepthwise(in ConvShape shape) =>
        IsFat && IsPlainDepthwise(shape) && shape.Kernel == new Size2(3, 3)
        && shape.Dilation == new Size2(1, 1);

    private void DepthwiseFat(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape) =>
        FindDepthwise("depthwise").Arg(x).Arg(w).Arg(bias ?? w).Arg(y)
            .Arg(new ConvArguments(shape)).Arg(bias is null ? 0 : 1)
            .Over(
                (long)shape.Batch * shape.OutHeight * Blocks(shape.Channels),
                Grain(shape.OutWidth * Lanes));

    private void DepthwiseInputGradientFat(
        Storage dy, Storage w, Storage dx, in ConvShape shape, float beta) =>
        FindDepthwise(
            shape.Stride == new Size2(1, 1)
                ? "depthwise_input_gradient" : "depthwise_input_gradient_strided")
            .Arg(dy).Arg(w).Arg(dx).Arg(new ConvArguments(shape)).Arg(beta)
            .Over(
                (long)shape.Batch * shape.Height * Blocks(shape.Channels),
                Grain(shape.Width * Lanes));

    /// <summary>The cut into slices depends on the sizes alone: sums have one order.</summary>
    private void DepthwiseWeightGradientFat(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        const int MostItems = 256;
        int rows = shape.Batch * shape.OutHeight, cells = shape.PatchSize * shape.Filters;
        int slices = Math.Clamp(MostItems / Blocks(shape.Channels), 1, rows);
        int slice = (rows + slices - 1) / slices;
        slices = (rows + slice - 1) / slice;
        var partial = Rent(DType.F32, (long)slices * cells);
        FindDepthwise("depthwise_weight_gradient").Arg(x).Arg(dy).Arg(partial)
            .Arg(new ConvArguments(shape)).Arg(slice).Arg(slices)
            .Over(
                (long)slices * Blocks(shape.Channels),
                Grain((long)slice * shape.OutWidth * Lanes));
        ReduceSum(partial, dw, 1, slices, cells, 1, beta);
        Return(partial);
    }

    private Kernel FindDepthwise(string entry) => Find("depthwise", entry, "PART=3");
}
