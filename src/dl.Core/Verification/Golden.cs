// Holds ops to values written by PyTorch: `dl check --golden DIR`. The folder has an index.json
// ({"files": {FILE: [{"case": NAME, "args": {...}, "tensors": [...]}]}}) and safetensors files with
// CASE.x, CASE.y, CASE.dy, CASE.grad_x ... A case finds its op by name, and everything else (sizes,
// settings) from its tensors and arguments. What is not understood in full is `not built`.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dl.Files;
using Dl.Tensors;

namespace Dl.Verification;

public enum GoldenStatus
{
    Ok,
    Failed,

    /// <summary>No op of that name, or a setting that is not supported: not a pass.</summary>
    NotBuilt,

    /// <summary>
    /// What can be compared agrees, but some gradients in the file are another case's: not a pass.
    /// </summary>
    StaleReference,
}

/// <summary>One compared tensor: norm(difference) / norm(reference) and what is allowed.</summary>
public readonly record struct GoldenError(string Tensor, double Error, double Bound)
{
    public bool Ok => Error <= Bound;
}

/// <param name="Family">The file's name without its ending.</param>
/// <param name="Note">Why it failed or was not built; null where the errors say it all.</param>
public sealed record GoldenResult(
    string Family, string Case, GoldenStatus Status, IReadOnlyList<GoldenError> Errors,
    string? Note)
{
    /// <summary>`ok         pool_resize/max_pool2d  y 0.0e+00  grad_x 0.0e+00`.</summary>
    public override string ToString()
    {
        string status = Status switch
        {
            GoldenStatus.Ok => "ok",
            GoldenStatus.Failed => "FAIL",
            GoldenStatus.StaleReference => "stale",
            _ => "not built",
        };
        var text = new StringBuilder($"{status,-9}  {Family}/{Case}");
        foreach (var (tensor, error, bound) in Errors)
        {
            string over = error <= bound ? "" : " (!)";
            text.Append(CultureInfo.InvariantCulture, $"  {tensor} {error:0.0e+00}{over}");
        }
        return Note is null ? text.ToString() : text.Append("  ").Append(Note).ToString();
    }

    /// <summary>
    /// `{"family", "case", "status": "ok|failed|not_built|stale_reference",
    /// "errors": {TENSOR: ERROR}}`, with a
    /// `note` where there is one; an infinite error is written as null.
    /// </summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("family", Family);
            json.WriteString("case", Case);
            json.WriteString("status", Status switch
            {
                GoldenStatus.Ok => "ok",
                GoldenStatus.Failed => "failed",
                GoldenStatus.StaleReference => "stale_reference",
                _ => "not_built",
            });
            json.WriteStartObject("errors");
            foreach (var (tensor, error, _) in Errors)
            {
                json.WritePropertyName(tensor);
                JsonNumbers.Write(json, error);
            }
            json.WriteEndObject();
            if (Note is not null)
            {
                json.WriteString("note", Note);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

/// <summary>How many cases went how.</summary>
/// <param name="Stale">Cases whose references contradict the file itself.</param>
public readonly record struct GoldenSummary(int Ok, int Failed, int NotBuilt, int Stale = 0)
{
    public override string ToString() =>
        $"golden: {Ok} ok, {Failed} failed, {NotBuilt} not built"
        + (Stale == 0 ? "" : $", {Stale} with references of another case");

    /// <summary>The last line of `--json`.</summary>
    public string ToJson() =>
        $"{{\"ok\": {(Failed == 0 ? "true" : "false")}, \"passed\": {Ok}, "
        + $"\"failed\": {Failed}, \"not_built\": {NotBuilt}"
        + (Stale == 0 ? "}" : $", \"stale_reference\": {Stale}}}");
}

/// <summary>Runs reference cases from a folder.</summary>
public static class Golden
{
    /// <summary>Runs every case of a folder on a device, in the order of its index.</summary>
    /// <exception cref="DataException">The index or a file cannot be read.</exception>
    public static GoldenSummary Run(string folder, Device device, Action<GoldenResult> report)
    {
        string path = Path.Combine(folder, "index.json");
        using var index = ReadIndex(path);
        var files = Property(index.RootElement, "files", JsonValueKind.Object, path);
        int ok = 0, failed = 0, notBuilt = 0, stale = 0;
        foreach (var file in files.EnumerateObject())
        {
            string family = Path.GetFileNameWithoutExtension(file.Name);
            using var tensors = SafetensorsFile.Open(Path.Combine(folder, file.Name));
            if (file.Value.ValueKind != JsonValueKind.Array)
            {
                throw new DataException($"{path}: {file.Name} is no list of cases");
            }
            foreach (var entry in file.Value.EnumerateArray())
            {
                string name = Property(entry, "case", JsonValueKind.String, path).GetString()!;
                Property(entry, "tensors", JsonValueKind.Array, path);
                var result = RunCase(device, family, name, entry, tensors);
                ok += result.Status == GoldenStatus.Ok ? 1 : 0;
                failed += result.Status == GoldenStatus.Failed ? 1 : 0;
                notBuilt += result.Status == GoldenStatus.NotBuilt ? 1 : 0;
                stale += result.Status == GoldenStatus.StaleReference ? 1 : 0;
                report(result);
            }
        }
        return new GoldenSummary(ok, failed, notBuilt, stale);
    }

    private static GoldenResult RunCase(
        Device device, string family, string name, JsonElement entry, SafetensorsFile tensors)
    {
        int live = device.LiveBuffers;
        GoldenStatus status;
        string? note = null;
        using var test = new GoldenCase(device, name, entry, tensors);
        try
        {
            var runner = GoldenOps.Find(test) ?? throw new NotBuiltException("");
            runner(test);
            status = test.Errors.Count > 0 && test.Errors.TrueForAll(e => e.Ok)
                ? GoldenStatus.Ok : GoldenStatus.Failed;
            if (status == GoldenStatus.Ok && test.Stale.Count > 0)
            {
                status = GoldenStatus.StaleReference;
                note = $"({string.Join(", ", test.Stale.Select(s => s.Tensor))}: in the file those "
                    + $"of {test.Stale[0].OtherCase}, though dy differs)";
            }
        }
        catch (NotBuiltException reason)
        {
            status = GoldenStatus.NotBuilt;
            note = reason.Message.Length > 0 ? $"({reason.Message})" : null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A case that throws is a failed case; the others still run.
            status = GoldenStatus.Failed;
            note = $"{error.GetType().Name}: {error.Message.ReplaceLineEndings("; ")}";
        }
        test.Dispose();
        if (device.LiveBuffers != live)
        {
            status = GoldenStatus.Failed;
            note = $"{device.LiveBuffers - live} buffer(s) were not returned";
        }
        return new GoldenResult(
            family, name, status, status == GoldenStatus.NotBuilt ? [] : test.Errors, note);
    }

    private static JsonElement Property(
        JsonElement parent, string name, JsonValueKind kind, string path) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind == kind
            ? value
            : throw new DataException(
                $"{path}: \"{name}\" is missing or no {kind}; expected "
                + "{\"files\": {FILE: [{\"case\": NAME, \"args\": {}, \"tensors\": []}]}}");

    private static JsonDocument ReadIndex(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: cannot be read ({error.Message})", error);
        }
        catch (JsonException error)
        {
            throw new DataException(
                $"{path}:{error.LineNumber + 1}: not valid JSON ({error.Message})", error);
        }
    }
}

internal static class JsonNumbers
{
    /// <summary>JSON has no infinity.</summary>
    public static void Write(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumberValue(value);
        }
        else
        {
            json.WriteNullValue();
        }
    }
}

/// <summary>A case asks for something that is not there (yet).</summary>
internal sealed class NotBuiltException(string reason) : Exception(reason);
