// Values of a page into a typed array, for every encoding but the dictionary's. Numbers are stored
// low byte first, as on every processor that .NET runs dl on.
using System.Runtime.InteropServices;

namespace Dl.Data.Formats.Parquet;

/// <summary>Decodes the values of one page; nulls are not among them.</summary>
internal static class ValueDecoder
{
    /// <param name="encoding">How the values lie.</param>
    /// <param name="bytes">The page behind its levels; slices of it may be kept.</param>
    /// <param name="column">Its type and width.</param>
    /// <param name="into">An array of the column's kind.</param>
    /// <param name="start">First slot.</param>
    /// <param name="count">Values that are expected.</param>
    public static void Decode(
        PageEncoding encoding, ReadOnlyMemory<byte> bytes, ParquetColumn column, Array into,
        int start, int count)
    {
        switch (encoding, into)
        {
            case (_, _) when count == 0:
                break;
            case (PageEncoding.Plain, _):
                Plain(bytes, column, into, start, count);
                break;
            case (PageEncoding.Rle, bool[] flags):
                RunLengths(bytes.Span, flags.AsSpan(start, count));
                break;
            case (PageEncoding.DeltaBinaryPacked, int[] or long[]):
                Deltas(bytes.Span, into, start, count);
                break;
            case (PageEncoding.DeltaLengthByteArray, ReadOnlyMemory<byte>[] texts)
                when column.Type == PhysicalType.ByteArray:
                DeltaDecoder.ReadBytes(bytes, texts.AsSpan(start, count));
                break;
            case (PageEncoding.DeltaByteArray, ReadOnlyMemory<byte>[] texts):
                DeltaDecoder.ReadPrefixed(
                    bytes, texts.AsSpan(start, count), Limits.Expanded(bytes.Length));
                CheckWidths(texts.AsSpan(start, count), column);
                break;
            case (PageEncoding.ByteStreamSplit, _) when Width(column) > 0:
                Plain(Joined(bytes.Span, Width(column), count), column, into, start, count);
                break;
            default:
                throw new NotSupportedException($"the encoding {encoding} of {column.Type} values");
        }
    }

    /// <summary>An array for so many values of a type.</summary>
    public static Array NewArray(PhysicalType type, int count) => type switch
    {
        PhysicalType.Boolean => new bool[count],
        PhysicalType.Int32 => new int[count],
        PhysicalType.Int64 => new long[count],
        PhysicalType.Float => new float[count],
        PhysicalType.Double => new double[count],
        _ => new ReadOnlyMemory<byte>[count],
    };

    /// <summary>Bytes of a value, 0 where values differ in length or are single bits.</summary>
    public static int Width(ParquetColumn column) => column.Type switch
    {
        PhysicalType.Int32 or PhysicalType.Float => 4,
        PhysicalType.Int64 or PhysicalType.Double => 8,
        _ => column.Width,
    };

    private static void Plain(
        ReadOnlyMemory<byte> bytes, ParquetColumn column, Array into, int start, int count)
    {
        long needed = column.Type == PhysicalType.Boolean
            ? BitPacking.Bytes(count, 1)
            : (long)count * (column.Type == PhysicalType.ByteArray ? 4 : Width(column));
        if (bytes.Length < needed)
        {
            throw new InvalidDataException(
                $"a page has {bytes.Length} bytes for {count} values, expected {needed} or more");
        }
        switch (into)
        {
            case bool[] flags:
                for (int i = 0; i < count; i++)
                {
                    flags[start + i] = (bytes.Span[i >> 3] >> (i & 7) & 1) != 0;
                }
                break;
            case int[] numbers:
                Copy(bytes.Span, numbers.AsSpan(start, count));
                break;
            case long[] numbers:
                Copy(bytes.Span, numbers.AsSpan(start, count));
                break;
            case float[] numbers:
                Copy(bytes.Span, numbers.AsSpan(start, count));
                break;
            case double[] numbers:
                Copy(bytes.Span, numbers.AsSpan(start, count));
                break;
            case ReadOnlyMemory<byte>[] texts when column.Type == PhysicalType.ByteArray:
                Prefixed(bytes, texts.AsSpan(start, count));
                break;
            case ReadOnlyMemory<byte>[] texts:
                for (int i = 0; i < count; i++)
                {
                    texts[start + i] = bytes.Slice(i * column.Width, column.Width);
                }
                break;
        }
    }

    private static void Copy<T>(ReadOnlySpan<byte> bytes, Span<T> values) where T : struct
    {
        Span<byte> target = MemoryMarshal.AsBytes(values);
        bytes[..target.Length].CopyTo(target);
    }

    /// <summary>A length of four bytes before each value.</summary>
    private static void Prefixed(ReadOnlyMemory<byte> bytes, Span<ReadOnlyMemory<byte>> values)
    {
        int position = 0;
        for (int i = 0; i < values.Length; i++)
        {
            int length = TakeLength(bytes.Span, ref position);
            values[i] = bytes.Slice(position, length);
            position += length;
        }
    }

    /// <summary>A length of four bytes, of bytes that are there behind it.</summary>
    public static int TakeLength(ReadOnlySpan<byte> bytes, ref int position)
    {
        int left = bytes.Length - position - 4;
        int length = left < 0 ? -1 : MemoryMarshal.Read<int>(bytes[position..]);
        if (length < 0 || length > left)
        {
            throw new InvalidDataException(
                left < 0
                    ? "it ends before the length of a value"
                    : $"a value of {(uint)length} bytes, where {left} are left");
        }
        position += 4;
        return length;
    }

    private static void RunLengths(ReadOnlySpan<byte> bytes, Span<bool> values)
    {
        int position = 0;
        int length = TakeLength(bytes, ref position);
        var bits = new int[values.Length];
        new HybridDecoder(bytes.Slice(position, length), 1).Read(bits);
        for (int i = 0; i < bits.Length; i++)
        {
            values[i] = bits[i] != 0;
        }
    }

    private static void Deltas(ReadOnlySpan<byte> bytes, Array into, int start, int count)
    {
        if (into is long[] longs)
        {
            DeltaDecoder.Read(bytes, longs.AsSpan(start, count));
            return;
        }
        var values = new long[count];
        DeltaDecoder.Read(bytes, values);
        var numbers = (int[])into;
        for (int i = 0; i < count; i++)
        {
            numbers[start + i] = unchecked((int)values[i]);
        }
    }

    /// <summary>BYTE_STREAM_SPLIT: all first bytes, then all second ones.</summary>
    private static byte[] Joined(ReadOnlySpan<byte> bytes, int width, int count)
    {
        if (bytes.Length != (long)width * count)
        {
            throw new InvalidDataException(
                $"{count} split values of {width} bytes in {bytes.Length} bytes");
        }
        var joined = new byte[bytes.Length];
        for (int k = 0; k < width; k++)
        {
            ReadOnlySpan<byte> stream = bytes.Slice(k * count, count);
            for (int i = 0; i < count; i++)
            {
                joined[(i * width) + k] = stream[i];
            }
        }
        return joined;
    }

    private static void CheckWidths(
        ReadOnlySpan<ReadOnlyMemory<byte>> values, ParquetColumn column)
    {
        foreach (ReadOnlyMemory<byte> value in values)
        {
            if (column.Type != PhysicalType.ByteArray && value.Length != column.Width)
            {
                throw new InvalidDataException(
                    $"a value of {value.Length} bytes, expected {column.Width}");
            }
        }
    }
}
