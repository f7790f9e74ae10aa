// Convolution 3x3 with stride 1 by Winograd's transforms on kernels/winograd.cl, which says how.
// How work is cut depends on the sizes alone, so sums have one order on any number of cores.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    // As in the kernels: products for a tile, filters in a panel, elements of scratch for weights.
    private const int WinogradPoints = 36, WinogradColumns = 32, WinogradTaps = 9 * 256;

    /// <summary>Tiles that the product takes at a time.</summary>
    private const int WinogradRows = 4;

    /// <summary>Scratch that the smallest cut fits into.</summary>
    private const int WinogradLocalBytes = 256 << 10, LeastTiles = 24;

    private bool WinogradWins(in ConvShape shape) =>
        IsFat && _device.LocalBytes >= WinogradLocalBytes
        && shape.Groups == 1 && shape.Kernel == new Size2(3, 3)
        && shape.Stride == new Size2(1, 1) && shape.Dilation == new Size2(1, 1)
        && Math.Min(shape.Channels, shape.Filters) >= Tuning.Winograd.Channels
        && Math.Min(shape.OutHeight, shape.OutWidth) >= Tuning.Winograd.Extent;

    private void Winograd(
        Storage x, Storage w, Storage? bias, Storage y, in WinogradShape s, float beta)
    {
        int tiles = Math.Min(RoundUp(s.Tiles, WinogradRows), Tuning.Winograd.Tiles);
        int filters = Math.Min(RoundUp(s.Filters, WinogradColumns), Tuning.Winograd.Filters);
        int depth = Math.Min(RoundUp(s.Channels, Lanes), Tuning.Winograd.Depth);
        while (WinogradScratch(tiles, filters, depth) > _device.LocalBytes)
        {
            (tiles, filters, depth) = tiles > LeastTiles
                ? (tiles - WinogradRows, filters, depth)
                : (tiles, WinogradColumns, Lanes);
        }
        // Equal shares, and enough of them.
        int groups = (s.Tiles + tiles - 1) / tiles;
        if (groups * ((s.Filters + filters - 1) / filters) < FatGroups)
        {
            filters = WinogradColumns;
            groups = Math.Clamp(
                FatGroups / ((s.Filters + filters - 1) / filters), groups,
                Math.Max(groups, s.Tiles / WinogradRows / 2));
        }
        tiles = RoundUp((s.Tiles + groups - 1) / groups, WinogradRows);
        Find("winograd", "winograd").Arg(x).Arg(w).Arg(bias ?? w).Arg(Zeros).Arg(y).Arg(s)
            .Arg(bias is null ? 0 : 1).Arg(beta).Arg(tiles).Arg(filters).Arg(depth)
            .Local(WinogradScratch(tiles, filters, depth))
            .Groups((s.Tiles + tiles - 1) / tiles, (s.Filters + filters - 1) / filters, 1, 1, 1);
    }

    /// <summary>Bytes of scratch of winograd.</summary>
    private static int WinogradScratch(int tiles, int filters, int depth) =>
        sizeof(float) * (WinogradTaps + (WinogradPoints * (Spread(depth * tiles)
            + Spread(depth * WinogradColumns)
            + (filters / WinogradColumns * Spread(tiles * WinogradColumns)))));

    /// <summary>
    /// A group sums a block of channels and filters over a slice of the tiles; where there are few
    /// blocks there are several slices, added afterwards in their order.
    /// </summary>
    private void WinogradWeightGradient(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        const int MostSlices = 8;
        var s = WinogradShape.Forward(shape);
        int channels = Math.Min(RoundUp(s.Channels, Lanes), Tuning.Winograd.Filters);
        int filters = Math.Min(RoundUp(s.Filters, WinogradColumns), Tuning.Winograd.Filters);
        while (GradientScratch(channels, filters, 1) > _device.LocalBytes / 2)
        {
            (channels, filters) = channels > Lanes
                ? (RoundUp(channels / 2, Lanes), filters)
                : (channels, RoundUp(filters / 2, WinogradColumns));
        }
        int down = (s.Channels + channels - 1) / channels;
        int across = (s.Filters + filters - 1) / filters;
        int slices = Math.Clamp(MostSlices / (down * across), 1, Math.Max(1, s.Tiles / LeastTiles));
        int slice = (s.Tiles + slices - 1) / slices;
        slices = (s.Tiles + slice - 1) / slice;
        int tiles = Math.Min(slice, Tuning.Winograd.GradientTiles);
        while (GradientScratch(channels, filters, tiles) > _device.LocalBytes)
        {
            tiles--;
        }
        int cells = shape.PatchSize * shape.Filters;
        bool direct = slices == 1 && beta == 0;
        var partial = direct ? dw : Rent(DType.F32, (long)slices * cells);
        Find("winograd", "winograd_weight_gradient").Arg(x).Arg(dy).Arg(Zeros).Arg(partial)
            .Arg(s).Arg(channels).Arg(filters).Arg(slice).Arg(tiles)
            .Local(GradientScratch(channels, filters, tiles))
            .Groups(down, across, slices, 1, 1);
        if (!direct)
        {
            ReduceSum(partial, dw, 1, slices, cells, 1, beta);
            Return(partial);
        }
    }

    /// <summary>Bytes of scratch of winograd_weight_gradient.</summary>
    private static int GradientScratch(int channels, int filters, int tiles) =>
        sizeof(float) * WinogradPoints
        * (Spread(channels * tiles) + Spread(filters * tiles) + Spread(channels * filters));

    /// <summary>The kernels' spread.</summary>
    private static int Spread(int elements) => ((elements / Lanes) | 1) * Lanes;

    /// <summary>The kernels' winograd_shape: a map from channels to filters.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct WinogradShape(
        int Batch, int Height, int Width, int Channels, int Filters, int OutHeight, int OutWidth,
        int PadTop, int PadLeft, int TilesY, int TilesX, int IsBackward)
    {
        private const int Edge = 4;

        public int Tiles => Batch * TilesY * TilesX;

        public static WinogradShape Forward(in ConvShape s) => new(
            s.Batch, s.Height, s.Width, s.Channels, s.Filters, s.OutHeight, s.OutWidth,
            s.Padding.Top, s.Padding.Left, Count(s.OutHeight), Count(s.OutWidth), 0);

        /// <summary>From dy to dx: what was padded less is padded more.</summary>
        public static WinogradShape Backward(in ConvShape s) => new(
            s.Batch, s.OutHeight, s.OutWidth, s.Filters, s.Channels, s.Height, s.Width,
            2 - s.Padding.Top, 2 - s.Padding.Left, Count(s.Height), Count(s.Width), 1);

        private static int Count(int extent) => (extent + Edge - 1) / Edge;
    }
}
