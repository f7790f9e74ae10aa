using System.Text.Json;
using System.Text.Json.Serialization;
using Dl.Layers;

namespace Dl.Models;

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(Graph))]
public sealed partial class GraphJson : JsonSerializerContext
{
    /// <summary>
    /// Largest number of a graph file: what a float can count, and small enough that four gates of
    /// so many units are still an int.
    /// </summary>
    private const int Largest = 1 << 24;

    /// <summary>Reads a graph file.</summary>
    /// <exception cref="UsageException">Not a graph; names file and line.</exception>
    public static Graph Read(string path)
    {
        try
        {
            byte[] text = File.ReadAllBytes(path);
            CheckValues(text);
            return JsonSerializer.Deserialize(text, Default.Graph)!;
        }
        catch (JsonException e)
        {
            throw new UsageException(
                $"{path}:{e.LineNumber + 1}: {Explain(e)}"
                + (e.Path is null ? "" : $" (at {e.Path})"), e);
        }
        catch (InvalidOperationException e)
        {
            throw new UsageException(
                $"{path}: a text in it is not UTF-8, or half of a surrogate pair", e);
        }
        catch (NotSupportedException e)
        {
            string place = e.Message.IndexOf("Path: ", StringComparison.Ordinal) is >= 0 and var at
                ? $" (at {e.Message[(at + 6)..].Split(' ')[0]})" : "";
            throw new UsageException($"{path}: a layer has no type{place}; {Types()}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"{path}: cannot be read: "
                + (e is UnauthorizedAccessException ? "no permission" : File.Exists(path)
                    ? "the disk reports an error" : "no such file"), e);
        }
    }

    /// <summary>
    /// Sizes are multiplied before they are checked, so none may be so large as to wrap; and null
    /// would stand where a layer expects its default.
    /// </summary>
    /// <exception cref="JsonException">A value is neither; names the line.</exception>
    private static void CheckValues(byte[] text)
    {
        string key = "the file ";
        var reader = new Utf8JsonReader(text, new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
        });
        while (reader.Read())
        {
            string? wrong = reader.TokenType switch
            {
                JsonTokenType.Null => "null; leave it out to have the default",
                JsonTokenType.Number when reader.GetDouble() is not (>= -Largest and <= Largest) =>
                    $"a number beyond {Largest}, which no layer takes",
                _ => null,
            };
            if (wrong is not null)
            {
                long line = text.AsSpan(0, (int)reader.TokenStartIndex).Count((byte)'\n');
                throw new JsonException($"{key}is {wrong}", null, line, null);
            }
            key = reader.TokenType == JsonTokenType.PropertyName
                ? $"'{reader.GetString()}' " : key;
        }
    }

    private static string Types() => $"layer types are {string.Join(", ", LayerJson.Kinds)}";

    /// <summary>The library's message where it is about the file, not about our types.</summary>
    private static string Explain(Exception e)
    {
        bool Says(string words) => e.Message.Contains(words, StringComparison.Ordinal);
        string[] quoted = e.Message.Split('\'');
        string last = quoted.Length > 2 ? quoted[^2] : "";
        if (Says("could not be mapped"))
        {
            return $"unknown key '{quoted[1]}'";
        }
        if (Says("type discriminator id"))
        {
            return Nearest.Unknown("layer type", last, LayerJson.Kinds);
        }
        if (Says("missing required properties"))
        {
            return $"'{last}' is missing";
        }
        if (Says("could not be converted"))
        {
            return "a value of another kind was expected";
        }
        int end = e.Message.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? e.Message : e.Message[..end];
    }
}
