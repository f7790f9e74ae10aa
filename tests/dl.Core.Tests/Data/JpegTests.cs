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

    /// <summary>Mean absolute difference in steps of 255.</summary>
    private static double Difference(Image a, Image b)
    {
        Assert.Equal((b.Width, b.Height), (a.Width, a.Height));
        (a, b) = (Resize.ToChannels(a, 3), Resize.ToChannels(b, 3));
        double sum = 0;
        for (int i = 0; i < a.Pixels.Length; i++)
        {
            sum += Math.Abs(a.Pixels[i] - b.Pixels[i]);
        }
        return sum / a.Pixels.Length;
    }

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
            double difference = Difference(Decode(path), expected);
            // Decoders differ in chroma upsampling and rounding, CMYK in the conversion of inks.
            bool inks = path.Contains("cmyk") || path.Contains("ycck");
            Assert.True(
                difference < (inks ? 6 : 2.5), $"{Path.GetFileName(path)}: off by {difference:F2}");
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
        for (int i = 2; i <= 8; i++)
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
