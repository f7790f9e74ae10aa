// CRC-32C (Castagnoli): polynomial 0x82F63B78 reflected, all ones in and out. Processors have an
// instruction for it, so a file is checked about as fast as it can be read. Any one flipped bit,
// and any run of damage of 32 bits or less, changes it.
using System.Numerics;
using System.Runtime.InteropServices;

namespace Dl.Files;

internal static class Crc32c
{
    /// <summary>
    /// Rotated right by 15 bits plus a constant, as the records of event files store it: so a
    /// checksum over data with checksums in it stays useful.
    /// </summary>
    public static uint Masked(ReadOnlySpan<byte> bytes) =>
        BitOperations.RotateRight(Compute(bytes), 15) + 0xA282EAD8;

    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of what <paramref name="crc"/> is of with more behind it.</summary>
    /// <param name="crc">0: of nothing.</param>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            // Big-endian machines read the bytes of a word the other way round.
            crc = BitOperations.Crc32C(
                crc, BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives
                    .ReverseEndianness(word));
        }
        foreach (byte b in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, b);
        }
        return ~crc;
    }
}
