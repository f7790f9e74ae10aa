// Writes PNG: grey, RGB or RGBA, 8 bits. Each row takes the filter whose residuals, as signed
// bytes, have the smallest sum of magnitudes (the heuristic that the PNG specification suggests).
using System.Buffers.Binary;
using System.IO.Compression;

namespace Dl.Data.Images;

/// <summary>Encodes pictures as PNG.</summary>
public static class PngWriter
{
    /// <summary>The file's bytes.</summary>
    public static byte[] Encode(Image image)
    {
        int color = image.Channels switch { 1 => 0, 2 => 4, 3 => 2, 4 => 6, _ => -1 };
        int rowBytes = checked(image.Width * image.Channels);
        if (color < 0 || image.Pixels.Length != (long)rowBytes * image.Height)
        {
            throw new ArgumentException(
                $"picture {image.Width}x{image.Height}x{image.Channels} with "
                + $"{image.Pixels.Length} bytes cannot be written as PNG", nameof(image));
        }
        using var file = new MemoryStream();
        file.Write(Png.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        (header[8], header[9]) = (8, (byte)color);
        header[10..].Clear();
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, Compress(image, rowBytes));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    public static void Write(string path, Image image) => File.WriteAllBytes(path, Encode(image));

    private static byte[] Compress(Image image, int rowBytes)
    {
        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var above = new byte[rowBytes];
            var best = new byte[rowBytes + 1];
            var trial = new byte[rowBytes + 1];
            for (int y = 0; y < image.Height; y++)
            {
                ReadOnlySpan<byte> row = image.Pixels.AsSpan(y * rowBytes, rowBytes);
                long bestCost = long.MaxValue;
                for (int filter = 0; filter <= 4; filter++)
                {
                    long cost = Filter(filter, row, above, image.Channels, trial);
                    if (cost < bestCost)
                    {
                        (best, trial, bestCost) = (trial, best, cost);
                    }
                }
                zlib.Write(best);
                row.CopyTo(above);
            }
        }
        return compressed.ToArray();
    }

    /// <summary>Filters a row; returns the sum of the residuals' magnitudes.</summary>
    private static long Filter(
        int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int back, Span<byte> output)
    {
        output[0] = (byte)filter;
        long cost = 0;
        for (int i = 0; i < row.Length; i++)
        {
            (int left, int corner) = i >= back ? (row[i - back], above[i - back]) : (0, 0);
            int prediction = filter switch
            {
                0 => 0,
                1 => left,
                2 => above[i],
                3 => (left + above[i]) >> 1,
                _ => PngFilter.Paeth(left, above[i], corner),
            };
            byte residual = (byte)(row[i] - prediction);
            output[i + 1] = residual;
            cost += Math.Abs((int)(sbyte)residual);
        }
        return cost;
    }

    private static void WriteChunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, data.Length);
        file.Write(word);
        file.Write(type);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(word, Crc32.Compute(data, Crc32.Compute(type)));
        file.Write(word);
    }
}
