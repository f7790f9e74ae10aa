// The head of a page (struct PageHeader): what kind of page, its sizes, and how its values lie.
namespace Dl.Data.Formats.Parquet;

internal enum PageKind
{
    Data, Index, Dictionary, DataV2,
}

/// <summary>What a page's head says; -1 and false where it says nothing.</summary>
internal sealed class PageHeader
{
    public PageKind Kind { get; private set; } = (PageKind)(-1);

    /// <summary>Bytes in memory, and in the file behind the head.</summary>
    public int Size { get; private set; } = -1;

    public int CompressedSize { get; private set; } = -1;

    public int? Checksum { get; private set; }

    /// <summary>Values, nulls included.</summary>
    public int Values { get; private set; } = -1;

    public PageEncoding Encoding { get; private set; }

    public PageEncoding DefinitionEncoding { get; private set; } = PageEncoding.Rle;

    /// <summary>Bytes of levels before the values of a page of version 2.</summary>
    public int DefinitionLength { get; private set; }

    public int RepetitionLength { get; private set; }

    /// <summary>Whether the values of a page of version 2 are compressed.</summary>
    public bool IsCompressed { get; private set; } = true;

    /// <param name="bytes">The head and what follows.</param>
    /// <param name="length">Bytes of the head.</param>
    public static PageHeader Read(ReadOnlySpan<byte> bytes, out int length)
    {
        var reader = new ThriftReader(bytes);
        var header = new PageHeader();
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (id)
            {
                case 1:
                    header.Kind = (PageKind)reader.Int32(type);
                    break;
                case 2:
                    header.Size = reader.Int32(type);
                    break;
                case 3:
                    header.CompressedSize = reader.Int32(type);
                    break;
                case 4:
                    header.Checksum = reader.Int32(type);
                    break;
                case 5 or 7 or 8:
                    ThriftReader.Require(type, ThriftType.Struct);
                    header.ReadMembers(ref reader, isV2: id == 8);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        length = reader.Position;
        return header;
    }

    /// <summary>
    /// Data pages (value count, encoding, encoding of definition levels) and dictionaries (the
    /// first two) have one numbering, data pages of version 2 another.
    /// </summary>
    private void ReadMembers(ref ThriftReader reader, bool isV2)
    {
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch (isV2, id)
            {
                case (_, 1):
                    Values = reader.Int32(type);
                    break;
                case (false, 2) or (true, 4):
                    Encoding = (PageEncoding)reader.Int32(type);
                    break;
                case (false, 3) when type == ThriftType.Int32:
                    DefinitionEncoding = (PageEncoding)reader.Int32(type);
                    break;
                case (true, 5):
                    DefinitionLength = reader.Int32(type);
                    break;
                case (true, 6):
                    RepetitionLength = reader.Int32(type);
                    break;
                case (true, 7):
                    IsCompressed = ThriftReader.Boolean(type);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }
}
