// The formats of tables: what a file or pipe holds is told from its name and its first bytes.
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
    public static IRowReader Open(
        Stream stream, string name, bool streaming, string[]? columns = null)
    {
        if (ParquetRows.Detect(stream, name))
        {
            return new ParquetRows(stream, name);
        }
        return new DelimitedReader(stream, name, streaming);
    }
}
