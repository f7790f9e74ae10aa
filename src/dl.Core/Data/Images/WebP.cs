// WebP (RFC 9649): a RIFF container whose first chunk is `VP8 ` (lossy), `VP8L` (lossless) or
// `VP8X` (extended: the canvas, and flags that announce alpha, animation, EXIF). The container is
// read here, the pixels are decoded by libwebp. A chunk: name, length, data, padded to even length.
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Reads still WebP pictures, lossy and lossless; EXIF orientation is honoured.</summary>
internal static class WebP
{
    private const int RiffHeader = 12, ChunkHeader = 8;
    private const int AnimationFlag = 0x02, ExifFlag = 0x08, AlphaFlag = 0x10;

    /// <summary>
    /// A picture of one colour takes no bits for its pixels, so this is no limit of the format; but
    /// what is larger than a megapixel and denser than this is no picture to learn from.
    /// </summary>
    private const long MostPixelsOfOneByte = 1 << 15, SmallPixels = 1 << 20;

    private readonly record struct Header(int Width, int Height, bool Alpha, int Orientation);

    public static bool Detect(byte[] bytes) =>
        bytes.Length >= RiffHeader && bytes.AsSpan().StartsWith("RIFF"u8)
        && bytes.AsSpan(8).StartsWith("WEBP"u8);

    /// <summary>EXIF data come last: where they are announced, all of the file is needed.</summary>
    public static ImageInfo Identify(byte[] bytes)
    {
        Header header = Parse(bytes);
        return new ImageInfo("webp", header.Width, header.Height, 3, header.Orientation);
    }

    /// <summary>RGB, or RGBA where the file has alpha.</summary>
    public static unsafe Stored Decode(byte[] bytes)
    {
        Header header = Parse(bytes);
        ImageCodec.CheckSize(header.Width, header.Height);
        CheckWhole(bytes);
        CheckLength(header, bytes.Length);
        int channels = header.Alpha ? 4 : 3;
        try
        {
            fixed (byte* data = bytes)
            {
                var size = (nuint)bytes.Length;
                // Two parsers of one header must agree before a buffer is sized by either.
                if (LibWebP.GetInfo(data, size, out int width, out int height) == 0
                    || (width, height) != (header.Width, header.Height))
                {
                    throw new DataException("damaged WebP (its headers contradict each other)");
                }
                int stride = width * channels;
                var pixels = new byte[checked((long)stride * height)];
                fixed (byte* output = pixels)
                {
                    var capacity = (nuint)pixels.Length;
                    byte* decoded = header.Alpha
                        ? LibWebP.DecodeRgba(data, size, output, capacity, stride)
                        : LibWebP.DecodeRgb(data, size, output, capacity, stride);
                    if (decoded == null)
                    {
                        throw new DataException("damaged WebP (its pixels cannot be decoded)");
                    }
                }
                return new Stored(
                    new Image(width, height, channels, pixels), header.Orientation);
            }
        }
        catch (DllNotFoundException error)
        {
            throw new DlException(error.Message, error);
        }
    }

    private static Header Parse(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> chunk = bytes[RiffHeader..];
        // The longest of the three headers below is 10 bytes.
        if (chunk.Length < ChunkHeader + 10)
        {
            throw new DataException("WebP ends before its header; the file is cut off");
        }
        ReadOnlySpan<byte> data = chunk[ChunkHeader..];
        if (chunk.StartsWith("VP8X"u8))
        {
            return ParseExtended(bytes, data);
        }
        if (chunk.StartsWith("VP8L"u8) && data[0] == 0x2F)
        {
            // 14 bits of width - 1, 14 of height - 1, one of alpha, three of version.
            uint fields = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
            return new Header(
                (int)(fields & 0x3FFF) + 1, (int)((fields >> 14) & 0x3FFF) + 1,
                (fields & 0x10000000) != 0, 1);
        }
        // A key frame's tag of three bytes, its start code, then 14 bits each under 2 of scaling.
        if (chunk.StartsWith("VP8 "u8) && data[3..6] is [0x9D, 0x01, 0x2A])
        {
            return new Header(
                BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF,
                BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF, false, 1);
        }
        throw new DataException("WebP without a picture header; the file is damaged");
    }

    private static Header ParseExtended(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> data)
    {
        int flags = data[0];
        if ((flags & AnimationFlag) != 0)
        {
            throw new DataException(
                "an animated WebP, expected a single picture; extract its frames");
        }
        int orientation = (flags & ExifFlag) != 0 ? Orientation(bytes) : 1;
        return new Header(
            UInt24(data[4..]) + 1, UInt24(data[7..]) + 1, (flags & AlphaFlag) != 0, orientation);
    }

    /// <summary>Of the EXIF chunk; some writers put JPEG's prefix before its TIFF.</summary>
    private static int Orientation(ReadOnlySpan<byte> bytes)
    {
        CheckWhole(bytes);
        ReadOnlySpan<byte> rest = bytes[RiffHeader..];
        while (rest.Length >= ChunkHeader)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            long next = ChunkHeader + length + (length & 1L);
            if (ChunkHeader + (long)length > rest.Length)
            {
                break;
            }
            if (rest.StartsWith("EXIF"u8))
            {
                ReadOnlySpan<byte> exif = rest.Slice(ChunkHeader, (int)length);
                return exif.StartsWith("Exif"u8) ? Exif.Orientation(exif) : Exif.OfTiff(exif);
            }
            if (next >= rest.Length)
            {
                break;
            }
            rest = rest[(int)next..];
        }
        return 1;
    }

    /// <summary>Refuses before allocating what such a file hardly fills.</summary>
    private static void CheckLength(Header header, int length)
    {
        long pixels = (long)header.Width * header.Height;
        if (pixels > SmallPixels && pixels > length * MostPixelsOfOneByte)
        {
            throw new DataException(
                $"WebP of {header.Width} x {header.Height} pixels in {length} bytes, expected at "
                + $"least {pixels / MostPixelsOfOneByte}; the file is damaged or holds one colour");
        }
    }

    private static void CheckWhole(ReadOnlySpan<byte> bytes)
    {
        long size = 8L + BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (bytes.Length < size)
        {
            throw new DataException(
                $"WebP of {bytes.Length} bytes, its header says {size}; the file is cut off");
        }
    }

    private static int UInt24(ReadOnlySpan<byte> bytes) =>
        bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
}
