// Parquet files made by hand, byte for byte, so that tests know what stands where and can lie.
using System.Buffers.Binary;
using Dl.Data.Formats.Parquet;
using Dl.Data.Images;

namespace Dl.Data.Tests;

/// <summary>Thrift's compact protocol, written.</summary>
internal sealed class ThriftBytes
{
    private readonly List<byte> _bytes = [];
    private int _last;

    public ThriftBytes Int(int id, long value) =>
        Head(id, ThriftType.Int64).Varint((ulong)((value << 1) ^ (value >> 63)));

    public ThriftBytes Text(int id, string value)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(value);
        return Head(id, ThriftType.Binary).Varint((ulong)text.Length).Raw(text);
    }

    public ThriftBytes Flag(int id, bool value) =>
        Head(id, value ? ThriftType.True : ThriftType.False);

    public ThriftBytes Struct(int id, ThriftBytes members) =>
        Head(id, ThriftType.Struct).Raw(members.End());

    /// <param name="count">What the head says; the elements may be others.</param>
    public ThriftBytes Structs(int id, IReadOnlyList<ThriftBytes> elements, long? count = null)
    {
        Head(id, ThriftType.List).Raw(0xF0 | (byte)ThriftType.Struct);
        Varint((ulong)(count ?? elements.Count));
        foreach (ThriftBytes element in elements)
        {
            Raw(element.End());
        }
        return this;
    }

    /// <summary>The bytes with the stop behind them.</summary>
    public byte[] End() => [.. _bytes, 0];

    private ThriftBytes Head(int id, ThriftType type)
    {
        Raw((byte)(((id - _last) << 4) | (int)type));
        _last = id;
        return this;
    }

    private ThriftBytes Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            Raw((byte)(value | 0x80));
        }
        return Raw((byte)value);
    }

    private ThriftBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    private ThriftBytes Raw(int value) => Raw([(byte)value]);
}

/// <summary>A file of one row group; every number in it can be replaced by a wrong one.</summary>
internal sealed class ParquetBytes
{
    private readonly List<byte> _body = [.. "PAR1"u8];
    private readonly List<ThriftBytes> _schema = [];
    private readonly List<ThriftBytes> _chunks = [];

    public long Rows { get; init; } = 3;

    /// <summary>Length of the footer as the tail says it.</summary>
    public uint? FooterLength { get; init; }

    public long? SchemaCount { get; init; }

    /// <summary>A column of the root with its pages.</summary>
    public ParquetBytes Column(
        string name, PhysicalType type, byte[] pages, bool optional = false,
        Codec codec = Codec.Uncompressed, int width = 0, int converted = -1,
        ThriftBytes? logical = null, long? length = null)
    {
        ThriftBytes element = new ThriftBytes().Int(1, (int)type).Int(2, width)
            .Int(3, optional ? 1 : 0).Text(4, name);
        if (converted >= 0)
        {
            element.Int(6, converted);
        }
        if (logical is not null)
        {
            element.Struct(10, logical);
        }
        _schema.Add(element);
        Chunk(type, pages, codec, length);
        return this;
    }

    /// <summary>Elements of a schema as they are, and pages for one leaf among them.</summary>
    public ParquetBytes Nested(PhysicalType type, byte[] pages, params ThriftBytes[] elements)
    {
        _schema.AddRange(elements);
        Chunk(type, pages, Codec.Uncompressed, null);
        return this;
    }

    public static ThriftBytes Group(string name, int members, Repetition repetition) =>
        new ThriftBytes().Int(3, (int)repetition).Text(4, name).Int(5, members);

    public static ThriftBytes Leaf(string name, PhysicalType type, Repetition repetition) =>
        new ThriftBytes().Int(1, (int)type).Int(3, (int)repetition).Text(4, name);

    public byte[] File(int? rootMembers = null)
    {
        ThriftBytes root = new ThriftBytes().Text(4, "schema")
            .Int(5, rootMembers ?? _schema.Count);
        byte[] footer = new ThriftBytes()
            .Int(1, 2)
            .Structs(2, [root, .. _schema], SchemaCount)
            .Int(3, Rows)
            .Structs(4, [new ThriftBytes().Structs(1, _chunks).Int(2, 0).Int(3, Rows)])
            .End();
        var tail = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(tail, FooterLength ?? (uint)footer.Length);
        return [.. _body, .. footer, .. tail, .. "PAR1"u8];
    }

    public ParquetFile Open() => ParquetFile.Open(new MemoryStream(File()), "t.parquet");

    /// <summary>A data page of version 1.</summary>
    public static byte[] Page(
        PageEncoding encoding, byte[] content, int values = 3, int? size = null,
        int? checksum = null)
    {
        ThriftBytes header = new ThriftBytes().Int(1, 0).Int(2, size ?? content.Length)
            .Int(3, content.Length);
        if (checksum is { } sum)
        {
            header.Int(4, sum);
        }
        header.Struct(
            5, new ThriftBytes().Int(1, values).Int(2, (int)encoding).Int(3, 3).Int(4, 3));
        return [.. header.End(), .. content];
    }

    /// <summary>A data page of version 2: levels, then values.</summary>
    public static byte[] PageV2(
        PageEncoding encoding, byte[] levels, byte[] content, int values, int? size = null) =>
    [
        .. new ThriftBytes().Int(1, 3).Int(2, size ?? (levels.Length + content.Length))
            .Int(3, levels.Length + content.Length)
            .Struct(
                8, new ThriftBytes().Int(1, values).Int(2, 0).Int(3, values).Int(4, (int)encoding)
                    .Int(5, levels.Length).Int(6, 0).Flag(7, size is not null))
            .End(),
        .. levels, .. content,
    ];

    public static byte[] Dictionary(byte[] content, int values) =>
    [
        .. new ThriftBytes().Int(1, 2).Int(2, content.Length).Int(3, content.Length)
            .Struct(7, new ThriftBytes().Int(1, values).Int(2, 0))
            .End(),
        .. content,
    ];

    public static byte[] Ints(params int[] values)
    {
        var bytes = new byte[4 * values.Length];
        Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
        return bytes;
    }

    /// <summary>Texts with their lengths before them.</summary>
    public static byte[] Texts(params string[] values) =>
        [.. values.SelectMany(v => (byte[])[.. Ints(v.Length), .. v.Select(c => (byte)c)])];

    public static int Checksum(byte[] bytes) => (int)Crc32.Compute(bytes);

    private void Chunk(PhysicalType type, byte[] pages, Codec codec, long? length)
    {
        _chunks.Add(new ThriftBytes().Struct(
            3, new ThriftBytes().Int(1, (int)type).Int(4, (int)codec).Int(5, Rows)
                .Int(7, length ?? pages.Length).Int(9, _body.Count)));
        _body.AddRange(pages);
    }
}
