// CRC-32 as in PNG, gzip and Parquet: polynomial 0xEDB88320 (reflected), all ones in and out. Eight
// bytes go at once: table k says what a byte becomes once k more have followed it (Kounavis and
// Berry, "A systematic approach to building high performance software-based CRC generators").
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Checksums by eight tables of 256 words.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    /// <param name="bytes">Data to append.</param>
    /// <param name="crc">Checksum of what came before; 0 at the start.</param>
    public static uint Compute(ReadOnlySpan<byte> bytes, uint crc = 0)
    {
        crc = ~crc;
        ReadOnlySpan<uint> table = Table;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            ulong eight = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ crc;
            crc = table[(7 * 256) + (byte)eight]
                ^ table[(6 * 256) + (byte)(eight >> 8)]
                ^ table[(5 * 256) + (byte)(eight >> 16)]
                ^ table[(4 * 256) + (byte)(eight >> 24)]
                ^ table[(3 * 256) + (byte)(eight >> 32)]
                ^ table[(2 * 256) + (byte)(eight >> 40)]
                ^ table[256 + (byte)(eight >> 48)]
                ^ table[(int)(eight >> 56)];
        }
        foreach (byte b in bytes)
        {
            crc = table[(byte)(crc ^ b)] ^ (crc >> 8);
        }
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[8 * 256];
        for (uint n = 0; n < 256; n++)
        {
            uint c = n;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            }
            table[n] = c;
        }
        for (int n = 256; n < table.Length; n++)
        {
            uint before = table[n - 256];
            table[n] = table[(byte)before] ^ (before >> 8);
        }
        return table;
    }
}
