// CRC-32 as in PNG and gzip: polynomial 0xEDB88320 (reflected), all ones in and out.
namespace Dl.Data.Images;

/// <summary>Checksums by a table of 256 words.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    /// <param name="bytes">Data to append.</param>
    /// <param name="crc">Checksum of what came before; 0 at the start.</param>
    public static uint Compute(ReadOnlySpan<byte> bytes, uint crc = 0)
    {
        crc = ~crc;
        foreach (byte b in bytes)
        {
            crc = Table[(byte)(crc ^ b)] ^ (crc >> 8);
        }
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint n = 0; n < 256; n++)
        {
            uint c = n;
            for (int bit = 0; bit < 8; bit++)
            {
                c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            }
            table[n] = c;
        }
        return table;
    }
}
