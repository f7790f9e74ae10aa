// The nouns of a Parquet file, numbered as in the format's definition (apache/parquet-format,
// parquet.thrift).
namespace Dl.Data.Formats.Parquet;

/// <summary>How a value is stored.</summary>
internal enum PhysicalType
{
    Boolean, Int32, Int64, Int96, Float, Double, ByteArray, FixedLenByteArray,
}

internal enum Repetition
{
    Required, Optional, Repeated,
}

internal enum PageEncoding
{
    Plain = 0, PlainDictionary = 2, Rle = 3, BitPacked = 4, DeltaBinaryPacked = 5,
    DeltaLengthByteArray = 6, DeltaByteArray = 7, RleDictionary = 8, ByteStreamSplit = 9,
}

internal enum Codec
{
    Uncompressed, Snappy, Gzip, Lzo, Brotli, Lz4, Zstd, Lz4Raw,
}

/// <summary>What a stored value means.</summary>
internal enum LogicalKind
{
    None, String, Decimal, Date, Time, Timestamp, Integer, Float16, Uuid, Interval, Null,
}

/// <param name="Kind">The meaning; the other members belong to some kinds only.</param>
/// <param name="Scale">Decimal digits behind the point.</param>
/// <param name="Precision">Decimal digits in all.</param>
/// <param name="TicksPerSecond">1000, 1,000,000 or 1,000,000,000, of times and timestamps.</param>
/// <param name="IsUtc">Whether a timestamp is an instant, not a local reading.</param>
/// <param name="Bits">Width of an integer.</param>
/// <param name="Signed">Whether an integer has a sign.</param>
internal readonly record struct LogicalType(
    LogicalKind Kind, int Scale = 0, int Precision = 0, long TicksPerSecond = 0,
    bool IsUtc = false, int Bits = 0, bool Signed = true);

/// <summary>A leaf of the schema.</summary>
/// <param name="Name">`a`, or `a.b` for the member `b` of the struct `a`.</param>
/// <param name="Type">How values are stored.</param>
/// <param name="Width">Bytes of a fixed-length value, Int96 included; else 0.</param>
/// <param name="MaxDefinition">
/// How many of the names on its path may be missing: 0 means that there is always a value.
/// </param>
/// <param name="Logical">What values mean.</param>
/// <param name="Unsupported">The feature for which it cannot be read, or null.</param>
internal sealed record ParquetColumn(
    string Name, PhysicalType Type, int Width, int MaxDefinition, LogicalType Logical,
    string? Unsupported);

/// <summary>Where a column's values of one row group lie.</summary>
/// <param name="Type">Physical type; the schema's has to be the same.</param>
/// <param name="Codec">How its pages are compressed.</param>
/// <param name="Values">Values, nulls included.</param>
/// <param name="Start">First byte in the file.</param>
/// <param name="Length">Bytes in the file, headers of pages included.</param>
/// <param name="Unsupported">The feature for which it cannot be read, or null.</param>
internal sealed record ColumnChunk(
    PhysicalType Type, Codec Codec, long Values, long Start, long Length, string? Unsupported);

internal sealed record RowGroup(long Rows, IReadOnlyList<ColumnChunk> Columns);
