// Sets that are kept in memory and sets that are too large for it give the same samples.
using Dl.Data.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public sealed class ImageSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ImageSourceTests()
    {
        var random = new Random(5);
        for (int i = 0; i < 12; i++)
        {
            var pixels = new byte[(6 + i) * 5 * 3];
            random.NextBytes(pixels);
            _folder.Write(
                $"{(i % 2 == 0 ? "cat" : "dog")}/{i:D2}.png",
                PngWriter.Encode(new Image(6 + i, 5, 3, pixels)));
        }
    }

    public void Dispose() => _folder.Dispose();

    private ImageSource Open(long? limit, bool skip = false, ListLogger? log = null)
    {
        var options = new DataOptions { Inputs = [_folder.Root], ImageSize = 7 };
        var bad = new BadData(skip, NullLogger.Instance);
        return new ImageSource(
            Layout.Find(options), options, bad, log ?? new ListLogger(), default, limit);
    }

    private static float[][] Samples(ImageSource source)
    {
        source.Load(default);
        int[] all = [.. Enumerable.Range(0, source.Count)];
        IDataset data = source.View(all, source.Fit(all, null));
        return Array.ConvertAll(all, i =>
        {
            var features = new float[data.FeatureShape.Count + 1];
            data.Read(i, features.AsSpan(1), features.AsSpan(0, 1));
            return features;
        });
    }

    [Fact]
    public void KeptOrReadAgainTheSamplesAreTheSame()
    {
        var log = new ListLogger();
        float[][] kept = Samples(Open(null));
        float[][] again = Samples(Open(limit: 100, log: log));
        Assert.Equal(12, kept.Length);
        Assert.Equal(kept, again);
        Assert.Contains(log.Lines, line => line.Contains("decoded again in each epoch"));
    }

    [Fact]
    public void OnlyASetThatIsKeptSurvivesItsFiles()
    {
        ImageSource kept = Open(null), again = Open(limit: 100);
        kept.Load(default);
        again.Load(default);
        File.Delete(_folder["cat/04.png"]);
        Assert.Equal(12, Samples(kept).Length);
        Assert.Contains(
            "04.png: no such file",
            Assert.Throws<DataException>(() => Samples(again)).Message);
    }

    /// <summary>Damage behind the header is found before training begins.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(100L)]
    public void DamagedPicturesAreLeftOutOfEither(long? limit)
    {
        byte[] bytes = File.ReadAllBytes(_folder["dog/05.png"]);
        bytes[^20] ^= 1;
        File.WriteAllBytes(_folder["dog/05.png"], bytes);
        ImageSource source = Open(limit, skip: true);
        Assert.Equal(12, source.Count);
        Assert.Equal(11, Samples(source).Length);
        Assert.Equal([6, 5], source.Describe("").Classes!.Select(c => c.Count));
        Assert.Throws<DataException>(() => Samples(Open(limit)));
    }

    [Fact]
    public void ACacheMayBeLargerThanItsBlocks()
    {
        const int size = 1 << 22;
        var cache = new PictureCache(40, size);
        for (int i = 0; i < 40; i++)
        {
            Span<byte> picture = cache[i];
            Assert.Equal(size, picture.Length);
            (picture[0], picture[^1]) = ((byte)i, (byte)(100 + i));
        }
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal((i, 100 + i), (cache[i][0], cache[i][^1]));
        }
    }
}
