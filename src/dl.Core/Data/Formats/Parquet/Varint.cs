// Numbers of seven bits a byte, low bits first (LEB128), as Thrift, the run-length and the delta
// encodings and Snappy use them.
namespace Dl.Data.Formats.Parquet;

/// <summary>Variable-length numbers.</summary>
internal static class Varint
{
    /// <summary>What 64 bits take.</summary>
    public const int MaxBytes = 10;

    /// <summary>Writes to a place of at least <see cref="MaxBytes"/>; returns the bytes.</summary>
    public static int Write(ulong value, Span<byte> bytes)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            bytes[length++] = (byte)(value | 0x80);
        }
        bytes[length++] = (byte)value;
        return length;
    }

    /// <exception cref="InvalidDataException">Cut off, or longer than 64 bits.</exception>
    public static ulong Read(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (position >= bytes.Length)
            {
                throw new InvalidDataException("it ends in the middle of a number");
            }
            byte b = bytes[position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }
        throw new InvalidDataException("a number of more than 64 bits");
    }

    public static long ReadZigZag(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = Read(bytes, ref position);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A count or size that has to be at most <paramref name="limit"/>.</summary>
    public static int ReadCount(
        ReadOnlySpan<byte> bytes, ref int position, int limit, string what)
    {
        ulong value = Read(bytes, ref position);
        return value <= (ulong)limit
            ? (int)value
            : throw new InvalidDataException($"{what} is {value}, expected at most {limit}");
    }
}
