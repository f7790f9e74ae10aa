// Resizing, one axis after the other: each output sample is a weighted sum of input samples.
//   smaller: the mean over the stretch it covers, edges in part (area averaging, no aliasing)
//   larger:  linear between the two nearest, pixel centres at (i + 1/2)
namespace Dl.Data.Images;

/// <summary>Changes the size and the channels of pictures.</summary>
public static class Resize
{
    /// <summary>Weights of one axis: output i is the sum over taps of weight x input.</summary>
    private sealed record Axis(int[] Start, int[] Taps, float[][] Weights);

    /// <summary>Resizes; the shape of things changes where the aspect ratio does.</summary>
    /// <param name="image">Any channels.</param>
    /// <param name="output">height x width x channels bytes.</param>
    public static void To(Image image, int width, int height, Span<byte> output)
    {
        int channels = image.Channels;
        if (image.Width == width && image.Height == height)
        {
            image.Pixels.AsSpan().CopyTo(output);
            return;
        }
        Axis across = MakeAxis(image.Width, width);
        Axis down = MakeAxis(image.Height, height);
        // Rows first narrowed or widened: (image.Height, width, channels).
        var rows = new float[checked(image.Height * width * channels)];
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> source = image.Pixels.AsSpan(
                y * image.Width * channels, image.Width * channels);
            Span<float> row = rows.AsSpan(y * width * channels, width * channels);
            for (int x = 0; x < width; x++)
            {
                float[] weights = across.Weights[x];
                for (int tap = 0; tap < across.Taps[x]; tap++)
                {
                    int at = (across.Start[x] + tap) * channels;
                    for (int c = 0; c < channels; c++)
                    {
                        row[(x * channels) + c] += weights[tap] * source[at + c];
                    }
                }
            }
        }
        Combine(rows, down, width * channels, output);
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
        ReadOnlySpan<byte> source = image.Pixels;
        for (int i = 0, o = 0; i < source.Length; i += stored, o += channels)
        {
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
        return new Image(image.Width, image.Height, channels, pixels);
    }

    private static int Over(int value, int opacity) =>
        opacity == 255 ? value : ((value * opacity) + (255 * (255 - opacity)) + 127) / 255;

    private static void Combine(
        ReadOnlySpan<float> rows, Axis down, int rowLength, Span<byte> output)
    {
        Span<float> sum = new float[rowLength];
        for (int y = 0; y < down.Start.Length; y++)
        {
            sum.Clear();
            for (int tap = 0; tap < down.Taps[y]; tap++)
            {
                float weight = down.Weights[y][tap];
                ReadOnlySpan<float> row = rows.Slice((down.Start[y] + tap) * rowLength, rowLength);
                for (int i = 0; i < rowLength; i++)
                {
                    sum[i] += weight * row[i];
                }
            }
            Span<byte> line = output.Slice(y * rowLength, rowLength);
            for (int i = 0; i < rowLength; i++)
            {
                line[i] = (byte)Math.Clamp(sum[i] + 0.5f, 0, 255);
            }
        }
    }

    private static Axis MakeAxis(int from, int to)
    {
        var axis = new Axis(new int[to], new int[to], new float[to][]);
        double scale = (double)from / to;
        for (int i = 0; i < to; i++)
        {
            axis.Weights[i] = scale > 1
                ? Cover(i * scale, Math.Min((i + 1) * scale, from), out axis.Start[i])
                : Between(((i + 0.5) * scale) - 0.5, from, out axis.Start[i]);
            axis.Taps[i] = axis.Weights[i].Length;
        }
        return axis;
    }

    /// <summary>Shares of the samples that the stretch [begin, end) covers.</summary>
    private static float[] Cover(double begin, double end, out int start)
    {
        start = (int)begin;
        int last = Math.Max(start + 1, (int)Math.Ceiling(end - 1e-9));
        var weights = new float[last - start];
        for (int i = 0; i < weights.Length; i++)
        {
            double covered = Math.Min(end, start + i + 1) - Math.Max(begin, start + i);
            weights[i] = (float)(covered / (end - begin));
        }
        return weights;
    }

    private static float[] Between(double at, int from, out int start)
    {
        at = Math.Clamp(at, 0, from - 1);
        start = (int)at;
        float right = (float)(at - start);
        return start + 1 < from ? [1 - right, right] : [1];
    }
}
