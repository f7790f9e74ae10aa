// The picture of training curves: what is drawn where, and histories that leave little to draw.
using Dl.Data.Images;
using Dl.Tests.Files;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class CurvesTests
{
    [Fact]
    public void DrawsTrainingValidationAndTheKeptEpoch()
    {
        var image = Curves.Draw("title", History(40), "accuracy", 22);
        Assert.Equal((1200, 460, 3), (image.Width, image.Height, image.Channels));
        foreach (int left in new[] { 0, 600 })
        {
            Assert.True(Count(image, left, 0, 114, 178) > 300, "training curve");
            Assert.True(Count(image, left, 213, 94, 0) > 300, "validation curve");
            Assert.True(Count(image, left, 0, 130, 95) > 60, "kept epoch");
        }
    }

    [Fact]
    public void WithoutValidationThereIsOneCurve()
    {
        var history = History(5).Select(r => r with { ValLoss = null, ValMetric = null }).ToList();
        var image = Curves.Draw("title", history, "accuracy", null);
        Assert.Equal(0, Count(image, 0, 213, 94, 0));
        Assert.True(Count(image, 0, 0, 114, 178) > 100);
    }

    [Fact]
    public void OddHistoriesAreDrawnToo()
    {
        Curves.Draw("", [], "accuracy", null);
        Curves.Draw("one", History(1), "accuracy", 1);
        Curves.Draw(new string('x', 500), [
            new EpochRecord(1, double.NaN, double.PositiveInfinity, null, null, 1, 1),
            new EpochRecord(2, 1e30, -1e30, 0, 0, 1, 1),
            new EpochRecord(3, 1e-30, 1e-30, 0, 0, 1, 1)], "r2 größer", 3);
        Curves.Draw("many", History(5000), "rmse", 4999);
    }

    [Fact]
    public void WritesAPng()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("c.png");
        Curves.Write(path, "cnn on fashion-mnist (seed 1)", History(40), "accuracy", 22);
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], bytes[..4]);
    }

    private static List<EpochRecord> History(int epochs)
    {
        var history = new List<EpochRecord>();
        for (int i = 1; i <= epochs; i++)
        {
            double train = Math.Exp(-i / 9.0) + 0.05;
            double val = Math.Exp(-i / 8.0) + 0.15 + (i * i * 1e-4) + (0.02 * Math.Sin(i * 1.7));
            history.Add(new EpochRecord(
                i, train, val, 1 - (train / 3), 1 - (val / 3), 1, 0.001));
        }
        return history;
    }

    /// <summary>Pixels of a colour in the panel that starts at a column.</summary>
    private static int Count(Image image, int left, byte red, byte green, byte blue)
    {
        int count = 0;
        for (int y = 70; y < image.Height; y++)
        {
            for (int x = left; x < left + 600; x++)
            {
                int at = 3 * ((y * image.Width) + x);
                count += image.Pixels[at] == red && image.Pixels[at + 1] == green
                    && image.Pixels[at + 2] == blue ? 1 : 0;
            }
        }
        return count;
    }
}
