// JSON by source generation for everything that data leaves in a model file or on stdout.
using System.Text.Json.Serialization;

namespace Dl.Data;

/// <summary>Keys are the property names in snake_case, enums are written by name.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DictionaryKeyPolicy = JsonKnownNamingPolicy.Unspecified,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Preprocessing))]
[JsonSerializable(typeof(DataDescription))]
public sealed partial class DataJson : JsonSerializerContext;
