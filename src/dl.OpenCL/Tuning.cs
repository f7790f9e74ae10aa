// Numbers that depend on the kind of device rather than on mathematics, one object for each kernel
// form. The program carries kernels/tuning.json; a file `tuning.json` next to the program and then
// `tuning-DEVICE.json` in the cache folder, which `dl bench --tune` writes, replace what they name.
using System.Text;
using System.Text.Json;
using Dl.OpenCl.Native;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.OpenCl;

/// <summary>Sizes that choose between kernels and cut work into groups.</summary>
/// <param name="TileDepth">KC: depth of a packed panel in the fat matrix product.</param>
/// <param name="TileRows">MC: rows of A packed at a time.</param>
/// <param name="TileColumns">NC: columns of B packed at a time.</param>
/// <param name="GroupsPerUnit">Fat groups for each compute unit, for balance.</param>
/// <param name="SmallProduct">m * n * k below which the general matrix product serves.</param>
internal sealed record Tuning(
    int TileDepth, int TileRows, int TileColumns, int GroupsPerUnit, int SmallProduct)
{
    private const string Resource = "kernels/tuning.json";

    public WinogradTuning Winograd { get; init; } = new();

    /// <summary>Elements that an elementwise GPU item takes at a time: 1 or 4.</summary>
    public int Width { get; init; } = 1;

    /// <summary>Keys of the lists of tiles.</summary>
    private static readonly string[] Lists = ["f32", "tf32", "bf16", "tf32_wgmma", "bf16_wgmma"];

    /// <summary>GPU tiles in the order of <see cref="Lists"/>.</summary>
    private IReadOnlyList<GpuTile>[] GpuTiles { get; init; } = [[], [], [], [], []];

    /// <summary>What the kernels of a precision may be built with.</summary>
    public IReadOnlyList<GpuTile> Tiles(Precision precision, MatrixUnits units) =>
        GpuTiles[ListOf(precision, units)];

    public Tuning With(Precision precision, MatrixUnits units, IReadOnlyList<GpuTile> tiles)
    {
        var all = (IReadOnlyList<GpuTile>[])GpuTiles.Clone();
        all[ListOf(precision, units)] = tiles;
        return this with { GpuTiles = all };
    }

    private static int ListOf(Precision precision, MatrixUnits units) =>
        (int)precision + (units == MatrixUnits.Wgmma ? 2 : 0);

    /// <summary>What the program carries.</summary>
    public static Tuning For(KernelForm form)
    {
        using var stream = typeof(Tuning).Assembly.GetManifestResourceStream(Resource)
            ?? throw new DlException($"{Resource}: not in the program; build it again");
        using var document = JsonDocument.Parse(stream);
        return new Tuning(0, 0, 0, 0, 0).Merge(document, form);
    }

    /// <summary>What the program carries, with what files say of this device.</summary>
    public static Tuning For(KernelForm form, ClDevice device, string cacheFolder, ILogger log)
    {
        var tuning = For(form);
        foreach (string path in (ReadOnlySpan<string>)
            [Path.Combine(AppContext.BaseDirectory, "tuning.json"), FileOf(device, cacheFolder)])
        {
            if (!File.Exists(path))
            {
                continue;
            }
            try
            {
                using var document = JsonDocument.Parse(File.ReadAllBytes(path));
                tuning = tuning.Merge(document, form);
                log.LogDebug("opencl: tuned by {File}", path);
            }
            catch (Exception e) when (e is JsonException or IOException or KeyNotFoundException
                or InvalidOperationException or FormatException or UnauthorizedAccessException)
            {
                log.LogWarning(
                    "{File}: not a tuning file ({Why}); it is passed over, delete it or run "
                    + "`dl bench --tune` again", path, e.Message);
            }
        }
        return tuning;
    }

    /// <summary>The tuned file of a device.</summary>
    public static string FileOf(ClDevice device, string cacheFolder)
    {
        var name = new StringBuilder();
        foreach (char c in $"{device.Name} {device.Driver}")
        {
            name.Append(char.IsAsciiLetterOrDigit(c) || c == '.' ? char.ToLowerInvariant(c) : '-');
        }
        return Path.Combine(cacheFolder, $"tuning-{name}.json");
    }

    /// <summary>The GPU part as a tuned file.</summary>
    public string ToJson()
    {
        var text = new StringBuilder("{\n  \"gpu\": {\n");
        text.Append($"    \"groups_per_unit\": {GroupsPerUnit},\n");
        text.Append($"    \"small_product\": {SmallProduct},\n");
        text.Append($"    \"width\": {Width}");
        for (int i = 0; i < GpuTiles.Length; i++)
        {
            text.Append($",\n    \"{Lists[i]}\": [");
            for (int t = 0; t < GpuTiles[i].Count; t++)
            {
                text.Append(t == 0 ? "\n      " : ",\n      ").Append(GpuTiles[i][t].ToJson());
            }
            text.Append("\n    ]");
        }
        return text.Append("\n  }\n}\n").ToString();
    }

    private Tuning Merge(JsonDocument document, KernelForm form)
    {
        string name = form == KernelForm.Cpu ? "cpu" : "gpu";
        if (!document.RootElement.TryGetProperty(name, out var values))
        {
            return this;
        }
        var tiles = (IReadOnlyList<GpuTile>[])GpuTiles.Clone();
        for (int i = 0; i < tiles.Length; i++)
        {
            if (values.TryGetProperty(Lists[i], out var list))
            {
                var read = new List<GpuTile>();
                foreach (var tile in list.EnumerateArray())
                {
                    read.Add(GpuTile.Read(tile));
                }
                tiles[i] = read;
            }
        }
        return new Tuning(
            Read(values, "tile_depth", TileDepth), Read(values, "tile_rows", TileRows),
            Read(values, "tile_columns", TileColumns),
            Read(values, "groups_per_unit", GroupsPerUnit),
            Read(values, "small_product", SmallProduct))
        {
            GpuTiles = tiles,
            Winograd = values.TryGetProperty("winograd", out var winograd)
                ? WinogradTuning.From(winograd) : Winograd,
            Width = Read(values, "width", Width) == 4 ? 4 : 1,
        };
    }

    internal static int Read(JsonElement values, string name, int otherwise = 0) =>
        values.TryGetProperty(name, out var value) ? value.GetInt32() : otherwise;
}

/// <summary>Sizes for kernels/winograd.cl, chosen so that a group's scratch stays in L2.</summary>
internal sealed record WinogradTuning
{
    /// <summary>Channels and filters from which it beats the direct product.</summary>
    public int Channels { get; init; }

    /// <summary>Height and width from which it does: less fills too little of a tile.</summary>
    public int Extent { get; init; }

    /// <summary>Most tiles of a group.</summary>
    public int Tiles { get; init; }

    /// <summary>Filters (and for the gradient of weights channels) of a group.</summary>
    public int Filters { get; init; }

    /// <summary>Channels that a group transforms at a time.</summary>
    public int Depth { get; init; }

    /// <summary>Tiles that a group transforms at a time, gradient of weights.</summary>
    public int GradientTiles { get; init; }

    public static WinogradTuning From(JsonElement values) => new()
    {
        Channels = Tuning.Read(values, "channels"),
        Extent = Tuning.Read(values, "extent"),
        Tiles = Tuning.Read(values, "tiles"),
        Filters = Tuning.Read(values, "filters"),
        Depth = Tuning.Read(values, "depth"),
        GradientTiles = Tuning.Read(values, "gradient_tiles"),
    };
}
