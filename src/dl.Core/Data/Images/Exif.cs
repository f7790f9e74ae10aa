// EXIF orientation: tag 0x0112 of the first directory of the TIFF structure in a JPEG's APP1
// segment or in a WebP's EXIF chunk.
//   1 upright; 2 mirrored; 3 turned by 180; 4 flipped; 5 to 8 the same with rows as columns
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Finds and undoes the way a camera was held.</summary>
internal static class Exif
{
    private const int OrientationTag = 0x0112;

    /// <summary>Orientation 1..8 of an APP1 segment's content; 1 where there is none.</summary>
    public static int Orientation(ReadOnlySpan<byte> segment) =>
        segment.StartsWith("Exif\0\0"u8) ? OfTiff(segment[6..]) : 1;

    /// <summary>Orientation 1..8 of a bare TIFF structure; 1 where there is none.</summary>
    public static int OfTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8)
        {
            return 1;
        }
        bool little = tiff[0] == 'I';
        long directory = Word(tiff[4..], little);
        if (directory + 2 > tiff.Length)
        {
            return 1;
        }
        int entries = Half(tiff[(int)directory..], little);
        for (int i = 0; i < entries; i++)
        {
            long at = directory + 2 + (i * 12);
            if (at + 12 > tiff.Length)
            {
                return 1;
            }
            ReadOnlySpan<byte> entry = tiff.Slice((int)at, 12);
            if (Half(entry, little) == OrientationTag)
            {
                int value = Half(entry[8..], little);
                return value is >= 1 and <= 8 ? value : 1;
            }
        }
        return 1;
    }

    /// <summary>The picture as it is meant to be seen.</summary>
    public static Image Upright(Image image, int orientation)
    {
        if (orientation == 1)
        {
            return image;
        }
        (int width, int height) = orientation >= 5
            ? (image.Height, image.Width)
            : (image.Width, image.Height);
        int channels = image.Channels;
        var pixels = new byte[image.Pixels.Length];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                // Where the stored picture keeps what is to be seen at (x, y).
                (int sx, int sy) = orientation switch
                {
                    2 => (image.Width - 1 - x, y),
                    3 => (image.Width - 1 - x, image.Height - 1 - y),
                    4 => (x, image.Height - 1 - y),
                    5 => (y, x),
                    6 => (y, image.Height - 1 - x),
                    7 => (image.Width - 1 - y, image.Height - 1 - x),
                    _ => (image.Width - 1 - y, x),
                };
                image.Pixels.AsSpan(((sy * image.Width) + sx) * channels, channels)
                    .CopyTo(pixels.AsSpan(((y * width) + x) * channels));
            }
        }
        return new Image(width, height, channels, pixels);
    }

    private static int Half(ReadOnlySpan<byte> bytes, bool little) => little
        ? BinaryPrimitives.ReadUInt16LittleEndian(bytes)
        : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static uint Word(ReadOnlySpan<byte> bytes, bool little) => little
        ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
        : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
