// Matrix products and convolutions with one group on GPUs: kernels/matmul_gpu.cl and
// convolution_gpu.cl over the tiles of tile_gpu.cl or, for tf32 and bf16, tile_mma.cl. A program is
// specialised for the kind of product, the direction in which its operands lie, what may be read
// sixteen bytes at a time, and the tile.
using Dl.Ops;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>PRODUCT in kernels/operand_gpu.cl.</summary>
    private enum ProductKind
    {
        MatMul,
        Convolution,
        InputGradient,
        WeightGradient,
    }

    /// <summary>Bits of WIDE.</summary>
    private const int WideA = 1, WideB = 2, WideC = 4;

    private readonly Dictionary<(ProductKind, int Turn, int Wide, int Tile), Kernel> _products = [];

    /// <summary>The tiles of this device's precision that it can run.</summary>
    private IReadOnlyList<GpuTile> Tiles => _tiles;

    private GpuTile[] UsableTiles(ILogger log)
    {
        var usable = new List<GpuTile>();
        foreach (var tile in Tuning.Tiles(Precision, Units))
        {
            string? fault = tile.Fault(Units, _device.MaxGroup, _device.LocalBytes);
            if (fault is null)
            {
                usable.Add(tile);
            }
            else
            {
                log.LogDebug("{Device}: tile {Tile} is not used: {Why}", Name, tile, fault);
            }
        }
        return [.. usable];
    }

    private void MatMulGpu(
        Storage a, Storage b, Storage? bias, Storage c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta)
    {
        var cut = GpuCut.Choose(Tiles, _device.ComputeUnits, batch, m, n, k);
        int turn = (transposeA ? 1 : 0) + (transposeB ? 2 : 0);
        int wide = (IsQuads(transposeA ? m : k) ? WideA : 0)
            + (IsQuads(transposeB ? k : n) ? WideB : 0) + (IsQuads(n) ? WideC : 0);
        var target = Partial(c, cut, (long)batch * m * n);
        Product(ProductKind.MatMul, turn, wide, cut.Tile)
            .Arg(a).Arg(b).Arg(bias ?? a).Arg(target).Arg(batch).Arg(m).Arg(n).Arg(k)
            .Arg(bias is null ? 0 : 1).Arg(cut.Slices > 1 ? 0 : beta)
            .Arg(cut.Slices).Arg(cut.SliceDepth)
            .Groups(GroupCount(cut, batch, m, n), 1, 1, GroupItems(cut), 1);
        AddSlices(target, c, cut, batch * m * n, beta);
    }

    private void ConvolutionGpu(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape)
    {
        int m = shape.Patches, n = shape.Filters;
        var cut = GpuCut.Choose(Tiles, _device.ComputeUnits, 1, m, n, shape.PatchSize);
        int wide = (IsQuads(shape.Channels) ? WideA : 0) + (IsQuads(n) ? WideB + WideC : 0);
        var target = Partial(y, cut, (long)m * n);
        Product(ProductKind.Convolution, 0, wide, cut.Tile)
            .Arg(x).Arg(w).Arg(bias ?? w).Arg(target).Arg(new ConvArguments(shape))
            .Arg(bias is null ? 0 : 1).Arg(cut.Slices).Arg(cut.SliceDepth)
            .Groups(GroupCount(cut, 1, m, n), 1, 1, GroupItems(cut), 1);
        AddSlices(target, y, cut, m * n, 0);
    }

    private void ConvolutionInputGradientGpu(
        Storage dy, Storage w, Storage dx, in ConvShape shape, float beta)
    {
        // Every stride-th row and column of inputs is a product of its own, over its own taps.
        var (down, across) = (shape.Stride.Height, shape.Stride.Width);
        int phases = down * across, n = shape.Channels;
        int m = shape.Batch * Ceiling(shape.Height, down) * Ceiling(shape.Width, across);
        int depth = Ceiling(shape.Kernel.Height, down) * Ceiling(shape.Kernel.Width, across)
            * shape.Filters;
        if (shape.Dilation != new Size2(1, 1))
        {
            // Dilation may leave all taps to one phase.
            depth = shape.Kernel.Height * shape.Kernel.Width * shape.Filters;
        }
        var cut = GpuCut.Choose(Tiles, _device.ComputeUnits, phases, m, n, depth);
        int wide = (IsQuads(shape.Filters) ? WideA + WideB : 0) + (IsQuads(n) ? WideC : 0);
        int total = shape.Batch * shape.Height * shape.Width * n;
        var target = Partial(dx, cut, total);
        Product(ProductKind.InputGradient, 0, wide, cut.Tile)
            .Arg(dy).Arg(w).Arg(target).Arg(new ConvArguments(shape))
            .Arg(cut.Slices > 1 ? 0 : beta).Arg(cut.Slices).Arg(cut.SliceDepth)
            .Groups(GroupCount(cut, phases, m, n), 1, 1, GroupItems(cut), 1);
        AddSlices(target, dx, cut, total, beta);
    }

    private void ConvolutionWeightGradientGpu(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        int m = shape.PatchSize, n = shape.Filters;
        var cut = GpuCut.Choose(Tiles, _device.ComputeUnits, 1, m, n, shape.Patches);
        int wide = (IsQuads(shape.Channels) ? WideA : 0) + (IsQuads(n) ? WideB + WideC : 0);
        var target = Partial(dw, cut, (long)m * n);
        Product(ProductKind.WeightGradient, 0, wide, cut.Tile)
            .Arg(x).Arg(dy).Arg(target).Arg(new ConvArguments(shape))
            .Arg(cut.Slices > 1 ? 0 : beta).Arg(cut.Slices).Arg(cut.SliceDepth)
            .Groups(GroupCount(cut, 1, m, n), 1, 1, GroupItems(cut), 1);
        AddSlices(target, dw, cut, m * n, beta);
    }

    /// <summary>A GPU with room for a tile.</summary>
    private bool IsTiled => !IsFat && Tiles.Count > 0;

    private static bool IsQuads(int extent) => extent % 4 == 0;

    private static int Ceiling(int value, int by) => (value + by - 1) / by;

    private int GroupItems(GpuCut cut) => Tiles[cut.Tile].Items(Units);

    private int GroupCount(GpuCut cut, int outer, int m, int n)
    {
        var tile = Tiles[cut.Tile];
        return checked(outer * cut.Slices * Ceiling(m, tile.M) * Ceiling(n, tile.N));
    }

    /// <summary>Where the kernel writes: memory for all slices, or the result itself.</summary>
    private Storage Partial(Storage result, GpuCut cut, long count) =>
        cut.Slices > 1 ? Rent(DType.F32, cut.Slices * count) : result;

    /// <summary>Adds the slices in their order.</summary>
    private void AddSlices(Storage partial, Storage result, GpuCut cut, int count, float beta)
    {
        if (cut.Slices > 1)
        {
            ReduceSum(partial, result, 1, cut.Slices, count, 1, beta);
            Return(partial);
        }
    }

    private Kernel Product(ProductKind kind, int turn, int wide, int tile)
    {
        if (!_products.TryGetValue((kind, turn, wide, tile), out var kernel))
        {
            string family = (kind == ProductKind.MatMul ? "matmul" : "convolution") + Units switch
            {
                MatrixUnits.None => "_gpu",
                MatrixUnits.Mma => "_mma",
                _ => "_wgmma",
            };
            string entry = kind switch
            {
                ProductKind.MatMul => "matmul_gpu",
                ProductKind.Convolution => "convolution_gpu",
                ProductKind.InputGradient => "convolution_input_gradient_gpu",
                _ => "convolution_weight_gradient_gpu",
            };
            string defines = $"PRODUCT={(int)kind} -D TURN={turn} -D WIDE={wide} "
                + Tiles[tile].Defines(Units);
            if (Units != MatrixUnits.None)
            {
                defines += $" -D BF16={(Precision == Precision.Bf16 ? 1 : 0)}"
                    + $" -D EMULATE_MMA={(_emulated ? 1 : 0)}";
            }
            kernel = Find(family, entry, defines);
            _products.Add((kind, turn, wide, tile), kernel);
        }
        return kernel;
    }
}
