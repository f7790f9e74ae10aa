// What a column that is written holds: the types that tables need, each with the physical and the
// logical type by which other programs know it.
namespace Dl.Data.Formats.Parquet;

/// <summary>Types of columns for writing.</summary>
internal enum FieldType
{
    Boolean,
    Int32,
    Int64,
    Float,
    Double,

    /// <summary>UTF-8.</summary>
    String,

    /// <summary>Days since 1970-01-01, without a time of day.</summary>
    Date,

    /// <summary>Microseconds since 1970-01-01T00:00Z, an instant.</summary>
    Timestamp,
}

/// <param name="Name">Not empty; no other column of the file has it.</param>
/// <param name="Type">What its values are.</param>
/// <param name="Optional">Whether values may be missing.</param>
internal sealed record ParquetField(string Name, FieldType Type, bool Optional = true)
{
    public PhysicalType Physical => Type switch
    {
        FieldType.Boolean => PhysicalType.Boolean,
        FieldType.Int32 or FieldType.Date => PhysicalType.Int32,
        FieldType.Int64 or FieldType.Timestamp => PhysicalType.Int64,
        FieldType.Float => PhysicalType.Float,
        FieldType.Double => PhysicalType.Double,
        _ => PhysicalType.ByteArray,
    };

    /// <summary>
    /// Bytes of a value in memory; 0 where values differ in length. Booleans are packed on the way
    /// out only.
    /// </summary>
    public int Width => Physical switch
    {
        PhysicalType.Boolean => 1,
        PhysicalType.Int32 or PhysicalType.Float => 4,
        PhysicalType.ByteArray => 0,
        _ => 8,
    };
}

/// <summary>How a file is written.</summary>
internal sealed record ParquetOptions
{
    /// <summary>Uncompressed, Snappy, Gzip or Zstd.</summary>
    public Codec Codec { get; init; } = Codec.Snappy;

    /// <summary>
    /// Bytes of values after which a row group is written: what the writer holds in memory, but
    /// for the row at hand and a page.
    /// </summary>
    public int GroupBytes { get; init; } = 1 << 25;

    /// <summary>Rows after which a row group is written, however small they are.</summary>
    public int GroupRows { get; init; } = 1 << 20;

    /// <summary>A checksum with every page, so that readers notice damage.</summary>
    public bool Checksums { get; init; } = true;
}
