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
        Func<byte[], Wanted, Stored> Decode);

    private static readonly Format[] Formats =
    [
        new("png", Png.Detect, Png.Identify, Png.Decode),
        new("jpeg", Jpeg.Detect, Jpeg.Identify, Jpeg.Decode),
        new("webp", WebP.Detect, WebP.Identify, (bytes, _) => WebP.Decode(bytes)),
        new("bmp", Bmp.Detect, Bmp.Identify, (bytes, _) => new(Bmp.Decode(bytes))),
        new("pnm", Pnm.Detect, Pnm.Identify, (bytes, _) => new(Pnm.Decode(bytes))),
    ];

    /// <summary>
    /// Those of formats that are not read too: such files are refused by name, not passed over.
    /// </summary>
    private static readonly string[] Extensions =
    [
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm", ".webp",
        ".gif", ".tif", ".tiff", ".heic", ".avif",
    ];

    /// <summary>Whether a file is called like a picture; its bytes decide later.</summary>
    public static bool IsImageName(ReadOnlySpan<char> path)
    {
        ReadOnlySpan<char> extension = Path.GetExtension(path);
        foreach (string known in Extensions)
        {
            if (extension.Equals(known, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }
        return false;
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
        Guard(where, () =>
        {
            Stored stored = Find(bytes).Decode(bytes, new Wanted(width, height));
            return Exif.Upright(stored.Image, stored.Orientation);
        });

    /// <summary>Decodes to a given size and number of channels, upright.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="where">File name for messages.</param>
    /// <param name="width">Of the result, at least 1.</param>
    /// <param name="height">Of the result, at least 1.</param>
    /// <param name="channels">1 grey or 3 RGB; what is transparent becomes white.</param>
    /// <param name="output">height x width x channels bytes.</param>
    /// <returns>What the decoder found odd, or null.</returns>
    /// <exception cref="DataException">No known picture, damaged, or too large.</exception>
    public static string? Load(
        byte[] bytes, string where, int width, int height, int channels, Span<byte> output)
    {
        Stored stored = DecodeStored(
            bytes, where, new Wanted(width, height) { Channels = channels, Rented = true });
        Fit(stored, width, height, channels, output);
        stored.Return();
        return stored.Image.Warning;
    }

    /// <summary>
    /// Channels go before resizing and come after it, and so does turning: a small picture has less
    /// to be turned.
    /// </summary>
    internal static void Fit(
        Stored stored, int width, int height, int channels, Span<byte> output)
    {
        int resized = Math.Min(channels, stored.Image.Channels >= 3 ? 3 : 1);
        Image image = Resize.ToChannels(stored.Image, resized);
        if (resized == channels && stored.Orientation == 1)
        {
            Resize.To(image, width, height, output);
            return;
        }
        (int across, int down) = stored.Orientation >= 5 ? (height, width) : (width, height);
        var small = new Image(across, down, resized, new byte[across * down * resized]);
        Resize.To(image, across, down, small.Pixels);
        small = Resize.ToChannels(Exif.Upright(small, stored.Orientation), channels);
        small.Pixels.CopyTo(output);
    }

    /// <summary>Decodes without turning the picture upright.</summary>
    internal static Stored DecodeStored(byte[] bytes, string where, Wanted wanted) =>
        Guard(where, () => Find(bytes).Decode(bytes, wanted));

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
            [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', ..] =>
                "a HEIF or AVIF picture (or a film), which is not read",
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
