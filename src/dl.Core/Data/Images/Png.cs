// PNG (ISO/IEC 15948): signature, then chunks of length, type, data, CRC-32. IDAT chunks together
// are one zlib stream of rows; each row starts with its filter type. Interlaced pictures (Adam7)
// are seven small pictures, one after another. All colour types and depths; 16 bits are cut to 8.
using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace Dl.Data.Images;

/// <summary>Reads PNG.</summary>
internal static class Png
{
    private const int Ihdr = 0x49484452, Plte = 0x504C5445, Trns = 0x74524E53;
    private const int Idat = 0x49444154, Iend = 0x49454E44;

    /// <summary>Deflate makes at most so many bytes of one: 258 of a code of two bits.</summary>
    private const long MostOfOneByte = 1032;

    internal static ReadOnlySpan<byte> Signature =>
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static readonly Pass[] Passes =
    [
        new(0, 0, 8, 8), new(4, 0, 8, 8), new(0, 4, 4, 8), new(2, 0, 4, 4), new(0, 2, 2, 4),
        new(1, 0, 2, 2), new(0, 1, 1, 2),
    ];

    /// <summary>Start and step of the columns and rows of one Adam7 pass.</summary>
    private readonly record struct Pass(int X, int Y, int StepX, int StepY)
    {
        /// <summary>Pixels of the pass across and down; 0 in pictures too small for it.</summary>
        public (int Width, int Height) Extents(Header header) => (
            (header.Width - X + StepX - 1) / StepX, (header.Height - Y + StepY - 1) / StepY);
    }

    private readonly record struct Header(
        int Width, int Height, int Depth, int Color, bool Interlaced)
    {
        /// <summary>Samples a pixel as stored: a palette index is one.</summary>
        public int Samples => Color switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

        public int BitsPerPixel => Samples * Depth;

        public int RowBytes(int width) => checked((int)((((long)width * BitsPerPixel) + 7) / 8));
    }

    /// <summary>Everything of the file that decoding needs.</summary>
    private sealed class Parts
    {
        public Header Header { get; set; }

        public byte[]? Palette { get; set; }

        public byte[]? Transparency { get; set; }

        public MemoryStream Data { get; } = new();
    }

    public static bool Detect(byte[] bytes) => bytes.AsSpan().StartsWith(Signature);

    public static ImageInfo Identify(byte[] bytes)
    {
        ReadOnlySpan<byte> rest = bytes.AsSpan(Signature.Length);
        ReadOnlySpan<byte> data = NextChunk(ref rest, out int type);
        Header header = ParseHeader(type, data);
        return new ImageInfo(
            "png", header.Width, header.Height, header.Color is 0 or 4 ? 1 : 3, Bits: header.Depth);
    }

    /// <summary>Grey, grey + alpha, RGB or RGBA, 8 bits; alpha where the file has any.</summary>
    public static Stored Decode(byte[] bytes, Wanted wanted)
    {
        Parts parts = ReadChunks(bytes);
        Header header = parts.Header;
        CheckLength(header, parts.Data.Length);
        int channels = header.Color switch
        {
            0 => parts.Transparency is null ? 1 : 2,
            4 => 2,
            6 => 4,
            _ => parts.Transparency is null ? 3 : 4,
        };
        int length = checked(header.Width * header.Height * channels);
        // All of it is written: every pixel lies in one pass.
        byte[] pixels = wanted.Rented ? ArrayPool<byte>.Shared.Rent(length) : new byte[length];
        var image = new Image(header.Width, header.Height, channels, pixels);
        parts.Data.Position = 0;
        using var zlib = new ZLibStream(parts.Data, CompressionMode.Decompress);
        foreach (Pass pass in PassesOf(header))
        {
            DecodePass(zlib, parts, image, pass);
        }
        return new Stored(image) { Rented = wanted.Rented ? pixels : null };
    }

    /// <summary>Refuses before allocating what the file cannot fill.</summary>
    private static void CheckLength(Header header, long stored)
    {
        long needed = 0;
        foreach (Pass pass in PassesOf(header))
        {
            (int width, int height) = pass.Extents(header);
            needed += width == 0 ? 0 : (header.RowBytes(width) + 1L) * height;
        }
        if (needed > stored * MostOfOneByte)
        {
            throw new DataException(
                $"PNG of {header.Width} x {header.Height} pixels with {stored} bytes of pixel "
                + "data, which cannot hold them; the file is cut off or damaged");
        }
    }

    private static Pass[] PassesOf(Header header) =>
        header.Interlaced ? Passes : [new Pass(0, 0, 1, 1)];

