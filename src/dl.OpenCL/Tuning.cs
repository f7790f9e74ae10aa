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

    public static Tuning For(KernelForm form)
    {
        using var stream = typeof(Tuning).Assembly.GetManifestResourceStream(Resource)
            ?? throw new DlException($"{Resource}: not in the program; build it again");
        using var document = JsonDocument.Parse(stream);
        var values = document.RootElement.GetProperty(form == KernelForm.Cpu ? "cpu" : "gpu");
        return new Tuning(
            Read(values, "tile_depth"), Read(values, "tile_rows"), Read(values, "tile_columns"),
            Read(values, "groups_per_unit"), Read(values, "small_product"));
    }

    /// <summary>0 where the form has no such number.</summary>
    private static int Read(JsonElement values, string name) =>
        values.TryGetProperty(name, out var value) ? value.GetInt32() : 0;
}
