// Resizing against the sums that define it, in double precision, for sizes that take every kernel.
using Dl.Data.Images;

namespace Dl.Data.Tests;

public class ResizeTests
{
    private static Image Random(int width, int height, int channels, int seed = 7)
    {
        var pixels = new byte[width * height * channels];
        new Random(seed).NextBytes(pixels);
        return new Image(width, height, channels, pixels);
    }

    private static byte[] To(Image image, int width, int height)
    {
        var output = new byte[width * height * image.Channels];
        Resize.To(image, width, height, output);
        return output;
    }

    /// <summary>Weights of all inputs for one output: a triangle around its centre.</summary>
    private static double[] Weights(int from, int to, int index)
    {
        double scale = (double)from / to, reach = Math.Max(1, scale);
        double centre = (index + 0.5) * scale;
        double[] weights = [.. Enumerable.Range(0, from).Select(
            i => Math.Max(0, 1 - (Math.Abs(i + 0.5 - centre) / reach)))];
        double sum = weights.Sum();
        return Array.ConvertAll(weights, w => w / sum);
    }

    private static double[] Expected(Image image, int width, int height)
    {
        double[][] across = [.. Enumerable.Range(0, width).Select(
            x => Weights(image.Width, width, x))];
        double[][] down = [.. Enumerable.Range(0, height).Select(
            y => Weights(image.Height, height, y))];
        int channels = image.Channels;
        var output = new double[width * height * channels];
        for (int i = 0; i < output.Length; i++)
        {
            int c = i % channels, x = i / channels % width, y = i / channels / width;
            for (int sy = 0; sy < image.Height; sy++)
            {
                for (int sx = 0; sx < image.Width; sx++)
                {
                    output[i] += down[y][sy] * across[x][sx]
                        * image.Pixels[(((sy * image.Width) + sx) * channels) + c];
                }
            }
        }
        return output;
    }

    [Theory]
    [InlineData(32, 24, 22, 22, 3)]
    [InlineData(31, 17, 30, 16, 3)]
    [InlineData(90, 70, 9, 8, 3)]
    [InlineData(40, 5, 13, 1, 1)]
    [InlineData(37, 41, 8, 9, 1)]
    [InlineData(9, 7, 40, 33, 3)]
    [InlineData(9, 7, 40, 33, 1)]
    [InlineData(1, 1, 5, 4, 3)]
    [InlineData(5, 6, 1, 1, 3)]
    [InlineData(33, 29, 16, 15, 2)]
    [InlineData(33, 29, 16, 15, 4)]
    [InlineData(400, 3, 2, 3, 1)]
    [InlineData(3, 400, 3, 1, 3)]
    public void EachSampleIsTheWeightedSumOfTheTriangle(
        int fromWidth, int fromHeight, int width, int height, int channels)
    {
        Image image = Random(fromWidth, fromHeight, channels);
        byte[] actual = To(image, width, height);
        double[] expected = Expected(image, width, height);
        for (int i = 0; i < expected.Length; i++)
        {
            // Half a level of rounding, and weights of 14 bits.
            Assert.InRange(actual[i], expected[i] - 0.6, expected[i] + 0.6);
        }
    }

    [Fact]
    public void AFlatPictureStaysFlat()
    {
        foreach (byte level in new byte[] { 0, 1, 127, 254, 255 })
        {
            var pixels = new byte[50 * 300 * 3];
            Array.Fill(pixels, level);
            Assert.All(To(new Image(50, 300, 3, pixels), 21, 17), p => Assert.Equal(level, p));
        }
    }

    [Fact]
    public void GrowingInterpolates()
    {
        Assert.Equal([0, 50, 150, 200], To(new Image(2, 1, 1, [0, 200]), 4, 1));
        Image same = Random(5, 4, 3);
        Assert.Equal(same.Pixels, To(same, 5, 4));
    }

    /// <summary>A rented array goes on behind the picture; nothing of that comes in.</summary>
    [Fact]
    public void WhatLiesBehindThePictureDoesNotMatter()
    {
        Image image = Random(30, 20, 3);
        byte[] longer = [.. image.Pixels, .. Enumerable.Repeat((byte)255, 500)];
        Assert.Equal(To(image, 17, 11), To(image with { Pixels = longer }, 17, 11));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void TurningBeforeOrAfterIsTheSame(int orientation)
    {
        Image image = Random(40, 30, 3);
        Image upright = Exif.Upright(image, orientation);
        (int width, int height) = orientation >= 5 ? (12, 16) : (16, 12);
        byte[] first = To(upright, width, height);
        Image small = new(16, 12, 3, To(image, 16, 12));
        Image after = Exif.Upright(small, orientation);
        Assert.Equal((width, height), (after.Width, after.Height));
        for (int i = 0; i < first.Length; i++)
        {
            Assert.InRange(Math.Abs(first[i] - after.Pixels[i]), 0, 1);
        }
    }
}
