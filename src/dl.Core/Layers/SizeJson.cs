// Sizes in a layer's JSON: one number where all dimensions agree, or a list with one for each.
using System.Text.Json;
using System.Text.Json.Serialization;
using Dl.Ops;

namespace Dl.Layers;

/// <summary>3 or [3, 5]: height, width.</summary>
internal sealed class Size2Converter : JsonConverter<Size2>
{
    public override Size2 Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        int[] sizes = JsonSizes.Read(ref reader, 2, least: 1, "[height, width]");
        return new Size2(sizes[0], sizes[^1]);
    }

    public override void Write(Utf8JsonWriter writer, Size2 value, JsonSerializerOptions options) =>
        JsonSizes.Write(writer, value.Height, value.Width);
}

/// <summary>As <see cref="Size2Converter"/>, where nothing at all is a size too.</summary>
internal sealed class Extra2Converter : JsonConverter<Size2>
{
    public override Size2 Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        int[] sizes = JsonSizes.Read(ref reader, 2, least: 0, "[height, width]");
        return new Size2(sizes[0], sizes[^1]);
    }

    public override void Write(Utf8JsonWriter writer, Size2 value, JsonSerializerOptions options) =>
        JsonSizes.Write(writer, value.Height, value.Width);
}

/// <summary>3 or [3, 5, 5]: depth, height, width.</summary>
internal sealed class Size3Converter : JsonConverter<Size3>
{
    public override Size3 Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        int[] sizes = JsonSizes.Read(ref reader, 3, least: 1, "[depth, height, width]");
        return new Size3(sizes[0], sizes[sizes.Length / 2], sizes[^1]);
    }

    public override void Write(Utf8JsonWriter writer, Size3 value, JsonSerializerOptions options) =>
        JsonSizes.Write(writer, value.Depth, value.Height, value.Width);
}

/// <summary>A list of whole numbers, or one alone.</summary>
internal sealed class WholeNumbersConverter : JsonConverter<int[]>
{
    public override int[] Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonSizes.ReadAny(ref reader, least: 0);

    public override void Write(Utf8JsonWriter writer, int[] value, JsonSerializerOptions options) =>
        JsonSizes.Write(writer, value);
}

/// <summary>A list of numbers above 0, or one alone.</summary>
internal sealed class FactorsConverter : JsonConverter<double[]>
{
    public override double[] Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var factors = new List<double>();
        bool list = reader.TokenType == JsonTokenType.StartArray;
        while (!list || (reader.Read() && reader.TokenType != JsonTokenType.EndArray))
        {
            if (reader.TokenType != JsonTokenType.Number
                || reader.GetDouble() is not (> 0 and < 1e4))
            {
                throw new JsonException("a factor is a number above 0 and below 10000");
            }
            factors.Add(reader.GetDouble());
            if (!list)
            {
                break;
            }
        }
        return [.. factors];
    }

    public override void Write(
        Utf8JsonWriter writer, double[] value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (double factor in value)
        {
            writer.WriteNumberValue(factor);
        }
        writer.WriteEndArray();
    }
}

/// <summary>`"same"`, 2 or [0, 3]; the layer holds it as text: `same`, `2`, `0,3`.</summary>
internal sealed class PaddingConverter : JsonConverter<string>
{
    public override string Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : string.Join(',', JsonSizes.ReadAny(ref reader, least: 0));

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        if (value.Contains(',') && Margins.TryParse(value, out int[] zeros))
        {
            JsonSizes.Write(writer, zeros);
            return;
        }
        writer.WriteStringValue(value);
    }
}

internal static class JsonSizes
{
    public const int Largest = 65536;

    /// <summary>One number, or as many as there are dimensions.</summary>
    public static int[] Read(ref Utf8JsonReader reader, int dimensions, int least, string list)
    {
        bool one = reader.TokenType == JsonTokenType.Number;
        int[] sizes = ReadAny(ref reader, least);
        return one || sizes.Length == dimensions
            ? sizes
            : throw new JsonException($"a size is one number or {list}");
    }

    public static int[] ReadAny(ref Utf8JsonReader reader, int least)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            return [Number(ref reader, least)];
        }
        var sizes = new List<int>();
        bool list = reader.TokenType == JsonTokenType.StartArray;
        while (list && reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            sizes.Add(Number(ref reader, least));
        }
        return sizes.Count > 0 && reader.TokenType == JsonTokenType.EndArray
            ? [.. sizes]
            : throw new JsonException("expected a whole number or a list of them");
    }

    public static void Write(Utf8JsonWriter writer, params ReadOnlySpan<int> sizes)
    {
        writer.WriteStartArray();
        foreach (int size in sizes)
        {
            writer.WriteNumberValue(size);
        }
        writer.WriteEndArray();
    }

    private static int Number(ref Utf8JsonReader reader, int least) =>
        reader.TryGetInt32(out int size) && size >= least && size <= Largest
            ? size
            : throw new JsonException($"a size is a whole number from {least} to {Largest}");
}
