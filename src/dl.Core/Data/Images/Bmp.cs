// BMP, uncompressed: 8 bits with a palette, 24 and 32 bits. Rows are padded to 4 bytes and run from
// the bottom unless the height is negative. 32 bits count as RGB: few writers fill the fourth byte.
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Reads BMP.</summary>
internal static class Bmp
{
    private const int FileHeader = 14;

    private readonly record struct Header(
        int Width, int Height, bool TopDown, int Bits, int PixelsAt, int PaletteAt, int Colors);

    public static bool Detect(byte[] bytes) =>
        bytes is [(byte)'B', (byte)'M', ..] && bytes.Length >= FileHeader + 40
        && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(FileHeader)) is >= 40 and <= 256;

    public static ImageInfo Identify(byte[] bytes)
    {
        Header header = Parse(bytes);
        return new ImageInfo("bmp", header.Width, header.Height, IsGrey(bytes, header) ? 1 : 3);
    }

    public static Image Decode(byte[] bytes)
    {
        Header header = Parse(bytes);
        int channels = IsGrey(bytes, header) ? 1 : 3;
        int step = header.Bits / 8;
        long stride = (((long)header.Width * header.Bits) + 31) / 32 * 4;
        if (header.PixelsAt + (stride * header.Height) > bytes.Length)
        {
            throw new DataException("BMP ends before its last row; the file is cut off");
        }
        var pixels = new byte[checked((long)header.Width * header.Height * channels)];
        for (int y = 0; y < header.Height; y++)
        {
            int stored = header.TopDown ? y : header.Height - 1 - y;
            ReadOnlySpan<byte> row = bytes.AsSpan((int)(header.PixelsAt + (stored * stride)));
            Span<byte> output = pixels.AsSpan(y * header.Width * channels, header.Width * channels);
            for (int x = 0; x < header.Width; x++)
            {
                ReadOnlySpan<byte> bgr = row[(x * step)..];
                if (header.Bits == 8)
                {
                    int color = Math.Min((int)bgr[0], header.Colors - 1);
                    bgr = bytes.AsSpan(header.PaletteAt + (color * 4));
                }
                output[x * channels] = bgr[2];
                if (channels == 3)
                {
                    output[(x * 3) + 1] = bgr[1];
                    output[(x * 3) + 2] = bgr[0];
                }
            }
        }
        return new Image(header.Width, header.Height, channels, pixels);
    }

    private static Header Parse(byte[] bytes)
    {
        ReadOnlySpan<byte> data = bytes;
        int pixelsAt = BinaryPrimitives.ReadInt32LittleEndian(data[10..]);
        int size = BinaryPrimitives.ReadInt32LittleEndian(data[14..]);
        int width = BinaryPrimitives.ReadInt32LittleEndian(data[18..]);
        int height = BinaryPrimitives.ReadInt32LittleEndian(data[22..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(data[28..]);
        int compression = BinaryPrimitives.ReadInt32LittleEndian(data[30..]);
        int colors = BinaryPrimitives.ReadInt32LittleEndian(data[46..]);
        ImageCodec.CheckSize(width, Math.Abs((long)height));
        // 3 says that masks follow the header; in 32 bits they are the usual ones nearly always.
        if (bits is not (8 or 24 or 32) || compression is not (0 or 3)
            || (compression == 3 && bits != 32))
        {
            throw new DataException(
                $"BMP with {bits} bits and compression {compression}, expected 8, 24 or 32 bits "
                + "without compression; convert it");
        }
        if (bits == 8 && colors is < 0 or > 256)
        {
            throw new DataException($"BMP with {colors} colours, expected at most 256");
        }
        int used = colors == 0 ? 256 : colors;
        int paletteAt = FileHeader + size;
        bool palette = bits != 8 || paletteAt + (used * 4) <= bytes.Length;
        if (pixelsAt < paletteAt || pixelsAt > bytes.Length || !palette)
        {
            throw new DataException("BMP header points outside of the file; it is damaged");
        }
        return new Header(width, Math.Abs(height), height < 0, bits, pixelsAt, paletteAt, used);
    }

    /// <summary>A palette of greys makes a grey picture.</summary>
    private static bool IsGrey(byte[] bytes, Header header)
    {
        if (header.Bits != 8)
        {
            return false;
        }
        for (int i = 0; i < header.Colors; i++)
        {
            ReadOnlySpan<byte> bgr = bytes.AsSpan(header.PaletteAt + (i * 4), 3);
            if (bgr[0] != bgr[1] || bgr[1] != bgr[2])
            {
                return false;
            }
        }
        return true;
    }
}
