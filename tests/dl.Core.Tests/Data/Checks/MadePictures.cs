using Dl.Data.Images;

namespace Dl.Data.Tests.Checks;

/// <summary>Pictures made of nothing: smooth patterns that differ by their seed.</summary>
internal static class MadePictures
{
    public static Image Image(int width, int height, int seed, int channels = 1)
    {
        var pixels = new byte[width * height * channels];
        for (int i = 0; i < pixels.Length; i++)
        {
            int at = i / channels;
            double x = at % width / (double)width, y = at / width / (double)height;
            double wave = Math.Sin((3 + (seed * 1.7 % 5)) * x + seed)
                + Math.Cos((2 + (seed * 2.3 % 7)) * y + (seed * 0.7) + (i % channels));
            pixels[i] = (byte)(127 + (60 * wave));
        }
        return new Image(width, height, channels, pixels);
    }

    public static byte[] Pgm(int width, int height, int seed) =>
        [.. System.Text.Encoding.ASCII.GetBytes($"P5\n{width} {height}\n255\n"),
            .. Image(width, height, seed).Pixels];

    public static byte[] Ppm(int width, int height, int seed) =>
        [.. System.Text.Encoding.ASCII.GetBytes($"P6\n{width} {height}\n255\n"),
            .. Image(width, height, seed, 3).Pixels];

    public static byte[] Png(Image image) => PngWriter.Encode(image);
}
