// Progressive JPEG (ITU-T T.81, G): the first scan of each component holds a coarse picture (the
// means of all 8x8 blocks), all others refine it. Damage behind the first scans blurs the picture;
// in them it leaves parts of it grey.
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Walks the scans of a JPEG file.</summary>
internal static class JpegScans
{
    private const int EndOfImage = 0xD9, StartOfScan = 0xDA;

    /// <summary>
    /// The file with its coarse scans alone; null where it is not progressive, or is cut off before
    /// the last of them.
    /// </summary>
    public static byte[]? Coarse(ReadOnlySpan<byte> bytes)
    {
        int at = 2, components = 0;
        var coarse = new HashSet<byte>();
        while (at + 4 <= bytes.Length)
        {
            int marker = bytes[at + 1];
            if (bytes[at] != 0xFF || marker is 0xFF or 0x00)
            {
                at++;
                continue;
            }
            if (marker is 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2;
                continue;
            }
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (marker == EndOfImage || length < 2 || at + 2 + length > bytes.Length)
            {
                return null;
            }
            ReadOnlySpan<byte> segment = bytes.Slice(at + 4, length - 2);
            at += 2 + length;
            // Frames of progressive files, in Huffman or arithmetic code.
            if (marker is 0xC2 or 0xCA && segment.Length >= 6)
            {
                components = segment[5];
            }
            if (marker == StartOfScan)
            {
                at = EndOfData(bytes, at);
                Note(segment, coarse);
                if (components > 0 && coarse.Count >= components && at < bytes.Length)
                {
                    return [.. bytes[..at], 0xFF, EndOfImage];
                }
            }
        }
        return null;
    }

    /// <summary>Remembers the components of which this is the first scan.</summary>
    private static void Note(ReadOnlySpan<byte> scan, HashSet<byte> coarse)
    {
        int count = scan.Length > 0 ? scan[0] : 0;
        int parameters = 1 + (2 * count);
        // From coefficient 0 on, and no bits of it before these.
        if (scan.Length >= parameters + 3 && scan[parameters] == 0
            && scan[parameters + 2] >> 4 == 0)
        {
            for (int i = 0; i < count; i++)
            {
                coarse.Add(scan[1 + (2 * i)]);
            }
        }
    }

    /// <summary>Where the next marker stands that does not belong to the scan's data.</summary>
    private static int EndOfData(ReadOnlySpan<byte> bytes, int at)
    {
        while (at < bytes.Length)
        {
            int next = bytes[at..].IndexOf((byte)0xFF);
            if (next < 0 || at + next + 1 >= bytes.Length)
            {
                break;
            }
            at += next;
            if (bytes[at + 1] is not (0x00 or 0xFF or (>= 0xD0 and <= 0xD7)))
            {
                return at;
            }
            at += bytes[at + 1] == 0xFF ? 1 : 2;
        }
        return bytes.Length;
    }
}
