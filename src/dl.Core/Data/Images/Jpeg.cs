// JPEG (ITU-T T.81): the header is read here, the pixels by libjpeg-turbo, which can decode
// straight to 1/2, 1/4 or 1/8 of the size by computing only the low frequencies of each 8x8 block.
using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Dl.Data.Images;

/// <summary>Reads JPEG: grey, YCbCr, RGB, CMYK and YCCK; EXIF orientation is honoured.</summary>
internal static class Jpeg
{
    /// <summary>
    /// A unit has 32x32 pixels at most, and where it has, at least eight blocks (4x1 of one
    /// component, 1x4 of another) of one bit each. Arithmetic code could stay below on an empty
    /// picture; nobody keeps these.
    /// </summary>
    private const long MostPixelsOfOneByte = 1024;

    private readonly record struct Header(
        int Width, int Height, int Components, int Orientation, bool Adobe);

    public static bool Detect(byte[] bytes) => bytes is [0xFF, 0xD8, 0xFF, ..];

    public static ImageInfo Identify(byte[] bytes)
    {
        Header header = Parse(bytes);
        return new ImageInfo(
            "jpeg", header.Width, header.Height, header.Components == 1 ? 1 : 3,
            header.Orientation);
    }

    public static Stored Decode(byte[] bytes, Wanted wanted)
    {
        Header header = Parse(bytes);
        ImageCodec.CheckSize(header.Width, header.Height);
        CheckLength(header.Width, header.Height, bytes.Length);
        try
        {
            TurboJpegHandle handle = TurboJpeg.Borrow();
            Stored stored;
            string? damage = "";
            try
            {
                stored = Decompress(handle, bytes, header, wanted, out damage);
            }
            finally
            {
                TurboJpeg.GiveBack(handle, well: damage is null);
            }
            if (damage is null)
            {
                return stored;
            }
            if (IsHarmless(damage) || HasCoarse(bytes))
            {
                return stored with { Image = stored.Image with { Warning = damage } };
            }
            stored.Return();
            throw new DataException($"damaged JPEG ({damage})");
        }
        catch (DllNotFoundException error)
        {
            throw new DlException(error.Message, error);
        }
    }

    /// <param name="damage">What the library says of a file that it could read; or null.</param>
    private static unsafe Stored Decompress(
        TurboJpegHandle handle, byte[] bytes, Header header, Wanted wanted, out string? damage)
    {
        damage = null;
        fixed (byte* jpeg = bytes)
        {
            var size = new CULong((nuint)bytes.Length);
            if (TurboJpeg.DecompressHeader(
                handle, jpeg, size, out int width, out int height, out _, out int space) != 0)
            {
                damage = TurboJpeg.Error(handle);
            }
            // Two parsers of one header must agree before a buffer is sized by either.
            ImageCodec.CheckSize(width, height);
            CheckLength(width, height, bytes.Length);
            (int w, int h) = header.Orientation >= 5
                ? (wanted.Height, wanted.Width)
                : (wanted.Width, wanted.Height);
            int shrink = Shrink(width, height, w, h);
            (width, height) = ((width + shrink - 1) / shrink, (height + shrink - 1) / shrink);
            (int format, int samples) = space switch
            {
                TurboJpeg.SpaceGray => (TurboJpeg.PixelGray, 1),
                TurboJpeg.SpaceYCbCr when wanted.Channels == 1 => (TurboJpeg.PixelGray, 1),
                TurboJpeg.SpaceCmyk or TurboJpeg.SpaceYcck => (TurboJpeg.PixelCmyk, 4),
                _ => (TurboJpeg.PixelRgb, 3),
            };
            int length = checked(width * height * samples);
            // Inks are turned into an array of their own.
            bool rented = wanted.Rented && samples != 4;
            byte[] pixels = rented ? ArrayPool<byte>.Shared.Rent(length) : new byte[length];
            fixed (byte* output = pixels)
            {
                if (TurboJpeg.Decompress(
                    handle, jpeg, size, output, width, 0, height, format, TurboJpeg.Flags) != 0)
                {
                    damage = TurboJpeg.Error(handle) ?? damage;
                }
            }
            var image = new Image(width, height, samples, pixels);
            return new Stored(
                samples == 4 ? FromCmyk(image, header.Adobe) : image, header.Orientation)
            {
                Rented = rented ? pixels : null,
            };
        }
    }

