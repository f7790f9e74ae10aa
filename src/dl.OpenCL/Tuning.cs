// Numbers that depend on the kind of device rather than on mathematics, read from
// kernels/tuning.json: one object for each kernel form, written by hand or by a tuner.
using System.Text.Json;

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

    public static Tuning For(KernelForm form)
    {
        using var stream = typeof(Tuning).Assembly.GetManifestResourceStream(Resource)
            ?? throw new DlException($"{Resource}: not in the program; build it again");
        using var document = JsonDocument.Parse(stream);
        var values = document.RootElement.GetProperty(form == KernelForm.Cpu ? "cpu" : "gpu");
        return new Tuning(
            Read(values, "tile_depth"), Read(values, "tile_rows"), Read(values, "tile_columns"),
            Read(values, "groups_per_unit"), Read(values, "small_product"))
        {
            Winograd = values.TryGetProperty("winograd", out var winograd)
                ? WinogradTuning.From(winograd) : new(),
        };
    }

    /// <summary>0 where the form has no such number.</summary>
    internal static int Read(JsonElement values, string name) =>
        values.TryGetProperty(name, out var value) ? value.GetInt32() : 0;
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
