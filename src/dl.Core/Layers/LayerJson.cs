// Layers as JSON: snake_case keys, unknown keys refused. The types come from the list on Layer; how
// sizes are written is in SizeJson.cs.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dl.Layers;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(Layer))]
public sealed partial class LayerJson : JsonSerializerContext
{
    /// <summary>Names of all layer types, in the order of their list.</summary>
    public static IReadOnlyList<string> Kinds =>
        [.. Default.Layer.PolymorphismOptions!.DerivedTypes
            .Select(d => (string)d.TypeDiscriminator!)];

    /// <summary>The name under which a layer stands in JSON.</summary>
    public static string KindOf(Layer layer)
    {
        foreach (var derived in Default.Layer.PolymorphismOptions!.DerivedTypes)
        {
            if (derived.DerivedType == layer.GetType())
            {
                return (string)derived.TypeDiscriminator!;
            }
        }
        throw new UsageException($"layer {layer.GetType().Name}: missing from the list of layers");
    }
}
