// Small good pictures of every kind that the decoders know, as a corpus to damage.
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Dl.Data.Images;

namespace Dl.Tests.Fuzzing;

internal static class PictureSeeds
{
    public static List<byte[]> Png()
    {
        var seeds = new List<byte[]>();
        foreach (var (color, depths) in new (int, int[])[]
            { (0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16]) })
        {
            foreach (int depth in depths)
            {
                seeds.Add(Png(9, 5, color, depth, interlaced: false));
                seeds.Add(Png(9, 9, color, depth, interlaced: true));
            }
        }
        seeds.Add(PngWriter.Encode(new Image(7, 6, 3, Noise(126))));
        return seeds;
    }

    public static List<byte[]> Pnm() =>
    [
        Encoding.ASCII.GetBytes("P1\n# bits\n5 3\n1 0 1 0 1\n01010\n1 1 1 0 0\n"),
        Encoding.ASCII.GetBytes("P2 4 2 15\n0 1 2 3\n12 13 14 15\n"),
        Encoding.ASCII.GetBytes("P3\n2 2\n255\n1 2 3 4 5 6\n7 8 9 10 11 12\n"),
        [.. "P4 11 3\n"u8, .. Noise(6)],
        [.. "P5 7 5 255\n"u8, .. Noise(35)],
        [.. "P5 3 5 65535\n"u8, .. Noise(30)],
        [.. "P6 #\n4 3 200\n"u8, .. Noise(36)],
    ];

    public static List<byte[]> Bmp() =>
        [Bmp(5, 3, 24, 0), Bmp(5, -3, 32, 0), Bmp(6, 4, 8, 256), Bmp(6, -4, 8, 4)];

    public static List<byte[]> Jpeg() =>
    [
        JpegMaker.Make(17, 9, 1), JpegMaker.Make(20, 33, 3, orientation: 6),
        JpegMaker.Make(8, 8, 4), JpegMaker.Make(40, 16, 3, orientation: 1),
    ];

    /// <summary>Right checksums for all chunks whose length fits.</summary>
    public static byte[] RepairPng(byte[] png)
    {
        for (long at = 8; at + 12 <= png.Length;)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan((int)at));
            if (at + 12 + length > png.Length)
            {
                break;
            }
            uint sum = Crc32.Compute(png.AsSpan((int)at + 4, (int)length + 4));
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan((int)(at + 8 + length)), sum);
            at += 12 + length;
        }
        return png;
    }

    private static byte[] Png(int width, int height, int color, int depth, bool interlaced)
    {
        int bits = depth * color switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        (int X, int Y, int StepX, int StepY)[] passes = interlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                (0, 1, 1, 2)]
            : [(0, 0, 1, 1)];
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            foreach (var pass in passes)
            {
                int columns = (width - pass.X + pass.StepX - 1) / pass.StepX;
                for (int y = pass.Y; columns > 0 && y < height; y += pass.StepY)
                {
                    // Palettes have all the colours that their depth can name.
                    zlib.WriteByte((byte)(color == 3 ? 0 : y % 5));
                    zlib.Write(Noise(((columns * bits) + 7) / 8));
                }
            }
        }
        var file = new List<byte> { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A };
        Chunk(file, "IHDR"u8, [0, 0, 0, (byte)width, 0, 0, 0, (byte)height, (byte)depth,
            (byte)color, 0, 0, (byte)(interlaced ? 1 : 0)]);
        if (color == 3)
        {
            Chunk(file, "PLTE"u8, Noise(3 << depth));
        }
        if (!interlaced && color is 0 or 2 or 3)
        {
            Chunk(file, "tRNS"u8, Noise(color == 0 ? 2 : color == 2 ? 6 : 1 << depth));
        }
        Chunk(file, "IDAT"u8, data.ToArray());
        Chunk(file, "IEND"u8, []);
        return RepairPng([.. file]);
    }

    private static void Chunk(List<byte> file, ReadOnlySpan<byte> type, byte[] data)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        file.AddRange([.. length, .. type, .. data, 0, 0, 0, 0]);
    }

    private static byte[] Bmp(int width, int height, int bits, int colors)
    {
        int stride = ((width * bits) + 31) / 32 * 4;
        int at = 54 + (colors * 4);
        var bmp = new byte[at + (stride * Math.Abs(height))];
        Noise(bmp.Length).CopyTo(bmp, 0);
        bmp.AsSpan(0, 54).Clear();
        "BM"u8.CopyTo(bmp);
        foreach (var (place, value) in new[]
            { (2, bmp.Length), (10, at), (14, 40), (18, width), (22, height), (46, colors) })
        {
            BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(place), value);
        }
        (bmp[26], bmp[28]) = (1, (byte)bits);
        return bmp;
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
