// JPEG goes through a native library; where it is not installed these tests are skipped.
using Dl.Data.Images;

namespace Dl.Data.Tests;

public class JpegTests
{
    private static Image Decode(string path, int width = 0, int height = 0)
    {
        try
        {
            return ImageCodec.Decode(
                File.ReadAllBytes(path), Path.GetFileName(path), width, height);
        }
        catch (DlException error) when (error is not DataException)
        {
            Skip.If(true, error.Message);
            throw;
        }
    }

    /// <summary>Mean absolute difference in steps of 255, and the share above 2 of them.</summary>
    private static (double Mean, double Above) Compare(Image a, Image b)
    {
        Assert.Equal((b.Width, b.Height), (a.Width, a.Height));
        (a, b) = (Resize.ToChannels(a, 3), Resize.ToChannels(b, 3));
        double sum = 0, above = 0;
        for (int i = 0; i < a.Pixels.Length; i++)
        {
            int difference = Math.Abs(a.Pixels[i] - b.Pixels[i]);
            sum += difference;
            above += difference > 2 ? 1 : 0;
        }
        return (sum / a.Pixels.Length, above / a.Pixels.Length);
    }

    private static double Difference(Image a, Image b) => Compare(a, b).Mean;

    [SkippableFact]
    public void ReferencePicturesComeOutAlike()
    {
        string folder = Shared.Data("jpeg", "reftest");
        int compared = 0;
        foreach (string path in Directory.GetFiles(folder, "*.jpg"))
        {
            string reference = Path.ChangeExtension(path, ".png");
            if (!File.Exists(reference))
            {
                continue;
            }
            Image expected = ImageCodec.Decode(File.ReadAllBytes(reference), reference);
            (double mean, double above) = Compare(Decode(path), expected);
            // Within 2 steps; the few samples beyond come of rounding in the inverse transform.
            Assert.True(
                mean < 0.5 && above < 1e-4,
                $"{Path.GetFileName(path)}: off by {mean:F2}, {above:P2} above 2");
            compared++;
        }
        Assert.True(compared >= 15, $"{compared} pictures compared");
    }

    [SkippableFact]
    public void DamagedFilesAreRefusedOrDecodedAndNeverCrash()
    {
        int refused = 0, decoded = 0;
        foreach (string path in Directory.GetFiles(Shared.Data("jpeg", "damaged")))
        {
            try
            {
                Decode(path);
                decoded++;
            }
            catch (DataException error)
            {
                Assert.StartsWith(Path.GetFileName(path), error.Message);
                refused++;
            }
        }
        Assert.True(refused > decoded, $"{refused} refused, {decoded} decoded");
    }

    [SkippableFact]
    public void StrayBytesAreWarnedOf()
    {
        string path = Directory.GetFiles(Shared.Data("jpeg", "photo"), "*.jpg").Order().First();
        Image good = Decode(path);
        Assert.Null(good.Warning);
        byte[] bytes = File.ReadAllBytes(path);
        // Behind the first segment: 2 bytes of start, 2 of marker, then its length.
        int at = 4 + (bytes[4] << 8) + bytes[5];
        Image odd = ImageCodec.Decode([.. bytes[..at], 1, 2, 3, .. bytes[at..]], "stray.jpg");
        Assert.Contains("extraneous bytes", odd.Warning);
        Assert.Equal(good.Pixels, odd.Pixels);
    }

