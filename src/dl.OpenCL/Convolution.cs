// Convolution and its gradients on kernels/convolution.cl. One tap without stride is a matrix
// product; one group goes to products over gathered patches; depthwise has kernels of its own; the
// general kernels serve the rest.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    private const int TiledEdge = 64, TiledGroup = 16;

    private OpenClStorage? _zeros;

    public override void Convolution(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape)
    {
        int pixels = shape.Patches;
        if ((long)pixels * shape.Filters == 0)
        {
            return;
        }
        var arguments = new ConvArguments(shape);
        int hasBias = bias is null ? 0 : 1;
        if (shape.IsPointwise)
        {
            MatMul(x, w, bias, y, 1, pixels, shape.Filters, shape.Channels, false, false, 0);
        }
        else if (WinogradWins(shape))
        {
            Winograd(x, w, bias, y, WinogradShape.Forward(shape), 0);
        }
        else if (IsFatDepthwise(shape))
        {
            DepthwiseFat(x, w, bias, y, shape);
        }
        else if (IsFewChannels(shape))
        {
            ConvolutionFewChannels(x, w, bias, y, shape);
        }
        else if (IsFat && !IsPlainDepthwise(shape))
        {
            var (rows, blocks) = CutPatches(pixels, shape.GroupFilters, shape.PatchSize);
            Fast("convolution_fat").Arg(x).Arg(w).Arg(bias ?? w).Arg(Zeros).Arg(y)
                .Arg(arguments).Arg(hasBias).Arg(rows)
                .Arg(blocks.M).Arg(blocks.N).Arg(blocks.K).Local(blocks.Bytes)
                .Groups((pixels + rows - 1) / rows, shape.Groups, 1, 1, 1);
        }
        else if (shape.Groups == 1)
        {
            Fast("convolution_tiled").Arg(x).Arg(w).Arg(bias ?? w).Arg(y).Arg(arguments)
                .Arg(hasBias)
                .Groups(Tiles(shape.Filters), Tiles(pixels), 1, TiledGroup, TiledGroup);
        }
        else
        {
            bool depthwise = IsPlainDepthwise(shape);
            var kernel = depthwise
                ? Depthwise("convolution_depthwise") : General("convolution");
            kernel.Arg(x).Arg(w).Arg(bias ?? w).Arg(y).Arg(arguments).Arg(hasBias)
                .Over(
                    (long)pixels * (depthwise ? Blocks(shape.Channels)
                        : shape.Groups * Blocks(shape.GroupFilters)),
                    Grain((long)shape.PatchSize * Lanes));
        }
    }

    public override void ConvolutionInputGradient(
        Storage dy, Storage w, Storage dx, in ConvShape shape, float beta)
    {
        int pixels = shape.Batch * shape.Height * shape.Width;
        if ((long)pixels * shape.Channels == 0)
        {
            return;
        }
        var arguments = new ConvArguments(shape);
        int taps = shape.Kernel.Height * shape.Kernel.Width;
        if (shape.IsPointwise)
        {
            MatMul(dy, w, null, dx, 1, pixels, shape.Channels, shape.Filters, false, true, beta);
        }
        else if (WinogradWins(shape))
        {
            Winograd(dy, w, null, dx, WinogradShape.Backward(shape), beta);
        }
        else if (IsFatDepthwise(shape))
        {
            DepthwiseInputGradientFat(dy, w, dx, shape, beta);
        }
        else if (IsFat && !IsPlainDepthwise(shape))
        {
            InputGradientFat(dy, w, dx, shape, arguments, beta);
        }
        else if (shape.Groups == 1 && !IsFat)
        {
            Fast("convolution_input_gradient_tiled").Arg(dy).Arg(w).Arg(dx).Arg(arguments)
                .Arg(beta)
                .Groups(Tiles(shape.Channels), Tiles(pixels), 1, TiledGroup, TiledGroup);
        }
        else if (IsPlainDepthwise(shape))
        {
            Depthwise("convolution_input_gradient_depthwise").Arg(dy).Arg(w).Arg(dx).Arg(arguments)
                .Arg(beta).Over((long)pixels * Blocks(shape.Channels), Grain(taps * Lanes));
        }
        else
        {
            General("convolution_input_gradient").Arg(dy).Arg(w).Arg(dx).Arg(arguments).Arg(beta)
                .Over((long)pixels * shape.Channels, Grain(taps * shape.GroupFilters));
        }
    }

    private void InputGradientFat(
        Storage dy, Storage w, Storage dx, in ConvShape shape, in ConvArguments arguments,
        float beta)
    {
        // The kernel's MAX_RUNS, less two that may be cut.
        const int MostRuns = 22;
        var stride = shape.Stride;
        int phases = stride.Height * stride.Width;
        int filters = shape.GroupFilters, n = shape.GroupChannels;
        // The first phase has most pixels.
        int pixels = shape.Batch * ((shape.Height + stride.Height - 1) / stride.Height)
            * ((shape.Width + stride.Width - 1) / stride.Width);
        int taps = ((shape.Kernel.Height + stride.Height - 1) / stride.Height)
            * ((shape.Kernel.Width + stride.Width - 1) / stride.Width);
        var (rows, blocks) = CutPatches(
            pixels, n, Math.Min(taps * filters, Tuning.TileDepth));
        int depth = Math.Min(blocks.K, MostRuns * filters);
        Find("convolution_phases", "convolution_input_gradient_phases", "PART=3")
            .Arg(dy).Arg(w).Arg(Zeros).Arg(dx).Arg(arguments).Arg(beta).Arg(rows)
            .Arg(blocks.N).Arg(depth).Local(sizeof(float) * ((depth * blocks.N) + Lanes))
            .Groups((pixels + rows - 1) / rows, phases, shape.Groups, 1, 1);
    }

    public override void ConvolutionWeightGradient(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        if ((long)shape.PatchSize * shape.Filters == 0)
        {
            return;
        }
        if (shape.Patches > 0 && WinogradWins(shape))
        {
            WinogradWeightGradient(x, dy, dw, shape, beta);
        }
        else if (shape.Patches > 0 && IsFatDepthwise(shape))
        {
            DepthwiseWeightGradientFat(x, dy, dw, shape, beta);
        }
        else if (shape.Patches > 0 && IsFewChannels(shape))
        {
            WeightGradientFewChannels(x, dy, dw, shape, beta);
        }
        else if (shape.Patches > 0 && shape.Channels >= WeightStrip && IsFat)
        {
            WeightGradientFat(x, dy, dw, shape, beta);
        }
        else if (shape.Patches > 0
            && (IsPlainDepthwise(shape) || (shape.Groups == 1 && !IsFat)))
        {
            WeightGradientInSlices(x, dy, dw, shape, beta);
        }
        else
        {
            General("convolution_weight_gradient").Arg(x).Arg(dy).Arg(dw)
                .Arg(new ConvArguments(shape)).Arg(beta)
                .Over(
                    (long)shape.PatchSize * shape.Groups * Blocks(shape.GroupFilters),
                    Grain((long)shape.Patches * Lanes));
        }
    }

    /// <summary>
    /// A group sums a slice of the pixels for one tap and some filters; how many slices depends on
    /// the sizes alone, so that sums have one order.
    /// </summary>
    private void WeightGradientFat(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        // As in the kernel; groups that are worth having; least work and most memory for slices.
        const int MaxPixels = 256, Groups = 16, LeastColumns = 64, MostPartials = 1 << 20;
        int taps = shape.Kernel.Height * shape.Kernel.Width * shape.Groups;
        int filters = shape.GroupFilters, cells = shape.PatchSize * shape.Filters;
        int parts = Math.Clamp(Groups / taps, 1, Math.Max(1, filters / LeastColumns));
        int columns = RoundUp((filters + parts - 1) / parts, TileColumns);
        columns = Math.Min(columns, (int)(_device.LocalBytes / 2 / (MaxPixels * sizeof(float)))
            / TileColumns * TileColumns);
        parts = (filters + columns - 1) / columns;
        int slices = Math.Clamp(Groups / (taps * parts), 1, Math.Max(1, MostPartials / cells));
        slices = Math.Min(slices, (shape.Patches + MaxPixels - 1) / MaxPixels);
        int slice = RoundUp((shape.Patches + slices - 1) / slices, MaxPixels);
        slices = (shape.Patches + slice - 1) / slice;
        bool direct = slices == 1 && beta == 0;
        var partial = direct ? dw : Rent(DType.F32, (long)slices * cells);
        Find("convolution_weights", "convolution_weight_gradient_taps", "PART=3")
            .Arg(x).Arg(dy).Arg(partial).Arg(new ConvArguments(shape)).Arg(columns).Arg(slice)
            .Local(sizeof(float) * MaxPixels * columns)
            .Groups(shape.Kernel.Height * shape.Kernel.Width * parts, slices, shape.Groups, 1, 1);
        if (!direct)
        {
            ReduceSum(partial, dw, 1, slices, cells, 1, beta);
            Return(partial);
        }
    }

    /// <summary>Partial sums over slices of the pixels as large as dw, then their sum.</summary>
    private void WeightGradientInSlices(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        const int SlicePixels = 1024, MaxSlices = 64;
        int cells = shape.PatchSize * shape.Filters;
        int slices = Math.Clamp(shape.Patches / SlicePixels, 1, MaxSlices);
        int pixels = (shape.Patches + slices - 1) / slices;
        slices = (shape.Patches + pixels - 1) / pixels;
        var partial = Rent(DType.F32, (long)slices * cells);
        var kernel = shape.Groups == 1
            ? Fast("convolution_weight_gradient_tiled")
            : Depthwise("convolution_weight_gradient_depthwise");
        kernel.Arg(x).Arg(dy).Arg(partial).Arg(new ConvArguments(shape)).Arg(pixels);
        if (shape.Groups == 1)
        {
            kernel.Groups(
                Tiles(shape.Filters), Tiles(shape.PatchSize), slices, TiledGroup, TiledGroup);
        }
        else
        {
            int taps = shape.Kernel.Height * shape.Kernel.Width;
            kernel.Arg(slices).Over(
                (long)slices * taps * Blocks(shape.Channels), Grain((long)pixels * Lanes));
        }
        ReduceSum(partial, dw, 1, slices, cells, 1, beta);
        Return(partial);
    }

    /// <summary>Pixels for a group, in whole tiles, and the sizes of its packed blocks.</summary>
    private (int Rows, FatBlocks Blocks) CutPatches(int pixels, int columns, int depth)
    {
        int rows = RoundUp((pixels + FatGroups - 1) / FatGroups, TileRows);
        return (rows, FatBlocks.For(Tuning, _device.LocalBytes, rows, columns, depth));
    }

    /// <summary>What a patch reads outside the image: as many zeros as a block is deep.</summary>
    private OpenClStorage Zeros => _zeros ??= CreateZeros();

    private OpenClStorage CreateZeros()
    {
        // The device's own, so neither rented nor counted.
        long bytes = sizeof(float) * RoundUp(Tuning.TileDepth, Lanes);
        var zeros = (OpenClStorage)Allocate(bytes);
        WriteBytes(zeros, new byte[bytes]);
        return zeros;
    }

    private static bool IsPlainDepthwise(in ConvShape shape) =>
        shape.IsDepthwise && shape.Filters == shape.Channels;

    private Kernel Fast(string entry) => Find("convolution", entry, "PART=1");

    private Kernel Depthwise(string entry) => Find("convolution", entry, "PART=2");

    private Kernel General(string entry) => Find("convolution", entry, "PART=0");

    /// <summary>Vectors that hold <paramref name="channels"/> channels.</summary>
    private int Blocks(int channels) => IsFat ? (channels + Lanes - 1) / Lanes : channels;

    private static int Tiles(int extent) => (extent + TiledEdge - 1) / TiledEdge;

    /// <summary>The kernels' conv_shape.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ConvArguments(ConvShape shape)
    {
        private readonly ConvShape _shape = shape;
        private readonly int _outHeight = shape.OutHeight, _outWidth = shape.OutWidth;
    }
}
