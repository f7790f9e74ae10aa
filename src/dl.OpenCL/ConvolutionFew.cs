// Convolution of images with few channels on kernels/convolution_few.cl, processors only.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    // As in the kernels: pixels gathered at a time, channels of a strip.
    private const int GatheredPixels = 192, WeightStrip = 8;

    private bool IsFewChannels(in ConvShape shape) =>
        IsFat && shape.Groups == 1 && shape.Channels < WeightStrip
        && FewScratch(shape, Math.Max(GatheredPixels, shape.PatchSize)) <= _device.LocalBytes;

    private void ConvolutionFewChannels(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape)
    {
        int rows = RoundUp((shape.Patches + FatGroups - 1) / FatGroups, TileRows);
        FindFew("convolution_few_channels").Arg(x).Arg(w).Arg(bias ?? w).Arg(y)
            .Arg(new ConvArguments(shape)).Arg(bias is null ? 0 : 1).Arg(rows)
            .Arg(PatchRow(shape)).Local((int)FewScratch(shape, shape.PatchSize))
            .Groups((shape.Patches + rows - 1) / rows, 1, 1, 1, 1);
    }

    /// <summary>The cut into slices depends on the sizes alone: sums have one order.</summary>
    private void WeightGradientFewChannels(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        const int MostSlices = 16;
        int slice = RoundUp((shape.Patches + MostSlices - 1) / MostSlices, GatheredPixels);
        int slices = (shape.Patches + slice - 1) / slice, cells = shape.PatchSize * shape.Filters;
        var partial = Rent(DType.F32, (long)slices * cells);
        FindFew("convolution_weight_gradient_few").Arg(x).Arg(dy).Arg(partial)
            .Arg(new ConvArguments(shape)).Arg(slice).Arg(PatchRow(shape))
            .Local((int)FewScratch(shape, GatheredPixels)).Groups(slices, 1, 1, 1, 1);
        ReduceSum(partial, dw, 1, slices, cells, 1, beta);
        Return(partial);
    }

    /// <summary>Elements from one gathered patch to the next.</summary>
    private static int PatchRow(in ConvShape shape) => RoundUp(shape.PatchSize, WeightStrip);

    /// <summary>Bytes of scratch for the patches and `depth` rows of all filters.</summary>
    private static long FewScratch(in ConvShape shape, int depth) =>
        sizeof(float) * (((long)depth * RoundUp(shape.Filters, TileColumns))
            + ((long)GatheredPixels * PatchRow(shape)) + Lanes);

    private Kernel FindFew(string entry) => Find("convolution_few", entry, "PART=3");
}
