// The footer of a Parquet file (struct FileMetaData): schema and row groups. Field numbers are
// those of parquet.thrift.
namespace Dl.Data.Formats.Parquet;

/// <summary>An element of the schema tree, which lies depth first.</summary>
internal sealed record SchemaElement
{
    public PhysicalType? Type { get; set; }

    public int TypeLength { get; set; }

    public Repetition Repetition { get; set; }

    public string Name { get; set; } = "";

    public int Children { get; set; }

    public int Converted { get; set; } = -1;

    public int Scale { get; set; }

    public int Precision { get; set; }

    public LogicalType? Logical { get; set; }
}

/// <summary>What the footer says, before any of it is believed.</summary>
internal sealed record Footer(
    IReadOnlyList<SchemaElement> Schema, IReadOnlyList<RowGroup> RowGroups, bool Encrypted);

/// <summary>Parses footers.</summary>
internal static class FooterReader
{
    public static Footer Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new ThriftReader(bytes);
        var schema = new List<SchemaElement>();
        var groups = new List<RowGroup>();
        bool encrypted = false;
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (id)
            {
                case 2:
                    for (int left = Structs(ref reader, type); left > 0; left--)
                    {
                        schema.Add(ReadElement(ref reader));
                    }
                    break;
                case 4:
                    for (int left = Structs(ref reader, type); left > 0; left--)
                    {
                        groups.Add(ReadGroup(ref reader));
                    }
                    break;
                default:
                    encrypted |= id == 8;
                    reader.Skip(type);
                    break;
            }
        }
        return new Footer(schema, groups, encrypted);
    }

    private static int Structs(ref ThriftReader reader, ThriftType type)
    {
        int count = reader.List(type, out ThriftType element);
        if (count > 0)
        {
            ThriftReader.Require(element, ThriftType.Struct);
        }
        return count;
    }

    private static SchemaElement ReadElement(ref ThriftReader reader)
    {
        var element = new SchemaElement();
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (id)
            {
                case 1:
                    element.Type = (PhysicalType)Enumerated(
                        reader.Int32(type), (int)PhysicalType.FixedLenByteArray, "physical type");
                    break;
                case 2:
                    element.TypeLength = reader.Int32(type);
                    break;
                case 3:
                    element.Repetition = (Repetition)Enumerated(
                        reader.Int32(type), (int)Repetition.Repeated, "repetition");
                    break;
                case 4:
                    element.Name = reader.Text(type);
                    break;
                case 5:
                    element.Children = reader.Int32(type);
                    break;
                case 6:
                    element.Converted = reader.Int32(type);
                    break;
                case 7:
                    element.Scale = reader.Int32(type);
                    break;
                case 8:
                    element.Precision = reader.Int32(type);
                    break;
                case 10:
                    ThriftReader.Require(type, ThriftType.Struct);
                    element.Logical = LogicalTypes.Read(ref reader);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        return element;
    }

    private static RowGroup ReadGroup(ref ThriftReader reader)
    {
        var columns = new List<ColumnChunk>();
        long rows = -1;
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (id)
            {
                case 1:
                    for (int left = Structs(ref reader, type); left > 0; left--)
                    {
                        columns.Add(ReadChunk(ref reader));
                    }
                    break;
                case 3:
                    rows = reader.Int64(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        return new RowGroup(rows, columns);
    }

    private static ColumnChunk ReadChunk(ref ThriftReader reader)
    {
        ColumnChunk? chunk = null;
        string? unsupported = null;
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (id)
            {
                case 1:
                    string path = reader.Text(type);
                    unsupported = path == "" ? unsupported : "values kept in another file";
                    break;
                case 3:
                    ThriftReader.Require(type, ThriftType.Struct);
                    chunk = ReadChunkMetadata(ref reader);
                    break;
                default:
                    unsupported = id is 8 or 9 ? "encryption" : unsupported;
                    reader.Skip(type);
                    break;
            }
        }
        chunk ??= new ColumnChunk(default, default, 0, 0, 0, "a column without metadata");
        return unsupported is null ? chunk : chunk with { Unsupported = unsupported };
    }

    private static ColumnChunk ReadChunkMetadata(ref ThriftReader reader)
    {
        int physical = -1, codec = -1;
        long values = -1, length = -1, data = -1, dictionary = 0;
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (id)
            {
                case 1:
                    physical = reader.Int32(type);
                    break;
                case 4:
                    codec = reader.Int32(type);
                    break;
                case 5:
                    values = reader.Int64(type);
                    break;
                case 7:
                    length = reader.Int64(type);
                    break;
                case 9:
                    data = reader.Int64(type);
                    break;
                case 11:
                    dictionary = reader.Int64(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        // Some writers put 0 where there is no dictionary: the file's magic number lies there.
        long start = dictionary > 0 ? Math.Min(dictionary, data) : data;
        return new ColumnChunk(
            (PhysicalType)physical, (Codec)codec, values, start, length, Unsupported: null);
    }

    private static int Enumerated(int value, int last, string what) =>
        value >= 0 && value <= last
            ? value
            : throw new InvalidDataException($"the {what} {value} does not exist");
}
