// Forms of output, and which of them the name of a file asks for: `.csv`, `.tsv`, `.jsonl`,
// `.parquet`; what ends in `.gz` or `.br` besides is packed.
using System.IO.Compression;

namespace Dl.Data.Formats.Output;

/// <summary>What a table is written as.</summary>
public static class OutputForm
{
    public const string Csv = "csv", Tsv = "tsv", JsonLines = "jsonl", Parquet = "parquet";

    public static readonly string[] All = [Csv, Tsv, JsonLines, Parquet];

    /// <summary>The form that an ending names; null: none that is known here.</summary>
    public static string? Of(string path) => Path.GetExtension(InputFile.PlainName(path)) switch
    {
        ".csv" => Csv,
        ".tsv" or ".tab" => Tsv,
        ".jsonl" or ".ndjson" => JsonLines,
        ".parquet" => Parquet,
        _ => null,
    };

    /// <summary>
    /// Hands over a stream that packs as the name asks for; what is written is whole when
    /// <paramref name="write"/> returns and this does.
    /// </summary>
    internal static void Pack(string path, Stream file, Action<Stream> write)
    {
        using Stream? packed = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".gz" => new GZipStream(file, CompressionLevel.Fastest, leaveOpen: true),
            ".br" => new BrotliStream(file, CompressionLevel.Fastest, leaveOpen: true),
            _ => null,
        };
        write(packed ?? file);
    }
}
