// Resizing, rows first and then columns, in whole numbers, so that every machine comes to the same
// bytes: weights have 14 bits behind the point (ResampleAxis), what lies between the two steps has
// 7. Rows are narrowed when they are first needed and kept for as long as a column reaches them.
using System.Buffers;

namespace Dl.Data.Images;

/// <summary>Changes the size and the channels of pictures.</summary>
public static class Resize
{
    /// <summary>Resizes; the shape of things changes where the aspect ratio does.</summary>
    /// <param name="image">Any channels; its array may be longer than the picture.</param>
    /// <param name="width">Of the result, at least 1.</param>
    /// <param name="height">Of the result, at least 1.</param>
    /// <param name="output">height x width x channels bytes.</param>
    public static void To(Image image, int width, int height, Span<byte> output)
    {
        int channels = image.Channels;
        if (image.Width == width && image.Height == height)
        {
            image.Pixels.AsSpan(0, checked(width * height * channels)).CopyTo(output);
            return;
        }
        var across = new ResampleAxis(image.Width, width, RowKernel.Group(channels));
        var down = new ResampleAxis(image.Height, height, group: 2);
        int stored = checked(image.Width * channels);
        int length = checked(width * channels);
        // The kernels write one sample more, and in steps of eight.
        int room = (length + 15) / 8 * 8;
        int held = Math.Min(down.MostTaps, image.Height);
        short[] rows = ArrayPool<short>.Shared.Rent(checked(held * room));
        var places = new int[down.Stride];
        try
        {
            ReadOnlySpan<byte> pixels = image.Pixels;
            int next = 0;
            for (int y = 0; y < height; y++)
            {
                int start = down.Starts[y], count = down.Counts[y];
                for (next = Math.Max(next, start); next < start + count; next++)
                {
                    RowKernel.Narrow(
                        pixels[(next * stored)..], across, channels,
                        rows.AsSpan(next % held * room, room));
                }
                // Filled up to an even number with the last row, whose second weight is nothing.
                int even = (count + 1) / 2 * 2;
                for (int k = 0; k < even; k++)
                {
                    places[k] = (start + Math.Min(k, count - 1)) % held * room;
                }
                ColumnKernel.Combine(
                    rows, places.AsSpan(0, even), down.Weights.AsSpan(y * down.Stride, even),
                    output.Slice(y * length, length));
            }
        }
        finally
        {
            ArrayPool<short>.Shared.Return(rows);
        }
    }

    /// <summary>Grey (Rec. 601 luma) or RGB; what is transparent becomes white.</summary>
    public static Image ToChannels(Image image, int channels)
    {
        if (image.Channels == channels)
        {
            return image;
        }
        int stored = image.Channels;
        bool color = stored >= 3;
        bool alpha = stored is 2 or 4;
        var pixels = new byte[checked((long)image.Width * image.Height * channels)];
        ReadOnlySpan<byte> source = image.Pixels.AsSpan(
            0, checked(image.Width * image.Height * stored));
        for (int i = 0, o = 0; i < source.Length; i += stored, o += channels)
        {
            if (channels == 3 && stored == 4 && source[i + 3] == 255)
            {
                // What most pixels are.
                source.Slice(i, 3).CopyTo(pixels.AsSpan(o));
                continue;
            }
            int opacity = alpha ? source[i + stored - 1] : 255;
            int red = Over(source[i], opacity);
            int green = color ? Over(source[i + 1], opacity) : red;
            int blue = color ? Over(source[i + 2], opacity) : red;
            if (channels == 1)
            {
                pixels[o] = (byte)(color
                    ? ((299 * red) + (587 * green) + (114 * blue) + 500) / 1000
                    : red);
            }
            else
            {
                (pixels[o], pixels[o + 1], pixels[o + 2]) = ((byte)red, (byte)green, (byte)blue);
            }
        }
        return image with { Channels = channels, Pixels = pixels };
    }

    private static int Over(int value, int opacity) =>
        opacity == 255 ? value : ((value * opacity) + (255 * (255 - opacity)) + 127) / 255;
}
