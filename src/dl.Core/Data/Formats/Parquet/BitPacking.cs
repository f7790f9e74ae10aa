// Numbers of a fixed count of bits, packed low bits first.
using System.Buffers.Binary;

namespace Dl.Data.Formats.Parquet;

/// <summary>Reads single packed numbers; the caller has checked that they are there.</summary>
internal static class BitPacking
{
    /// <summary>The number of <paramref name="width"/> (0 to 64) bits from a bit on.</summary>
    public static ulong Read(ReadOnlySpan<byte> bytes, long bit, int width)
    {
        int first = (int)(bit >> 3);
        int shift = (int)(bit & 7);
        ulong value;
        if (first + 8 <= bytes.Length)
        {
            value = BinaryPrimitives.ReadUInt64LittleEndian(bytes[first..]) >> shift;
            if (shift + width > 64)
            {
                value |= (ulong)bytes[first + 8] << (64 - shift);
            }
        }
        else
        {
            value = 0;
            for (int i = first; i < bytes.Length; i++)
            {
                value |= (ulong)bytes[i] << (8 * (i - first));
            }
            value >>= shift;
        }
        return width == 64 ? value : value & ((1UL << width) - 1);
    }

    /// <summary>Bytes that so many numbers take.</summary>
    public static long Bytes(long count, int width) => ((count * width) + 7) / 8;
}
