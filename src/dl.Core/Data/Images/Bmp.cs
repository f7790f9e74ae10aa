// BMP, uncompressed: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, the first and the last
// with masks where the header says so. Rows are padded to 4 bytes and run from the bottom unless
// the height is negative. Alpha is passed over: few writers fill it.
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Reads BMP of Windows (headers of 40 bytes and more) and OS/2 (12 bytes).</summary>
internal static class Bmp
{
    private const int FileHeader = 14, OldHeader = 12, NewHeader = 40;

    /// <summary>Values of the compression field.</summary>
    private const int Plain = 0, Rle8 = 1, Rle4 = 2, Masks = 3, Rle24 = 4, AlphaMasks = 6;

    private readonly record struct Header(
        int Width, int Height, bool TopDown, int Bits, int PixelsAt, Palette Palette,
        BmpChannel Red, BmpChannel Green, BmpChannel Blue);

    /// <summary>Entries of blue, green, red, and but for OS/2 an unused byte.</summary>
    private readonly record struct Palette(int At, int Entry, int Colors);

    public static bool Detect(byte[] bytes) =>
        bytes is [(byte)'B', (byte)'M', ..] && bytes.Length >= FileHeader + OldHeader
        && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(FileHeader))
            is OldHeader or (>= NewHeader and <= 256);

    public static ImageInfo Identify(byte[] bytes)
    {
        Header header = Parse(bytes);
        return new ImageInfo("bmp", header.Width, header.Height, IsGrey(bytes, header) ? 1 : 3);
    }

    public static Image Decode(byte[] bytes)
    {
        Header header = Parse(bytes);
        int channels = IsGrey(bytes, header) ? 1 : 3;
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
            if (header.Bits <= 8)
            {
                FromPalette(bytes, header, row, output, channels);
            }
            else if (header.Bits == 24)
            {
                for (int i = 0; i < output.Length; i += 3)
                {
                    (output[i], output[i + 1], output[i + 2]) = (row[i + 2], row[i + 1], row[i]);
                }
            }
            else
            {
                FromMasks(header, row, output);
            }
        }
        return new Image(header.Width, header.Height, channels, pixels);
    }

    private static void FromPalette(
        ReadOnlySpan<byte> bytes, Header header, ReadOnlySpan<byte> row, Span<byte> output,
        int channels)
    {
        int mask = (1 << header.Bits) - 1;
        for (int x = 0; x < header.Width; x++)
        {
            int bit = x * header.Bits;
            int color = (row[bit >> 3] >> (8 - header.Bits - (bit & 7))) & mask;
            if (color >= header.Palette.Colors)
            {
                throw new DataException(
                    $"BMP pixel with palette colour {color}, the palette has "
                    + $"{header.Palette.Colors}");
            }
            ReadOnlySpan<byte> bgr = bytes[(header.Palette.At + (color * header.Palette.Entry))..];
            for (int c = 0; c < channels; c++)
            {
                output[(x * channels) + c] = bgr[2 - c];
            }
        }
    }

    private static void FromMasks(Header header, ReadOnlySpan<byte> row, Span<byte> output)
    {
        for (int x = 0; x < header.Width; x++)
        {
            uint pixel = header.Bits == 16
                ? BinaryPrimitives.ReadUInt16LittleEndian(row[(x * 2)..])
                : BinaryPrimitives.ReadUInt32LittleEndian(row[(x * 4)..]);
            output[x * 3] = header.Red.Of(pixel);
            output[(x * 3) + 1] = header.Green.Of(pixel);
            output[(x * 3) + 2] = header.Blue.Of(pixel);
        }
    }

    private static Header Parse(ReadOnlySpan<byte> bytes)
    {
        int pixelsAt = BinaryPrimitives.ReadInt32LittleEndian(bytes[10..]);
        int size = BinaryPrimitives.ReadInt32LittleEndian(bytes[FileHeader..]);
        if (size == OldHeader)
        {
            return Make(
                bytes, pixelsAt, size, BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]),
                BinaryPrimitives.ReadUInt16LittleEndian(bytes[20..]),
                BinaryPrimitives.ReadUInt16LittleEndian(bytes[24..]), Plain, 0);
        }
        if (bytes.Length < FileHeader + size)
        {
            throw new DataException("BMP ends within its header; the file is cut off");
        }
        return Make(
            bytes, pixelsAt, size, BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]),
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[30..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[46..]));
    }

    private static Header Make(
        ReadOnlySpan<byte> bytes, int pixelsAt, int size, int width, int height, int bits,
        int compression, int colors)
    {
        ImageCodec.CheckSize(width, Math.Abs((long)height));
        CheckKind(bits, compression);
        int paletteAt = FileHeader + size;
        var palette = new Palette(paletteAt, size == OldHeader ? 3 : 4, 0);
        if (bits <= 8)
        {
            palette = palette with { Colors = colors == 0 ? 1 << bits : colors };
            if (palette.Colors is < 0 or > 256)
            {
                throw new DataException($"BMP with {colors} colours, expected at most 256");
            }
        }
        if (pixelsAt < paletteAt || pixelsAt > bytes.Length
            || paletteAt + (palette.Colors * palette.Entry) > bytes.Length)
        {
            throw new DataException("BMP header points outside of the file; it is damaged");
        }
        (BmpChannel red, BmpChannel green, BmpChannel blue) = compression == Plain
            ? BmpChannel.Usual(bits)
            : BmpChannel.Read(bytes);
        return new Header(
            width, Math.Abs(height), height < 0, bits, pixelsAt, palette, red, green, blue);
    }

    private static void CheckKind(int bits, int compression)
    {
        if (compression is Rle8 or Rle4 or Rle24)
        {
            throw new DataException(
                $"BMP with run-length compression ({compression}), which is not read, expected "
                + "none; convert it");
        }
        bool valid = compression switch
        {
            Plain => bits is 1 or 4 or 8 or 16 or 24 or 32,
            Masks or AlphaMasks => bits is 16 or 32,
            _ => false,
        };
        if (!valid)
        {
            throw new DataException(
                $"BMP with {bits} bits and compression {compression}, expected 1, 4, 8, 16, 24 or "
                + "32 bits without compression; convert it");
        }
    }

    /// <summary>A palette of greys makes a grey picture.</summary>
    private static bool IsGrey(ReadOnlySpan<byte> bytes, Header header)
    {
        if (header.Bits > 8)
        {
            return false;
        }
        for (int i = 0; i < header.Palette.Colors; i++)
        {
            int at = header.Palette.At + (i * header.Palette.Entry);
            if (bytes[at] != bytes[at + 1] || bytes[at + 1] != bytes[at + 2])
            {
                return false;
            }
        }
        return true;
    }
}
