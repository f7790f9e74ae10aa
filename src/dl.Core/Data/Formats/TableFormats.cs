// The formats of tables: what a file or pipe holds is told from its name and its first bytes.
using System.IO.Compression;
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Formats;

/// <summary>Opens tables of every format.</summary>
internal static class TableFormats
{
    /// <param name="stream">Bytes, decompressed; disposed with the reader.</param>
    /// <param name="name">File name, for the format and for messages.</param>
    /// <param name="streaming">A pipe: look no further ahead than the first line.</param>
    /// <param name="columns">
    /// The columns that are wanted; null: all. A format without a fixed set of names goes by them.
    /// </param>
    /// <param name="decimalComma">Numbers in delimited text are written `1,5`.</param>
    public static IRowReader Open(
        Stream stream, string name, bool streaming, string[]? columns = null,
        bool decimalComma = false)
    {
        if (ParquetRows.Detect(stream, name))
        {
            return new ParquetRows(stream, name);
        }
        string extension = Path.GetExtension(InputFile.PlainName(name));
        if (extension is ".jsonl" or ".ndjson")
        {
            return new JsonLinesReader(stream, name, columns);
        }
        if (extension is ".csv" or ".tsv" or ".tab")
        {
            return new DelimitedReader(stream, name, streaming, decimalComma);
        }
        var head = new HeadStream(stream);
        try
        {
            if (head.Peek() is [0x1F, 0x8B, ..])
            {
                // A file was unpacked when it was opened; this one came on a pipe.
                head = new HeadStream(new GZipStream(head, CompressionMode.Decompress));
            }
            if (ParquetFile.Detect(head.Peek()))
            {
                return new ParquetRows(head, name);
            }
            return head.Peek() is [(byte)'{', ..]
                ? new JsonLinesReader(head, name, columns)
                : new DelimitedReader(head, name, streaming, decimalComma);
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            throw InputFile.Damaged(name, 0, error);
        }
    }
}
