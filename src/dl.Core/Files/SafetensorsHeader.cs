// The JSON header of a safetensors file:
//   {"__metadata__": {"key": "text", ...},
//    "conv1.weight": {"dtype": "F32", "shape": [3, 3, 1, 32], "data_offsets": [0, 1152]}, ...}
// Offsets count from the end of the header. Together the tensors have to cover the rest of the file
// exactly once. Read token by token: repeated names have to be seen, and nothing that the header
// claims is allocated before it has been checked.
using System.Text;
using System.Text.Json;

namespace Dl.Files;

/// <summary>One tensor of a file.</summary>
/// <param name="Shape">Extents; empty for a scalar.</param>
/// <param name="Offset">First byte, from the end of the header.</param>
/// <param name="Bytes">Length in bytes.</param>
public sealed record StoredTensor(
    string Name, TensorType Type, long[] Shape, long Offset, long Bytes)
{
    public long Count => Bytes / Type.Size();

    /// <summary>`3x3x1x32`, or `scalar`.</summary>
    public string ShapeText => Shape.Length == 0 ? "scalar" : string.Join('x', Shape);
}

/// <summary>What stands in front of the data.</summary>
internal sealed record SafetensorsHeader(
    IReadOnlyList<StoredTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Where the value of the checksum's key begins, behind its quote.</summary>
    public int SealAt { get; private init; }

    private const string MetadataKey = "__metadata__";
    private const int MaxRank = 32;

    /// <param name="json">The header's bytes, padding included.</param>
    /// <param name="dataLength">Bytes of the file behind the header.</param>
    /// <exception cref="DataException">Something in it is wrong.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string path)
    {
        try
        {
            var header = Read(json, path);
            Cover(header.Tensors, dataLength, path);
            return header;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: text that is not UTF-8, or a lone surrogate.
            string place = error is JsonException { BytePositionInLine: { } byteInLine }
                ? $" at byte {byteInLine + 8}" : "";
            throw new DataException(
                $"{path}: its header is not valid JSON{place}; the file is damaged or not a "
                + "safetensors file", error);
        }
    }

    private static SafetensorsHeader Read(ReadOnlySpan<byte> json, string path)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
        var tensors = new List<StoredTensor>();
        var metadata = new Dictionary<string, string>();
        var names = new HashSet<string>();
        int sealAt = 0;
        Expect(ref reader, JsonTokenType.StartObject, path, "a header in braces");
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (!names.Add(name))
            {
                throw new DataException($"{path}: two entries are called '{name}'");
            }
            Expect(ref reader, JsonTokenType.StartObject, path, $"an object for '{name}'");
            if (name == MetadataKey)
            {
                ReadMetadata(ref reader, metadata, ref sealAt, path);
            }
            else
            {
                tensors.Add(ReadTensor(ref reader, name, path));
            }
        }
        // Only spaces may follow: the padding that aligns the data.
        reader.Read();
        return new SafetensorsHeader(tensors, metadata) { SealAt = sealAt };
    }

    private static void ReadMetadata(
        ref Utf8JsonReader reader, Dictionary<string, string> metadata, ref int sealAt,
        string path)
    {
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, path, $"text for '{key}' of {MetadataKey}");
            if (!metadata.TryAdd(key, reader.GetString()!))
            {
                throw new DataException($"{path}: {MetadataKey} has two keys '{key}'");
            }
            sealAt = key == Seal.Key ? (int)reader.TokenStartIndex + 1 : sealAt;
        }
    }

    private static StoredTensor ReadTensor(ref Utf8JsonReader reader, string name, string path)
    {
        string? type = null;
        long[]? shape = null, offsets = null;
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            if (type is null && reader.ValueTextEquals("dtype"u8))
            {
                Expect(ref reader, JsonTokenType.String, path, $"a dtype for '{name}'");
                type = reader.GetString()!;
            }
            else if (shape is null && reader.ValueTextEquals("shape"u8))
            {
                shape = ReadNumbers(ref reader, MaxRank, name, "shape", path);
            }
            else if (offsets is null && reader.ValueTextEquals("data_offsets"u8))
            {
                offsets = ReadNumbers(ref reader, 2, name, "data_offsets", path);
            }
            else
            {
                throw new DataException(
                    $"{path}: tensor '{name}' has a key '{reader.GetString()}', expected dtype, "
                    + "shape and data_offsets once each");
            }
        }
        if (type is null || shape is null || offsets is not { Length: 2 })
        {
            throw new DataException(
                $"{path}: tensor '{name}' lacks its dtype, shape or data_offsets");
        }
        return Check(name, type, shape, offsets, path);
    }

    /// <summary>Do type, shape and bytes agree? In numbers that cannot overflow.</summary>
    private static StoredTensor Check(
        string name, string typeName, long[] shape, long[] offsets, string path)
    {
        var type = TensorTypes.Find(typeName) ?? throw new DataException(
            $"{path}: tensor '{name}' has dtype '{typeName}', expected one of "
            + string.Join(", ", Enum.GetValues<TensorType>().Select(t => t.Name())));
        Int128 bytes = type.Size();
        foreach (long extent in shape)
        {
            bytes *= extent;
            if (bytes > long.MaxValue)
            {
                // A later zero would make it empty, but no real shape needs such extents.
                throw new DataException(
                    $"{path}: tensor '{name}' claims shape {string.Join('x', shape)}, which is "
                    + "more than a file can hold");
            }
        }
        var tensor = new StoredTensor(name, type, shape, offsets[0], offsets[1] - offsets[0]);
        return tensor.Bytes == bytes ? tensor : throw new DataException(
            $"{path}: tensor '{name}' of shape {tensor.ShapeText} and dtype {typeName} needs "
            + $"{bytes} bytes, its data_offsets give {tensor.Bytes}");
    }

    private static long[] ReadNumbers(
        ref Utf8JsonReader reader, int most, string name, string key, string path)
    {
        Expect(ref reader, JsonTokenType.StartArray, path, $"a list as {key} of '{name}'");
        var numbers = new List<long>(4);
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number)
                || number < 0 || numbers.Count == most)
            {
                throw new DataException(
                    $"{path}: {key} of tensor '{name}' is not a list of at most {most} whole "
                    + "numbers from 0 on");
            }
            numbers.Add(number);
        }
        return [.. numbers];
    }

    /// <summary>The tensors in order of their bytes leave no hole and share none.</summary>
    private static void Cover(
        IReadOnlyList<StoredTensor> tensors, long dataLength, string path)
    {
        var sorted = new StoredTensor[tensors.Count];
        for (int i = 0; i < sorted.Length; i++)
        {
            sorted[i] = tensors[i];
        }
        Array.Sort(sorted, (a, b) => a.Offset != b.Offset
            ? a.Offset.CompareTo(b.Offset) : a.Bytes.CompareTo(b.Bytes));
        long end = 0;
        string last = "the header";
        foreach (var tensor in sorted)
        {
            if (tensor.Offset != end)
            {
                string what = tensor.Offset < end ? "overlaps" : "leaves a hole behind";
                throw new DataException(
                    $"{path}: tensor '{tensor.Name}' starts at byte {tensor.Offset} and {what} "
                    + $"{last}, which ends at {end}");
            }
            end += tensor.Bytes;
            last = $"'{tensor.Name}'";
            if (end > dataLength)
            {
                throw new DataException(
                    $"{path}: tensor '{tensor.Name}' ends at byte {end} of the data, which has "
                    + $"{dataLength}; the file is cut short");
            }
        }
        if (end != dataLength)
        {
            throw new DataException(
                $"{path}: {dataLength - end} bytes follow the last tensor; the file is damaged");
        }
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType;
    }

    private static void Expect(
        ref Utf8JsonReader reader, JsonTokenType type, string path, string what)
    {
        if (Next(ref reader) != type)
        {
            throw new DataException(
                $"{path}: its header has {reader.TokenType} at byte {reader.TokenStartIndex + 8}, "
                + $"expected {what}");
        }
    }

    /// <summary>
    /// The header as bytes, padded with spaces so that the data is 8-byte aligned.
    /// </summary>
    public static byte[] Format(
        IReadOnlyList<StoredTensor> tensors, IReadOnlyList<(string Key, string Value)> metadata)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions
        {
            // Labels in any script stay readable; the header is no HTML.
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            writer.WriteStartObject();
            if (metadata.Count > 0)
            {
                writer.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata)
                {
                    writer.WriteString(key, value);
                }
                writer.WriteEndObject();
            }
            foreach (var tensor in tensors)
            {
                WriteTensor(writer, tensor);
            }
            writer.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }
        return buffer.ToArray();
    }

    private static void WriteTensor(Utf8JsonWriter writer, StoredTensor tensor)
    {
        writer.WriteStartObject(tensor.Name);
        writer.WriteString("dtype", tensor.Type.Name());
        writer.WriteStartArray("shape");
        foreach (long extent in tensor.Shape)
        {
            writer.WriteNumberValue(extent);
        }
        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(tensor.Offset);
        writer.WriteNumberValue(tensor.Offset + tensor.Bytes);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
