// CRC-32C (Castagnoli): polynomial 0x82F63B78 reflected, all ones in and out. Records of event
// files carry it masked, so that a checksum over data with checksums in it stays useful.
using System.Numerics;
using System.Runtime.InteropServices;

namespace Dl.Training.Watching;

internal static class Crc32c
{
    /// <summary>Rotated right by 15 bits plus a constant, as record files store it.</summary>
    public static uint Masked(ReadOnlySpan<byte> bytes) =>
        BitOperations.RotateRight(Compute(bytes), 15) + 0xA282EAD8;

    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
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