    /// <summary>
    /// Whether a damaged file holds a whole picture of less detail: its coarse scans alone are
    /// decoded without complaint.
    /// </summary>
    private static bool HasCoarse(byte[] bytes)
    {
        if (JpegScans.Coarse(bytes) is not byte[] coarse)
        {
            return false;
        }
        using TurboJpegHandle handle = TurboJpeg.InitDecompress();
        Decompress(handle, coarse, Parse(coarse), new Wanted(1, 1), out string? damage);
        return damage is null || IsHarmless(damage);
    }

    /// <summary>
    /// The strongest of 8, 4, 2, 1 that leaves both extents no smaller than wanted.
    /// </summary>
    private static int Shrink(int width, int height, int wantedWidth, int wantedHeight)
    {
        if (wantedWidth <= 0 || wantedHeight <= 0)
        {
            return 1;
        }
        int shrink = 8;
        while (shrink > 1 && (width / shrink < wantedWidth || height / shrink < wantedHeight))
        {
            shrink /= 2;
        }
        return shrink;
    }

    /// <summary>
    /// The library also fails softly. Stray bytes between segments harm nothing and are warned of,
    /// as the library does; missing data leave a half-grey picture, which must not be learnt from.
    /// </summary>
    private static bool IsHarmless(string damage) =>
        damage.Contains("extraneous bytes", StringComparison.OrdinalIgnoreCase)
        || damage.Contains("JFIF", StringComparison.Ordinal)
        || damage.Contains("Adobe", StringComparison.Ordinal);

    /// <summary>Refuses before allocating what the file cannot fill.</summary>
    private static void CheckLength(int width, int height, int length)
    {
        if ((long)width * height > length * MostPixelsOfOneByte)
        {
            throw new DataException(
                $"JPEG of {width} x {height} pixels in {length} bytes, which cannot hold them; "
                + "the file is cut off or damaged");
        }
    }

    /// <summary>Ink to light. Adobe's writers store the inks inverted, others do not.</summary>
    private static Image FromCmyk(Image image, bool inverted)
    {
        var pixels = new byte[checked((long)image.Width * image.Height * 3)];
        ReadOnlySpan<byte> inks = image.Pixels;
        for (int i = 0, o = 0; i < inks.Length; i += 4, o += 3)
        {
            int black = inverted ? inks[i + 3] : 255 - inks[i + 3];
            for (int c = 0; c < 3; c++)
            {
                int light = inverted ? inks[i + c] : 255 - inks[i + c];
                pixels[o + c] = (byte)(((light * black) + 127) / 255);
            }
        }
        return new Image(image.Width, image.Height, 3, pixels);
    }

    /// <summary>Walks the segments up to the frame header.</summary>
    private static Header Parse(ReadOnlySpan<byte> bytes)
    {
        int orientation = 1;
        bool adobe = false;
        int at = 2;
        while (at + 4 <= bytes.Length)
        {
            if (bytes[at] != 0xFF)
            {
                at++;
                continue;
            }
            int marker = bytes[at + 1];
            if (marker is 0xFF or 0x00 or 0x01 or (>= 0xD0 and <= 0xD8))
            {
                // Fill bytes and markers that stand alone.
                at += marker == 0xFF ? 1 : 2;
                continue;
            }
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if (length < 2 || at + 2 + length > bytes.Length || marker is 0xD9 or 0xDA)
            {
                break;
            }
            ReadOnlySpan<byte> segment = bytes.Slice(at + 4, length - 2);
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && segment.Length >= 6)
            {
                return new Header(
                    BinaryPrimitives.ReadUInt16BigEndian(segment[3..]),
                    BinaryPrimitives.ReadUInt16BigEndian(segment[1..]),
                    segment[5], orientation, adobe || FollowedByAdobe(bytes[(at + 2 + length)..]));
            }
            if (marker == 0xE1 && orientation == 1)
            {
                orientation = Exif.Orientation(segment);
            }
            adobe |= marker == 0xEE && segment.StartsWith("Adobe"u8);
            at += 2 + length;
        }
        throw new DataException("JPEG without a frame header; the file is cut off or damaged");
    }

    /// <summary>An Adobe segment usually comes before the frame header, but need not.</summary>
    private static bool FollowedByAdobe(ReadOnlySpan<byte> rest)
    {
        while (rest.Length >= 9 && rest[0] == 0xFF && rest[1] != 0xDA)
        {
            if (rest[1] == 0xEE && rest[4..].StartsWith("Adobe"u8))
            {
                return true;
            }
            int next = 2 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (next > rest.Length)
            {
                break;
            }
            rest = rest[next..];
        }
        return false;
    }
}
