// Layers as JSON: snake_case keys, a size as one number or two, unknown keys refused. The types
// come
// from the list on Layer.
using System.Text.Json;
using System.Text.Json.Serialization;
using Dl.Ops;

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

/// <summary>3 or [3, 5].</summary>
internal sealed class Size2Converter : JsonConverter<Size2>
{
    public override Size2 Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int both))
        {
            return Check(new Size2(both, both));
        }
        Span<int> values = stackalloc int[2];
        int count = 0;
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.Number && count < 2)
            {
                values[count++] = reader.TryGetInt32(out int value) ? value : 0;
            }
        }
        return count == 2 && reader.TokenType == JsonTokenType.EndArray
            ? Check(new Size2(values[0], values[1]))
            : throw new JsonException("a size is one number or [height, width]");
    }

    public override void Write(Utf8JsonWriter writer, Size2 value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.Height);
        writer.WriteNumberValue(value.Width);
        writer.WriteEndArray();
    }

    private static Size2 Check(Size2 size) =>
        size is { Height: >= 1 and <= 65536, Width: >= 1 and <= 65536 }
        ? size
        : throw new JsonException($"size {size}: expected 1 to 65536");
}

/// <summary>The `padding` of convolutions and pooling.</summary>
internal static class PaddingText
{
    /// <exception cref="UsageException">Neither `same`, `valid` nor a number.</exception>
    public static Padding Parse(
        string text, Size2 input, Size2 kernel, Size2 stride, Size2 dilation) => text switch
        {
            "same" => Padding.Same(input, kernel, stride, dilation),
            "valid" => default,
            _ when int.TryParse(text, out int zeros) && zeros is >= 0 and <= 65536 =>
                Padding.Even(zeros, zeros),
            _ => throw new UsageException(
                $"padding '{text}': expected same, valid or a number of zeros"),
        };
}
