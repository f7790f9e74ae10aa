// Convolution of images with few channels on kernels/convolution_few.cl, processors only.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>As in the kernel: elements of a strip of weights.</summary>
    private const int WeightStrip = 8;

    private bool IsFewChannels(in ConvShape shape) =>
        IsFat && shape.Groups == 1 && shape.Channels < WeightStrip
        && Math.Max(FewBytes(shape), FewGradientBytes(shape)) <= _device.LocalBytes;

    private void ConvolutionFewChannels(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape)
    {
        int all = shape.Batch * shape.OutHeight, rows = (all + FatGroups - 1) / FatGroups;
        FindFew("convolution_few_channels").Arg(x).Arg(w).Arg(bias ?? w).Arg(y)
            .Arg(new ConvArguments(shape)).Arg(bias is null ? 0 : 1).Arg(rows)
            .Local((int)FewBytes(shape)).Groups((all + rows - 1) / rows, 1, 1, 1, 1);
    }

    /// <summary>The cut into slices depends on the sizes alone: sums have one order.</summary>
    private void WeightGradientFewChannels(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        const int MostSlices = 16;
        int rows = shape.Batch * shape.OutHeight, slice = (rows + MostSlices - 1) / MostSlices;
        int slices = (rows + slice - 1) / slice, cells = shape.PatchSize * shape.Filters;
        var partial = Rent(DType.F32, (long)slices * cells);
        FindFew("convolution_weight_gradient_few").Arg(x).Arg(dy).Arg(partial)
            .Arg(new ConvArguments(shape)).Arg(slice)
            .Local((int)FewGradientBytes(shape)).Groups(slices, 1, 1, 1, 1);
        ReduceSum(partial, dw, 1, slices, cells, 1, beta);
        Return(partial);
    }

    /// <summary>Bytes of the copied rows of x; the kernels' padded_row for each.</summary>
    private static long CopiedBytes(in ConvShape shape)
    {
        long pixels = Math.Max(
            ((long)(shape.OutWidth + TileRows) * shape.Stride.Width)
                + (shape.Kernel.Width * shape.Dilation.Width),
            shape.Width + shape.Padding.Left);
        return sizeof(float) * shape.Kernel.Height * ((pixels * shape.Channels) + Lanes);
    }

    private static long FewBytes(in ConvShape shape) =>
        (sizeof(float) * (long)shape.PatchSize * RoundUp(shape.Filters, TileColumns))
        + CopiedBytes(shape);

    private static long FewGradientBytes(in ConvShape shape)
    {
        bool together = shape.Dilation.Width == 1;
        int runs = shape.Kernel.Height * (together ? 1 : shape.Kernel.Width);
        int run = (together ? shape.Kernel.Width : 1) * shape.Channels;
        long rows = shape.OutWidth + (runs * (long)RoundUp(run, WeightStrip));
        return (sizeof(float) * rows * RoundUp(shape.Filters, TileColumns)) + CopiedBytes(shape);
    }

    private Kernel FindFew(string entry) => Find("convolution_few", entry, "PART=3");
}
