// Thrift's compact protocol, as far as Parquet's footers and page headers use it: fields with
// numbers, zigzag varints, length-prefixed bytes, lists. What a file adds to the known fields is
// passed over. Nothing here allocates by a size that the bytes cannot hold.

namespace Dl.Data.Formats.Parquet;

/// <summary>Types on the wire; a boolean field is its own value.</summary>
internal enum ThriftType : byte
{
    True = 1, False = 2, Int8 = 3, Int16 = 4, Int32 = 5, Int64 = 6,
    Double = 7, Binary = 8, List = 9, Set = 10, Map = 11, Struct = 12, Uuid = 13,
}

/// <summary>A place in bytes; damage is an <see cref="InvalidDataException"/>.</summary>
internal ref struct ThriftReader(ReadOnlySpan<byte> bytes)
{
    private const int MaxDepth = 32;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    private readonly int Remaining => _bytes.Length - Position;

    /// <summary>The next field of a struct; false at the struct's end.</summary>
    /// <param name="id">The field before it (0 at the start), then its own number.</param>
    public bool Next(ref int id, out ThriftType type)
    {
        byte head = Byte();
        type = (ThriftType)(head & 15);
        if (head == 0)
        {
            return false;
        }
        int step = head >> 4;
        id = step != 0 ? id + step : (short)ZigZag();
        return true;
    }

    public int Int32(ThriftType type)
    {
        long value = Int64(type);
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new InvalidDataException($"the number {value} is out of range");
    }

    public long Int64(ThriftType type) => type switch
    {
        ThriftType.Int8 => (sbyte)Byte(),
        ThriftType.Int16 or ThriftType.Int32 or ThriftType.Int64 => ZigZag(),
        _ => throw Unexpected(type, "a number"),
    };

    public static bool Boolean(ThriftType type) => type switch
    {
        ThriftType.True => true,
        ThriftType.False => false,
        _ => throw Unexpected(type, "a boolean"),
    };

    public string Text(ThriftType type)
    {
        Require(type, ThriftType.Binary);
        int start = Position + TakeLength();
        int length = Position - start;
        return System.Text.Encoding.UTF8.GetString(_bytes.Slice(start, length));
    }

    public static void Require(ThriftType type, ThriftType expected)
    {
        if (type != expected)
        {
            throw Unexpected(type, expected.ToString().ToLowerInvariant());
        }
    }

    /// <summary>The head of a list: every element takes at least one byte.</summary>
    public int List(ThriftType type, out ThriftType element)
    {
        if (type is not (ThriftType.List or ThriftType.Set))
        {
            throw Unexpected(type, "a list");
        }
        byte head = Byte();
        element = (ThriftType)(head & 15);
        ulong count = head >> 4 == 15 ? Varint() : (ulong)(head >> 4);
        return count <= (ulong)Remaining
            ? (int)count
            : throw new InvalidDataException($"a list of {count} in {Remaining} bytes");
    }

    public void Skip(ThriftType type) => Skip(type, 0);

    private void Skip(ThriftType type, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new InvalidDataException($"structs nested deeper than {MaxDepth}");
        }
        switch (type)
        {
            case ThriftType.True or ThriftType.False:
                break;
            case ThriftType.Int8:
                Advance(1);
                break;
            case ThriftType.Int16 or ThriftType.Int32 or ThriftType.Int64:
                Varint();
                break;
            case ThriftType.Double:
                Advance(8);
                break;
            case ThriftType.Uuid:
                Advance(16);
                break;
            case ThriftType.Binary:
                TakeLength();
                break;
            case ThriftType.List or ThriftType.Set:
                int count = List(type, out ThriftType element);
                for (int i = 0; i < count; i++)
                {
                    SkipElement(element, depth + 1);
                }
                break;
            case ThriftType.Map:
                SkipMap(depth + 1);
                break;
            case ThriftType.Struct:
                int id = 0;
                while (Next(ref id, out ThriftType field))
                {
                    Skip(field, depth + 1);
                }
                break;
            default:
                throw new InvalidDataException($"the type {(int)type} does not exist");
        }
    }

    /// <summary>Inside a list a boolean is a byte.</summary>
    private void SkipElement(ThriftType type, int depth) =>
        Skip(type is ThriftType.True or ThriftType.False ? ThriftType.Int8 : type, depth);

    private void SkipMap(int depth)
    {
        ulong count = Varint();
        if (count == 0)
        {
            return;
        }
        byte types = Byte();
        if (count > (ulong)Remaining)
        {
            throw new InvalidDataException($"a map of {count} in {Remaining} bytes");
        }
        for (ulong i = 0; i < count; i++)
        {
            SkipElement((ThriftType)(types >> 4), depth);
            SkipElement((ThriftType)(types & 15), depth);
        }
    }

    /// <summary>Passes over length and bytes; gives the length of the length.</summary>
    private int TakeLength()
    {
        int start = Position;
        ulong length = Varint();
        int prefix = Position - start;
        if (length > (ulong)Remaining)
        {
            throw new InvalidDataException($"{length} bytes of text in {Remaining} bytes");
        }
        Position += (int)length;
        return prefix;
    }

    private long ZigZag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong Varint()
    {
        int position = Position;
        ulong value = Formats.Parquet.Varint.Read(_bytes, ref position);
        Position = position;
        return value;
    }

    private byte Byte()
    {
        Advance(1);
        return _bytes[Position - 1];
    }

    private void Advance(int count)
    {
        if (count > Remaining)
        {
            throw new InvalidDataException("it ends in the middle of a field");
        }
        Position += count;
    }

    private static InvalidDataException Unexpected(ThriftType type, string expected) =>
        new($"a field of type {(int)type}, expected {expected}");
}
