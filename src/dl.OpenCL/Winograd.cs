// Convolution 3x3 by Winograd's transforms on kernels/winograd.cl, which says how.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    private const int WinogradPoints = 36, WinogradColumns = 32, WinogradTaps = 9 * 256;

    private bool WinogradWins(in ConvShape shape) =>
        IsFat && shape.Groups == 1 && shape.Kernel == new Size2(3, 3)
        && shape.Stride == new Size2(1, 1) && shape.Dilation == new Size2(1, 1)
        && Env("WMIN", 8) <= Math.Min(shape.Channels, shape.Filters);

    private static int Env(string n, int d) => int.TryParse(Environment.GetEnvironmentVariable(n), out int v) ? v : d;

    private void Winograd(
        Storage x, Storage w, Storage? bias, Storage y, in WinogradShape s, float beta)
    {
        if (Env("DEEP", s.Tiles <= 64 ? 1 : 0) == 1)
        {
            WinogradDeep(x, w, bias, y, s, beta);
        }
        else
        {
            WinogradWide(x, w, bias, y, s, beta);
        }
    }

    private void WinogradWide(
        Storage x, Storage w, Storage? bias, Storage y, in WinogradShape s, float beta)
    {
        int blocks = RoundUp(s.Filters, WinogradColumns) / WinogradColumns;
        var u = Rent(DType.F32, (long)blocks * WinogradPoints * s.Channels * WinogradColumns);
        int items = blocks * RoundUp(s.Channels, 16) / 16;
        Find("winograd", "winograd_weights").Arg(w).Arg(u).Arg(s)
            .Local(sizeof(float) * (WinogradTaps + (WinogradPoints * 16 * WinogradColumns)))
            .Over(items, 1);
        int channels = RoundUp(s.Channels, 16);
        int tiles = Math.Clamp(Env("WV", 600000) / (WinogradPoints * channels * 4) / 12 * 12, 12, Env("WT", 48));
        tiles = Math.Min(tiles, RoundUp((s.Tiles + 1) / 2, 12));
        int rows = RoundUp(tiles, 12);
        int scratch = (WinogradPoints * (Spread(channels * rows) + Spread(rows * WinogradColumns)))
            + (channels * WinogradColumns);
        Find("winograd", "winograd_wide").Arg(x).Arg(u).Arg(bias ?? w).Arg(Zeros).Arg(y).Arg(s)
            .Arg(bias is null ? 0 : 1).Arg(beta).Arg(tiles).Local(sizeof(float) * scratch)
            .Groups((s.Tiles + tiles - 1) / tiles, 1, 1, 1, 1);
        Return(u);
    }

    private void WinogradDeep(
        Storage x, Storage w, Storage? bias, Storage y, in WinogradShape s, float beta)
    {
        int tiles = Math.Min(s.Tiles, Env("DT", 64)), rows = RoundUp(tiles, 12);
        int filters = Math.Min(RoundUp(s.Filters, 32), Env("DF", 64)), depth = Math.Min(RoundUp(s.Channels, 16), Env("DD", 64));
        int scratch = WinogradTaps + (WinogradPoints * (Spread(depth * rows)
            + Spread(depth * WinogradColumns)
            + (filters / WinogradColumns * Spread(rows * WinogradColumns))));
        Find("winograd", "winograd_deep").Arg(x).Arg(w).Arg(bias ?? w).Arg(Zeros).Arg(y).Arg(s)
            .Arg(bias is null ? 0 : 1).Arg(beta).Arg(tiles).Arg(filters).Arg(depth)
            .Local(sizeof(float) * scratch)
            .Groups((s.Tiles + tiles - 1) / tiles, (s.Filters + filters - 1) / filters, 1, 1, 1);
    }

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
