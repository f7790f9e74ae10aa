// The one seam through which pictures come in: the format is found by the first bytes, never by the
// file name. PNG, PNM and BMP are decoded here; JPEG by libjpeg-turbo, WebP by libwebp.
namespace Dl.Data.Images;

/// <summary>Identifies, decodes and encodes pictures.</summary>
public static class ImageCodec
{
    /// <summary>Larger pictures are refused before anything is allocated for them.</summary>
    public const long MaxPixels = 178_000_000;

    /// <summary>A format: how its header looks and who reads it.</summary>
    private sealed record Format(
        string Name,
        Func<byte[], bool> Detect,
        Func<byte[], ImageInfo> Identify,
        Func<byte[], int, int, Image> Decode);

    private static readonly Format[] Formats =
    [
        new("png", Png.Detect, Png.Identify, (bytes, _, _) => Png.Decode(bytes)),
        new("jpeg", Jpeg.Detect, Jpeg.Identify, Jpeg.Decode),
        new("webp", WebP.Detect, WebP.Identify, (bytes, _, _) => WebP.Decode(bytes)),
        new("bmp", Bmp.Detect, Bmp.Identify, (bytes, _, _) => Bmp.Decode(bytes)),
        new("pnm", Pnm.Detect, Pnm.Identify, (bytes, _, _) => Pnm.Decode(bytes)),
    ];

    private static readonly string[] Extensions =
        [".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm", ".webp", ".gif"];

    /// <summary>Whether a file is called like a picture; its bytes decide later.</summary>
    public static bool IsImageName(string path)
    {
        string extension = Path.GetExtension(path);
        return Array.Exists(
            Extensions, e => e.Equals(extension, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Whether some format knows these first bytes (at least 12).</summary>
    public static bool IsImage(byte[] head) => Array.Exists(Formats, f => f.Detect(head));

    /// <summary>Reads the header.</summary>
    /// <exception cref="DataException">No known picture, damaged, or too large.</exception>
    public static ImageInfo Identify(byte[] bytes, string where) =>
        Guard(where, () =>
        {
            ImageInfo info = Find(bytes).Identify(bytes);
            CheckSize(info.Width, info.Height);
            return info;
        });

    /// <summary>Decodes, upright.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="where">File name for messages.</param>
    /// <param name="width">
    /// Width that is wanted in the end, or 0: decoders that can may return a picture that is
    /// smaller than stored but no smaller than this.
    /// </param>
    /// <param name="height">Height that is wanted in the end, or 0.</param>
    /// <exception cref="DataException">No known picture, damaged, or too large.</exception>
    public static Image Decode(byte[] bytes, string where, int width = 0, int height = 0) =>
        Guard(where, () => Find(bytes).Decode(bytes, width, height));

    /// <summary>Refuses absurd extents; the product is taken in 64 bits.</summary>
    internal static void CheckSize(long width, long height)
    {
        if (width <= 0 || height <= 0)
        {
            throw new DataException($"{width} x {height} pixels, expected at least 1 x 1");
        }
        if (width > MaxPixels || height > MaxPixels || width * height > MaxPixels)
        {
            throw new DataException(
                $"{width} x {height} pixels, expected at most {MaxPixels} in all; scale it down");
        }
    }

    private static Format Find(byte[] bytes)
    {
        foreach (Format format in Formats)
        {
            if (format.Detect(bytes))
            {
                return format;
            }
        }
        string given = bytes switch
        {
            [] => "an empty file",
            [(byte)'G', (byte)'I', (byte)'F', ..] => "a GIF picture, which is not read",
            [0x49, 0x49, 0x2A, 0, ..] or [0x4D, 0x4D, 0, 0x2A, ..] =>
                "a TIFF picture, which is not read",
            _ when bytes.AsSpan(0, Math.Min(20, bytes.Length)).IndexOf("IHDR"u8) >= 0 =>
                "a PNG picture whose first bytes are damaged, as by a transfer as text",
            _ => "not a picture of a known format",
        };
        throw new DataException($"{given}, expected PNG, JPEG, WebP, BMP or PNM; convert it");
    }

    /// <summary>Decoders speak of the picture alone; here the message gets its file name.</summary>
    private static T Guard<T>(string where, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DataException error)
        {
            throw new DataException($"{where}: {error.Message}", error);
        }
        catch (Exception error) when (
            error is InvalidDataException or IOException or IndexOutOfRangeException
                or ArgumentOutOfRangeException or OverflowException)
        {
            // IOException: the data end early, or zlib gives up; the file itself has been read.
            throw new DataException($"{where}: the picture is damaged ({error.Message})", error);
        }
    }
}
