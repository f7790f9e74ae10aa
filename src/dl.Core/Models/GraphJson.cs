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
    /// <summary>Reads a graph file.</summary>
    /// <exception cref="UsageException">Not a graph; names file and line.</exception>
    public static Graph Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), Default.Graph)
                ?? throw new UsageException($"{path}: empty; expected a graph");
        }
        catch (JsonException e)
        {
            throw new UsageException(
                $"{path}:{e.LineNumber + 1}: {Explain(e)} (at {e.Path}); layer types are "
                + string.Join(", ", LayerJson.Kinds), e);
        }
        catch (NotSupportedException e)
        {
            throw new UsageException($"{path}: {Explain(e)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(
                $"{path}: cannot be read: "
                + (e is UnauthorizedAccessException ? "no permission" : File.Exists(path)
                    ? "the disk reports an error" : "no such file"), e);
        }
    }

    /// <summary>The library's message where it is about the file, not about our types.</summary>
    private static string Explain(Exception e)
    {
        if (e.Message.Contains("could not be mapped", StringComparison.Ordinal))
        {
            string[] parts = e.Message.Split('\'');
            return $"unknown key '{(parts.Length > 1 ? parts[1] : "")}'";
        }
        if (e.Message.Contains("could not be converted", StringComparison.Ordinal))
        {
            return "a value of another kind was expected";
        }
        int end = e.Message.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? e.Message : e.Message[..end];
    }
}