    private static Parts ReadChunks(byte[] bytes)
    {
        var parts = new Parts();
        ReadOnlySpan<byte> rest = bytes.AsSpan(Signature.Length);
        ReadOnlySpan<byte> first = NextChunk(ref rest, out int type);
        parts.Header = ParseHeader(type, first);
        ImageCodec.CheckSize(parts.Header.Width, parts.Header.Height);
        while (true)
        {
            ReadOnlySpan<byte> data = NextChunk(ref rest, out type);
            switch (type)
            {
                case Plte:
                    if (data.Length is 0 or > 768 || data.Length % 3 != 0)
                    {
                        throw new DataException($"PNG palette of {data.Length} bytes, expected 3n");
                    }
                    parts.Palette = data.ToArray();
                    break;
                case Trns:
                    parts.Transparency = CheckTransparency(parts.Header, data).ToArray();
                    break;
                case Idat:
                    parts.Data.Write(data);
                    break;
                case Iend:
                    if (parts.Data.Length == 0)
                    {
                        throw new DataException("PNG without pixel data (no IDAT chunk)");
                    }
                    if (parts.Header.Color == 3 && parts.Palette is null)
                    {
                        throw new DataException("PNG with palette colours but no palette");
                    }
                    return parts;
                default:
                    // Bit 5 of the first letter is clear for chunks that must be understood.
                    if ((type & 0x20000000) == 0)
                    {
                        throw new DataException("PNG with an unknown critical chunk");
                    }
                    break;
            }
        }
    }

    private static ReadOnlySpan<byte> NextChunk(ref ReadOnlySpan<byte> rest, out int type)
    {
        if (rest.Length < 12)
        {
            throw new DataException("PNG ends before its last chunk; the file is cut off");
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length > rest.Length - 12)
        {
            throw new DataException("PNG chunk is longer than the file; it is cut off");
        }
        type = BinaryPrimitives.ReadInt32BigEndian(rest[4..]);
        ReadOnlySpan<byte> data = rest.Slice(8, (int)length);
        uint expected = BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + (int)length)..]);
        if (Crc32.Compute(rest.Slice(4, (int)length + 4)) != expected)
        {
            throw new DataException("PNG chunk with a wrong checksum; the file is damaged");
        }
        rest = rest[(12 + (int)length)..];
        return data;
    }

    private static Header ParseHeader(int type, ReadOnlySpan<byte> data)
    {
        if (type != Ihdr || data.Length != 13)
        {
            throw new DataException("PNG does not start with its header");
        }
        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        ImageCodec.CheckSize(width, height);
        (int depth, int color) = (data[8], data[9]);
        bool valid = color switch
        {
            0 => depth is 1 or 2 or 4 or 8 or 16,
            3 => depth is 1 or 2 or 4 or 8,
            2 or 4 or 6 => depth is 8 or 16,
            _ => false,
        };
        if (!valid || data[10] != 0 || data[11] != 0 || data[12] > 1)
        {
            throw new DataException(
                $"PNG header: colour type {color} with depth {depth}, compression {data[10]}, "
                + $"filter {data[11]}, interlace {data[12]}; there is no such PNG");
        }
        return new Header((int)width, (int)height, depth, color, data[12] == 1);
    }

    private static ReadOnlySpan<byte> CheckTransparency(Header header, ReadOnlySpan<byte> data)
    {
        bool valid = header.Color switch
        {
            0 => data.Length == 2,
            2 => data.Length == 6,
            3 => data.Length is > 0 and <= 256,
            _ => false,
        };
        return valid
            ? data
            : throw new DataException("PNG with a transparency chunk that does not fit");
    }

    private static void DecodePass(Stream zlib, Parts parts, Image image, Pass pass)
    {
        Header header = parts.Header;
        (int width, int height) = pass.Extents(header);
        if (width == 0 || height == 0)
        {
            return;
        }
        int rowBytes = header.RowBytes(width);
        int back = Math.Max(1, header.BitsPerPixel / 8);
        var row = new byte[rowBytes + 1 + PngFilter.Room];
        var above = new byte[row.Length];
        var expander = new PngExpander(
            header.Depth, header.Color, parts.Palette, parts.Transparency, image.Channels);
        for (int y = 0; y < height; y++)
        {
            zlib.ReadExactly(row, 0, rowBytes + 1);
            PngFilter.Undo(row[0], row.AsSpan(1, rowBytes), above.AsSpan(1, rowBytes), back);
            long pixel = ((long)(pass.Y + (y * pass.StepY)) * image.Width) + pass.X;
            long start = pixel * image.Channels;
            expander.Expand(
                row.AsSpan(1, rowBytes), image.Pixels.AsSpan((int)start), width,
                pass.StepX * image.Channels);
            (row, above) = (above, row);
        }
    }
}
