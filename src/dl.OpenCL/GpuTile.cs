// The tiles that GPU products are cut into, and which of them, with how many slices of the depth,
// serves a product best. The tiles and their rates are data (kernels/tuning.json), which `dl bench
// --tune` measures.
using System.Globalization;
using System.Text.Json;

namespace Dl.OpenCl;

/// <summary>What multiplies the factors of products.</summary>
internal enum MatrixUnits
{
    /// <summary>Ordinary arithmetic in f32.</summary>
    None,

    /// <summary>A warp's instructions, `mma.sync` (sm_80 and later).</summary>
    Mma,

    /// <summary>Those of four warps, `wgmma` (sm_90a).</summary>
    Wgmma,
}

/// <summary>One form of the kernels in tile_gpu.cl (f32) or tile_mma.cl.</summary>
/// <param name="M">Rows of a group's tile.</param>
/// <param name="N">Columns of it.</param>
/// <param name="K">Depth of a slice in local memory; matrix units: given by the words.</param>
/// <param name="ItemM">Rows of an item's tile; matrix units: of a warp's.</param>
/// <param name="ItemN">Columns of it.</param>
/// <param name="Rate">Speed on large products, as a share of the fastest tile's.</param>
internal sealed record GpuTile(int M, int N, int K, int ItemM, int ItemN, double Rate)
{
    private const int WarpItems = 32, Padding = 4, Mma16 = 16, Mma8 = 8, RowBytes = 64,
        WarpgroupRows = 64;

    /// <summary>Work-items of a group.</summary>
    public int Items(MatrixUnits units) =>
        M / ItemM * (N / ItemN) * (units == MatrixUnits.None ? 1 : WarpItems);

    /// <summary>Bytes of local memory: two slices of both operands.</summary>
    public int LocalBytes(MatrixUnits units) => units == MatrixUnits.None
        ? 2 * K * (M + N + (2 * Padding)) * sizeof(float)
        : 2 * (M + N) * RowBytes;

    /// <summary>Null where the kernels can be built for this tile, else why not.</summary>
    public string? Fault(MatrixUnits units, int maxItems, long localBytes)
    {
        if (M <= 0 || N <= 0 || ItemM <= 0 || ItemN <= 0 || M % ItemM != 0 || N % ItemN != 0)
        {
            return "items do not divide the tile";
        }
        int items = Items(units);
        if (items > maxItems || LocalBytes(units) > localBytes)
        {
            return $"{items} items and {LocalBytes(units)} bytes of local memory are needed, "
                + $"the device has {maxItems} and {localBytes}";
        }
        if (units == MatrixUnits.Wgmma && (M % WarpgroupRows != 0 || ItemM != Mma16 || ItemN != N
            || N is not (64 or 128)))
        {
            return "four warps take 64 rows and all of 64 or 128 columns";
        }
        if (units != MatrixUnits.None)
        {
            // Each item loads whole chunks along the depth and whole 4 x 2 blocks across it.
            return ItemM % Mma16 != 0 || ItemN % Mma8 != 0 ? "warps take 16 x 8 at a time"
                : 2 * M % items != 0 || 2 * N % items != 0 ? "loads do not divide among the items"
                : null;
        }
        int quads = K / 4;
        return ItemM % 4 != 0 || ItemN % 4 != 0 || K % 4 != 0 || K <= 0 ? "sizes go by fours"
            : M * quads % items != 0 || N * quads % items != 0
                ? "loads do not divide among the items"
            : null;
    }

    public string Defines(MatrixUnits units)
    {
        string group = $"-D GROUP_M={M} -D GROUP_N={N}";
        string item = $"-D ITEM_M={ItemM} -D ITEM_N={ItemN}";
        return units switch
        {
            MatrixUnits.None => $"{group} {item} -D GROUP_K={K}",
            MatrixUnits.Mma => $"{group} {item}",
            _ => group,
        };
    }

    public override string ToString() =>
        $"{M}x{N}{(K > 0 ? $"x{K}" : "")} by {ItemM}x{ItemN}";

    public static GpuTile Read(JsonElement values) => new(
        values.GetProperty("m").GetInt32(), values.GetProperty("n").GetInt32(),
        values.TryGetProperty("k", out var k) ? k.GetInt32() : 0,
        values.GetProperty("item_m").GetInt32(), values.GetProperty("item_n").GetInt32(),
        values.GetProperty("rate").GetDouble());

    public string ToJson()
    {
        string depth = K > 0 ? $" \"k\": {K}," : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{{ \"m\": {M}, \"n\": {N},{depth} \"item_m\": {ItemM}, \"item_n\": {ItemN}, "
            + $"\"rate\": {Rate:0.###} }}");
    }
}

/// <summary>How a product is cut: into which tiles, and how often along its depth.</summary>
internal readonly record struct GpuCut(int Tile, int Slices, int SliceDepth)
{
    /// <summary>Slices start at multiples of this, so that wide loads stay aligned.</summary>
    private const int DepthUnit = 32;
    private const int MaxSlices = 64;

    // Costs in multiply-adds of one compute unit: moving one float of a partial sum with all units,
    // filling the pipeline of a group, and one more launch (about 5 microseconds).
    private const double FloatCost = 25, FillDepth = 32, LaunchCost = 1e6;

    /// <summary>The cheapest cut of <paramref name="outer"/> products of m x n x k.</summary>
    public static GpuCut Choose(
        IReadOnlyList<GpuTile> tiles, int units, long outer, int m, int n, int k)
    {
        var best = new GpuCut(0, 1, RoundUp(Math.Max(k, 1)));
        double least = double.MaxValue;
        for (int t = 0; t < tiles.Count; t++)
        {
            var tile = tiles[t];
            long count = outer * ((m + tile.M - 1) / tile.M) * ((n + tile.N - 1) / tile.N);
            for (int wanted = 1; wanted <= MaxSlices; wanted *= 2)
            {
                int depth = RoundUp((k + wanted - 1) / wanted);
                int slices = depth == 0 ? 1 : Math.Max(1, (k + depth - 1) / depth);
                if (wanted > 1 && (slices < wanted / 2 || (double)outer * m * n > int.MaxValue))
                {
                    break;
                }
                double turns = Math.Ceiling((double)count * slices / units);
                double cost = turns * tile.M * tile.N * (depth + FillDepth) / tile.Rate;
                if (slices > 1)
                {
                    cost += LaunchCost
                        + ((2 * slices) + 1) * (FloatCost / units) * outer * m * (double)n;
                }
                if (cost < least)
                {
                    (best, least) = (new GpuCut(t, slices, Math.Max(depth, DepthUnit)), cost);
                }
            }
        }
        return best;
    }

    private static int RoundUp(int depth) => (depth + DepthUnit - 1) / DepthUnit * DepthUnit;
}
