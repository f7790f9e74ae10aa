// What a model file says about its weights: the JSON document under `dl` in the container's
// metadata. Everything prediction needs is here; no path, no time and no code ever is, so that the
// same training gives the same bytes.
using System.Text.Json;
using System.Text.Json.Serialization;
using Dl.Data;
using Dl.Models;

namespace Dl.Files;

/// <summary>The document of a model file. Unknown keys of it are skipped, not refused.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Skip)]
public sealed record ModelDocument
{
    /// <summary>The newest format that this program reads: it knows ensembles.</summary>
    public const int CurrentFormat = 2;

    /// <summary>A single model is written in the first format, which older programs read.</summary>
    [JsonPropertyOrder(-2)]
    public int Format { get; init; } = 1;

    /// <summary>Version of the program that wrote the file.</summary>
    public string ProgramVersion { get; init; } = Program.Version;

    /// <summary>`classification`, `multilabel` or `regression`.</summary>
    public required string Task { get; init; }

    /// <summary>Loss by name: it says how raw outputs are to be read.</summary>
    public required string Loss { get; init; }

    /// <summary>
    /// The architecture as the user named it (`mlp:256,128`); null: a graph file.
    /// </summary>
    public string? Architecture { get; init; }

    public required Graph Graph { get; init; }

    public required Preprocessing Preprocessing { get; init; }

    /// <summary>The numbers of the training, by option name (`batch_size`), sorted.</summary>
    public SortedDictionary<string, JsonElement> Hyperparameters { get; init; } = [];

    public ulong Seed { get; init; }

    /// <summary>Hash of the training data (TrainingData.Fingerprint).</summary>
    public string? DataFingerprint { get; init; }

    public ModelMetrics Metrics { get; init; } = new();

    /// <summary>Epochs that training ran.</summary>
    public int Epochs { get; init; }

    /// <summary>The epoch whose weights these are, from 1.</summary>
    public int BestEpoch { get; init; }

    public HistoryEntry[] History { get; init; } = [];

    /// <summary>
    /// The members of an ensemble, whose answers are averaged; null: one model. The first is the
    /// document's own model, the weights of the others are called `member2.conv1.weight`.
    /// </summary>
    public MemberDocument[]? Members { get; init; }

    /// <summary>The graph of a member, counted from 0.</summary>
    internal Graph GraphOf(int member) => Members?[member].Graph ?? Graph;
}

/// <summary>One member of an ensemble.</summary>
public sealed record MemberDocument
{
    /// <summary>As the user named it; null: as the document's.</summary>
    public string? Architecture { get; init; }

    /// <summary>Null: the document's.</summary>
    public Graph? Graph { get; init; }

    public ulong Seed { get; init; }

    public int Epochs { get; init; }

    public int BestEpoch { get; init; }
}

/// <summary>Loss and metrics by name on each part of the data; null: there was none.</summary>
public sealed record ModelMetrics
{
    public Dictionary<string, double>? Train { get; init; }

    public Dictionary<string, double>? Val { get; init; }

    public Dictionary<string, double>? Test { get; init; }
}

/// <summary>One epoch of the training. Without times: those differ from run to run.</summary>
public sealed record HistoryEntry(
    int Epoch, double TrainLoss, double? ValLoss, double? TrainMetric, double? ValMetric,
    double LearningRate);

/// <summary>What the program is.</summary>
internal static class Program
{
    public static string Version { get; } =
        typeof(Program).Assembly.GetName().Version?.ToString(3) ?? "0";
}

/// <summary>Keys are property names in snake_case; NaN and infinity are written by name.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    AllowOutOfOrderMetadataProperties = true,
    IgnoreReadOnlyProperties = true,
    RespectNullableAnnotations = true,
    Converters =
    [
        typeof(SnakeCaseEnum<TargetKind>), typeof(SnakeCaseEnum<ColumnKind>),
        typeof(SnakeCaseEnum<ColumnTransform>),
    ])]
[JsonSerializable(typeof(ModelDocument))]
public sealed partial class ModelJson : JsonSerializerContext
{
    /// <summary>As Default, but labels in any script stay readable: this is no HTML.</summary>
    private static ModelJson Readable => field ??= new(new JsonSerializerOptions(Default.Options)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>One line of JSON.</summary>
    public static string Write(ModelDocument document) =>
        JsonSerializer.Serialize(document, Readable.ModelDocument);

    /// <exception cref="DataException">Not such a document, or of a newer format.</exception>
    public static ModelDocument Read(string json, string path)
    {
        try
        {
            CheckFormat(json, path);
            return JsonSerializer.Deserialize(json, Default.ModelDocument)
                ?? throw new DataException($"{path}: its model document is empty");
        }
        catch (Exception error) when (error is JsonException or NotSupportedException
            or InvalidOperationException or FormatException or UsageException)
        {
            string place = error is JsonException { Path: { } where } ? $" at {where}" : "";
            throw new DataException(
                $"{path}: its model document cannot be understood{place}; the file is damaged, "
                + "or written by another program", error);
        }
    }

    /// <summary>First of all: the rest of a newer format may look quite different.</summary>
    private static void CheckFormat(string json, string path)
    {
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("format", out var element)
            || element.ValueKind != JsonValueKind.Number
            || !element.TryGetInt32(out int format) || format < 1)
        {
            throw new DataException($"{path}: its model document states no format; it is damaged");
        }
        if (format > Files.ModelDocument.CurrentFormat)
        {
            throw new DataException(
                $"{path}: has model format {format}, this program reads up to "
                + $"{Files.ModelDocument.CurrentFormat}; use a newer dl");
        }
    }
}

/// <summary>`multi_label`; numbers are refused.</summary>
internal sealed class SnakeCaseEnum<T>()
    : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
