// 64-bit hashes of cells and rows. Of ten million different texts two have the same hash with a
// probability of 3e-6 (n^2 / 2^65), so hashes stand for texts.
//   text: FNV-1a over 8 bytes of UTF-8 at a time, then the finaliser of MurmurHash3
//   row:  the sum over columns of mix(hash + column), so one column can be taken out again
using System.Buffers.Binary;

namespace Dl.Data.Checks;

internal static class CellHash
{
    private const ulong Offset = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    public static ulong Of(ReadOnlySpan<byte> utf8)
    {
        ulong hash = Offset + (ulong)utf8.Length;
        for (; utf8.Length >= 8; utf8 = utf8[8..])
        {
            hash = Mix((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(utf8)) * Prime);
        }
        foreach (byte unit in utf8)
        {
            hash = (hash ^ unit) * Prime;
        }
        return Mix(hash);
    }

    public static ulong Of(double number) =>
        Mix(BitConverter.DoubleToUInt64Bits(number == 0 ? 0 : number) + Offset);

    /// <summary>A cell's share of its row's hash.</summary>
    public static ulong InColumn(ulong cell, int column) =>
        Mix(cell + (ulong)(column + 1) * Prime);

    public static ulong Mix(ulong x)
    {
        x ^= x >> 33;
        x *= 0xFF51AFD7ED558CCD;
        x ^= x >> 33;
        x *= 0xC4CEB9FE1A85EC53;
        return x ^ (x >> 33);
    }
}
