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
            if (path.Contains("partial"))
            {
                // Cut off on purpose: what is there could be shown, but must not be learnt from.
                Assert.Throws<DataException>(() => Decode(path));
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
