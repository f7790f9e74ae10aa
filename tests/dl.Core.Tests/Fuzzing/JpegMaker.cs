// The simplest JPEG files that there are (ITU-T T.81, baseline): each 8x8 block has one level, so
// the only codes are the difference to the last block's and "nothing more". Enough to test readers.
namespace Dl.Tests.Fuzzing;

internal static class JpegMaker
{
    /// <param name="components">1 grey, 3 YCbCr with halved colour, 4 inks.</param>
    /// <param name="orientation">EXIF orientation; 0: no such segment.</param>
    public static byte[] Make(int width, int height, int components, int orientation = 0)
    {
        int sampling = components == 3 ? 2 : 1;
        var file = new List<byte> { 0xFF, 0xD8 };
        if (orientation > 0)
        {
            Segment(file, 0xE1, Exif(orientation, little: true));
        }
        if (components == 4)
        {
            Segment(file, 0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0]);
        }
        Segment(file, 0xDB, [0, .. Enumerable.Repeat((byte)16, 64)]);
        var frame = new List<byte>
        {
            8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, (byte)components,
        };
        var scan = new List<byte> { (byte)components };
        for (int c = 1; c <= components; c++)
        {
            frame.AddRange([(byte)c, (byte)(c == 1 ? sampling * 0x11 : 0x11), 0]);
            scan.AddRange([(byte)c, 0]);
        }
        Segment(file, 0xC0, frame);
        // Twelve codes of four bits for the size of a difference, one of one bit for the end.
        Segment(file, 0xC4,
            [0, 0, 0, 0, 12, .. new byte[12], .. Enumerable.Range(0, 12).Select(i => (byte)i)]);
        Segment(file, 0xC4, [0x10, 1, .. new byte[15], 0]);
        Segment(file, 0xDA, [.. scan, 0, 63, 0]);
        int unit = 8 * sampling;
        int units = (width + unit - 1) / unit * ((height + unit - 1) / unit);
        int blocks = units * ((sampling * sampling) + components - 1);
        file.AddRange(Scan(blocks));
        file.AddRange([0xFF, 0xD9]);
        return [.. file];
    }

    /// <summary>The content of an APP1 segment that says how the camera was held.</summary>
    public static byte[] Exif(int orientation, bool little) => little
        ? [.. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 2, 0, 0x0F, 1, 2, 0, 1, 0, 0, 0, 65, 0, 0, 0,
            0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0]
        : [.. "Exif\0\0MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1,
            0, (byte)orientation, 0, 0, 0, 0, 0, 0];

    private static void Segment(List<byte> file, byte marker, IReadOnlyList<byte> content)
    {
        int length = content.Count + 2;
        file.AddRange([0xFF, marker, (byte)(length >> 8), (byte)length, .. content]);
    }

    /// <summary>Levels up and down in turn: size 3 (code 0011), +5 or -5, end (0).</summary>
    private static List<byte> Scan(int blocks)
    {
        var bytes = new List<byte>();
        // 0011 101 0 up, 0011 010 0 down: a byte each, and none of them 0xFF.
        for (int i = 0; i < blocks; i++)
        {
            bytes.Add((byte)(i % 2 == 0 ? 0b0011_1010 : 0b0011_0100));
        }
        return bytes;
    }
}