    [Fact]
    public void PixelsThatTheFileCannotHoldAreRefusedBeforeTheyAreAllocated()
    {
        byte[] jpeg = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0x20, 0, 0x20, 0, 1, 1, 0x11, 0, 0, 0, 0];
        var error = Assert.Throws<DataException>(() => ImageCodec.Decode(jpeg, "empty.jpg"));
        Assert.StartsWith("empty.jpg: JPEG of 8192 x 8192 pixels in 18 bytes", error.Message);
    }

    [SkippableFact]
    public void ATruncatedPhotographIsRefused()
    {
        string path = Directory.GetFiles(Shared.Data("jpeg", "photo"), "*.jpg").Order().First();
        Decode(path);
        byte[] bytes = File.ReadAllBytes(path);
        var error = Assert.Throws<DataException>(
            () => ImageCodec.Decode(bytes[..(bytes.Length / 2)], "half.jpg"));
        Assert.StartsWith("half.jpg: damaged JPEG", error.Message);
    }

    /// <summary>
    /// The first scans of a progressive picture make it whole; damage behind them blurs it.
    /// </summary>
    [SkippableFact]
    public void AProgressivePhotographMayBeCutOffBehindItsCoarseScans()
    {
        string path = Directory.GetFiles(Shared.Data("jpeg", "photo"), "*progressive*").Single();
        Image good = Decode(path);
        Assert.Null(good.Warning);
        byte[] bytes = File.ReadAllBytes(path);
        byte[] coarse = JpegScans.Coarse(bytes)!;
        Assert.InRange(coarse.Length, bytes.Length / 30, bytes.Length / 2);
        Image half = ImageCodec.Decode(bytes[..(bytes.Length / 2)], "half.jpg");
        Assert.NotNull(half.Warning);
        Assert.InRange(Difference(half, good), 0.1, 6);
        Assert.Throws<DataException>(
            () => ImageCodec.Decode(bytes[..(coarse.Length / 2)], "short.jpg"));
        Assert.Null(JpegScans.Coarse(bytes.AsSpan(0, coarse.Length - 20)));
    }

    /// <summary>The way of training: to a size, grey or colour, turned.</summary>
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(3)]
    public void LoadingIsDecodingTurningAndResizing(int channels)
    {
        foreach (string path in Directory.GetFiles(Shared.Data("exif-orientation"), "*.jpg"))
        {
            byte[] bytes = File.ReadAllBytes(path);
            Image upright = Resize.ToChannels(Decode(path, 300, 200), channels);
            var expected = new byte[300 * 200 * channels];
            Resize.To(upright, 300, 200, expected);
            var loaded = new byte[expected.Length];
            Assert.Null(ImageCodec.Load(bytes, path, 300, 200, channels, loaded));
            double difference = loaded.Zip(expected, (a, b) => Math.Abs(a - b)).Average();
            Assert.True(difference < 0.3, $"{path}: off by {difference:F2}");
        }
    }

    [SkippableFact]
    public void OrientationIsHonoured()
    {
        string folder = Shared.Data("exif-orientation");
        Image upright = Decode(Path.Combine(folder, "Landscape_1.jpg"));
        Assert.True(upright.Width > upright.Height);
        for (int i = 0; i <= 8; i++)
        {
            string path = Path.Combine(folder, $"Landscape_{i}.jpg");
            Image turned = Decode(path);
            ImageInfo info = ImageCodec.Identify(File.ReadAllBytes(path), path);
            Assert.Equal((turned.Width, turned.Height), info.Upright);
            Assert.True(Difference(turned, upright) < 6, $"orientation {i}");
        }
    }

    [SkippableFact]
    public void ScaledDecodingLeavesAtLeastWhatIsWanted()
    {
        string path = Directory.GetFiles(Shared.Data("jpeg", "photo"), "*.jpg").Order().First();
        Image full = Decode(path);
        Image small = Decode(path, 100, 100);
        Assert.Equal((full.Width / 4, full.Height / 4), (small.Width, small.Height));
        var a = new byte[64 * 64 * full.Channels];
        var b = new byte[64 * 64 * full.Channels];
        Resize.To(full, 64, 64, a);
        Resize.To(small, 64, 64, b);
        double difference = a.Zip(b, (x, y) => Math.Abs(x - y)).Average();
        Assert.True(difference < 6, $"off by {difference:F2}");
    }
}
