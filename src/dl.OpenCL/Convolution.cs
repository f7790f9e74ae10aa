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
        if (shape.IsPointwise)
        {
            MatMul(x, w, bias, y, 1, shape.Patches, shape.Filters, shape.Channels, false, false, 0);
            return;
        }
        if (IsFat && shape.Groups == 1)
        {
            var (rows, blocks) = CutPatches(shape.Patches, shape.Filters, shape.PatchSize);
            Find("convolution", "convolution_fat").Arg(x).Arg(w).Arg(bias ?? w).Arg(y)
                .Arg(new ConvArguments(shape)).Arg(bias is null ? 0 : 1).Arg(rows)
                .Arg(blocks.M).Arg(blocks.N).Arg(blocks.K).Local(blocks.Bytes)
                .Groups((shape.Patches + rows - 1) / rows, 1, 1, 1, 1);
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
        int pixels = shape.Batch * shape.Height * shape.Width;
        long items = (long)pixels * shape.Channels;
        if (items == 0)
        {
            return;
        }
        if (shape.IsPointwise)
        {
            MatMul(dy, w, null, dx, 1, pixels, shape.Channels, shape.Filters, false, true, beta);
            return;
        }
        if (IsFat && shape.Groups == 1)
        {
            int depth = shape.Kernel.Height * shape.Kernel.Width * shape.Filters;
            var (rows, blocks) = CutPatches(pixels, shape.Channels, depth);
            Find("convolution", "convolution_input_gradient_fat").Arg(dy).Arg(w).Arg(dx)
                .Arg(new ConvArguments(shape)).Arg(beta).Arg(rows)
                .Arg(blocks.M).Arg(blocks.N).Arg(blocks.K).Local(blocks.Bytes)
                .Groups((pixels + rows - 1) / rows, 1, 1, 1, 1);
            return;
        }
        Find("convolution", "convolution_input_gradient").Arg(dy).Arg(w).Arg(dx)
            .Arg(new ConvArguments(shape)).Arg(beta)
            .Over(items, Grain(shape.Kernel.Height * shape.Kernel.Width * shape.GroupFilters));
    }

    public override void ConvolutionWeightGradient(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        long items = (long)shape.PatchSize * shape.Groups * FilterBlocks(shape);
        if (items > 0 && IsFat && shape.Groups == 1 && shape.Patches > 0)
        {
            WeightGradientFat(x, dy, dw, shape, beta);
            return;
        }
        if (items > 0)
        {
            Find("convolution", "convolution_weight_gradient").Arg(x).Arg(dy).Arg(dw)
                .Arg(new ConvArguments(shape)).Arg(beta)
                .Over(items, Grain((long)shape.Patches * Lanes));
        }
    }

    /// <summary>
    /// Each group sums a slice of the pixels for some columns of the transposed gradient; a second
    /// kernel adds the slices in their order.
    /// </summary>
    private void WeightGradientFat(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        // Wide patches are cut into columns, which need no partial sums; long ones into slices.
        const int WideColumns = 256;
        int elements = shape.PatchSize, groups = FatGroups;
        bool wide = elements >= groups * WideColumns;
        int columns = wide ? RoundUp((elements + groups - 1) / groups, TileColumns) : elements;
        int slices = wide ? 1 : Math.Clamp(shape.Patches / Tuning.TileDepth, 1, groups);
        int pixels = (shape.Patches + slices - 1) / slices;
        slices = (shape.Patches + pixels - 1) / pixels;
        var blocks = FatBlocks.For(
            Tuning, _device.LocalBytes, shape.Filters, columns, pixels);
        var partial = Rent(DType.F32, (long)slices * shape.Filters * elements);
        Find("convolution", "convolution_weight_gradient_fat").Arg(x).Arg(dy).Arg(partial)
            .Arg(new ConvArguments(shape)).Arg(columns).Arg(pixels)
            .Arg(blocks.M).Arg(blocks.N).Arg(blocks.K).Local(blocks.Bytes)
            .Groups((elements + columns - 1) / columns, slices, 1, 1, 1);
        Find("convolution", "convolution_weight_gradient_sum").Arg(partial).Arg(dw)
            .Arg(elements).Arg(shape.Filters).Arg(slices).Arg(beta)
            .Over(elements, Grain(shape.Filters * slices));
        Return(partial);
    }

    /// <summary>Pixels for a group, in whole tiles, and the sizes of its packed blocks.</summary>
    private (int Rows, FatBlocks Blocks) CutPatches(int pixels, int columns, int depth)
    {
        int rows = RoundUp((pixels + FatGroups - 1) / FatGroups, TileRows);
        return (rows, FatBlocks.For(Tuning, _device.LocalBytes, rows, columns, depth));
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
