using System.Diagnostics;
using Dl.Data.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class PredictionInputTests
{
    private const string Training =
        "id,size,color,label\n11,1,red,yes\n12,2,blue,no\n13,,red,yes\n14,4,blue,no\n";

    private static TablePreprocessing Fit(TemporaryFolder folder, string text = Training) =>
        (TablePreprocessing)TrainingData.Open(
            new DataOptions { Inputs = [folder.Write("train.csv", text)] }, NullLogger.Instance)
            .Split().Preprocessing;

    private static List<InputRecord> Read(
        Preprocessing preprocessing, string path, bool score = false, bool skip = false,
        ListLogger? log = null)
    {
        using PredictionInput input = PredictionInput.Open(
            preprocessing, [path], new() { NeedTarget = score, SkipBad = skip },
            log ?? (Microsoft.Extensions.Logging.ILogger)NullLogger.Instance);
        return [.. input.Read()];
    }

    [Fact]
    public void TrainingRowsAreEncodedAsInTraining()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("train.csv", Training);
        DataSplits splits = TrainingData.Open(
            new DataOptions { Inputs = [path] }, NullLogger.Instance).Split();
        List<InputRecord> records = Read(splits.Preprocessing, path, score: true);
        Assert.Equal(["11", "12", "13", "14"], records.Select(r => r.Id));
        for (int i = 0; i < records.Count; i++)
        {
            var features = new float[splits.Train.FeatureShape.Count];
            var target = new float[1];
            splits.Train.Read(i, features, target);
            Assert.Equal(features, records[i].Features);
            Assert.Equal(target, records[i].Target);
            Assert.Equal($"{path}:{i + 2}", records[i].Where);
        }
    }

    [Fact]
    public void ColumnsAreMatchedByNameAndExtraOnesAreNotUsed()
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(folder);
        var log = new ListLogger();
        List<InputRecord> records = Read(
            preprocessing, folder.Write("new.tsv", "color\textra\tsize\nred\t7\t1\n"), log: log);
        InputRecord known = Read(preprocessing, folder["train.csv"])[0];
        Assert.Equal(known.Features, records[0].Features);
        Assert.Null(records[0].Target);
        Assert.Equal("1", records[0].Id);
        Assert.Single(log.Lines, l => l.Contains("extra"));
    }

    [Fact]
    public void AMissingColumnIsNamed()
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(folder);
        var error = Assert.Throws<DataException>(
            () => Read(preprocessing, folder.Write("new.csv", "size,hue\n1,red\n")));
        Assert.Contains("new.csv:1: no column color", error.Message);
    }

    [Fact]
    public void UnknownCategoriesCountAsUnknownAndAreSaidOnce()
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(folder);
        var log = new ListLogger();
        List<InputRecord> records = Read(
            preprocessing, folder.Write("new.csv", "size,color\n1,green\n2,pink\n3,\n"), log: log);
        Assert.All(records, r => Assert.Equal([0f, 0f, 1f], r.Features[^3..]));
        Assert.Single(log.Lines, l => l.Contains("green"));
        Assert.DoesNotContain(log.Lines, l => l.Contains("pink"));
    }

    [Theory]
    [InlineData("size,color,label\n1,red,yes\n1,red,maybe\n", ":3: label 'maybe' was not seen")]
    [InlineData("size,color,label\n1,red,\n", ":2: no value in target label")]
    [InlineData("size,color\n1,red\n", "no target column label")]
    [InlineData("size,color,label\nbig,red,yes\n", ":2: column 'size' is 'big', expected a number")]
    [InlineData("size,color,label\n1,red\n", ":2: the row has 2 fields, expected 3")]
    public void BadRowsAreNamedWhenScoring(string text, string message)
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(folder);
        string path = folder.Write("new.csv", text);
        Assert.Contains(
            message, Assert.Throws<DataException>(
                () => Read(preprocessing, path, score: true)).Message);
    }

    [Fact]
    public void BadRowsCanBeLeftOutAndUnseenLabelsDoNotMatterUnscored()
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(folder);
        string path = folder.Write(
            "new.csv", "size,color,label\nbig,red,yes\n1,red,maybe\n2,red\n");
        InputRecord only = Assert.Single(Read(preprocessing, path, skip: true));
        Assert.Equal("2", only.Id);
        Assert.Null(only.Target);
    }

    [Fact]
    public void TablesWithoutNamesAreMatchedByPosition()
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(
            folder, "1,red,yes\n2,blue,no\n3,red,yes\n4,blue,no\n");
        Assert.False(preprocessing.Header);
        List<InputRecord> with = Read(
            preprocessing, folder.Write("a.csv", "3,red,no"), score: true);
        List<InputRecord> without = Read(preprocessing, folder.Write("b.csv", "3,red\n"));
        Assert.Equal(with[0].Features, without[0].Features);
        Assert.Equal([0f], with[0].Target!);
        Assert.Throws<DataException>(
            () => Read(preprocessing, folder.Write("c.csv", "3,red,no,4\n")));
    }

    [Fact]
    public void TheFinalNewlineDoesNotMatter()
    {
        using var folder = new TemporaryFolder();
        TablePreprocessing preprocessing = Fit(folder);
        List<InputRecord> a = Read(
            preprocessing, folder.Write("a.csv", "size,color\n1,red\n2,blue\n"));
        List<InputRecord> b = Read(
            preprocessing, folder.Write("b.csv", "size,color\n1,red\n2,blue"));
        Assert.Equal(
            a.Select(r => string.Join(' ', r.Features)),
            b.Select(r => string.Join(' ', r.Features)));
    }

    [Fact]
    public void PicturesOfFoldersFilesAndIdx()
    {
        using var folder = new TemporaryFolder();
        foreach (string part in new[] { "train", "test" })
        {
            for (int i = 0; i < 6; i++)
            {
                string name = i % 2 == 0 ? "dark" : "light";
                byte[] pixels = new byte[16];
                Array.Fill(pixels, (byte)(i % 2 == 0 ? 10 : 200));
                folder.Write(
                    $"d/{part}/{name}/{i}.png", PngWriter.Encode(new Image(4, 4, 1, pixels)));
            }
        }
        DataSplits splits = TrainingData.Open(
            new DataOptions { Inputs = [folder["d"]] }, NullLogger.Instance).Split();
        Assert.Equal(new Tensors.Shape(4, 4, 1), splits.Train.FeatureShape);
        Assert.Equal(6, splits.Test!.Count);
        List<InputRecord> records = Read(splits.Preprocessing, folder["d"], score: true);
        Assert.Equal(["dark/0.png", "dark/2.png", "dark/4.png"], records.Take(3).Select(r => r.Id));
        Assert.Equal([0f, 0f, 0f, 1f, 1f, 1f], records.Select(r => r.Target![0]));
        // 95/255 in the mean, so the light ones are as far above as the dark ones below.
        Assert.Equal(-records[0].Features[0], records[5].Features[0], 1e-5);
        InputRecord file = Assert.Single(Read(splits.Preprocessing, folder["d/test/light/1.png"]));
        Assert.Null(file.Target);
        Assert.Equal(records[3].Features, file.Features);
        Assert.Equal(3, Read(splits.Preprocessing, folder["d/test/light"]).Count);
        folder.Write("d/test/light/7.png", [1, 2, 3]);
        Assert.Contains("7.png", Assert.Throws<DataException>(
            () => Read(splits.Preprocessing, folder["d"])).Message);
        Assert.Equal(6, Read(splits.Preprocessing, folder["d"], skip: true).Count);
    }

    [Fact]
    public void IdxPicturesWithLabelsBesideThem()
    {
        using var folder = new TemporaryFolder();
        byte[] Header(byte dimensions, params int[] extents) =>
            [0, 0, 8, dimensions, .. extents.SelectMany(
                e => new[] { (byte)0, (byte)0, (byte)0, (byte)e })];
        byte[] pixels = [.. Enumerable.Range(0, 24).Select(i => (byte)(i * 10))];
        folder.Write("train-images-idx3-ubyte", [.. Header(3, 6, 2, 2), .. pixels]);
        folder.Write("train-labels-idx1-ubyte", [.. Header(1, 6), 0, 1, 2, 0, 1, 2]);
        folder.Write("t10k-images-idx3-ubyte", [.. Header(3, 2, 2, 2), .. pixels[..8]]);
        folder.Write("t10k-labels-idx1-ubyte", [.. Header(1, 2), 2, 1]);
        DataSplits splits = TrainingData.Open(
            new DataOptions { Inputs = [folder.Root] }, NullLogger.Instance).Split();
        Assert.Equal(["0", "1", "2"], splits.Preprocessing.Target.Labels);
        Assert.Equal((6, 2), (splits.Train.Count, splits.Test!.Count));
        List<InputRecord> records = Read(splits.Preprocessing, folder.Root, score: true);
        Assert.Equal([2f, 1f], records.Select(r => r.Target![0]));
        var features = new float[4];
        splits.Train.Read(1, features, new float[1]);
        Assert.Equal(features, records[1].Features);
        folder.Write("t10k-images-idx3-ubyte", [.. Header(3, 2, 2, 2), .. pixels[..7]]);
        Assert.Contains("cut off", Assert.Throws<DataException>(
            () => Read(splits.Preprocessing, folder.Root)).Message);
    }

    [SkippableFact]
    public void FashionMnistOpensWithinSeconds()
    {
        string path = Shared.Data("fashion-mnist");
        var clock = Stopwatch.StartNew();
        DataSplits splits = TrainingData.Open(
            new DataOptions { Inputs = [path] }, NullLogger.Instance).Split();
        Assert.Equal((54_000, 6_000, 10_000),
            (splits.Train.Count, splits.Validation!.Count, splits.Test!.Count));
        var image = (ImagePreprocessing)splits.Preprocessing;
        // 0.2860 and 0.3530 are the figures commonly used for the whole training set.
        Assert.Equal(0.2860, image.Mean[0], 0.01);
        Assert.Equal(0.3530, image.Std[0], 0.01);
        Assert.True(clock.Elapsed.TotalSeconds < 20, $"{clock.Elapsed.TotalSeconds:F1} s");
    }

    [SkippableFact]
    public void JpegFoldersAreResizedToOneSize()
    {
        string path = Shared.Data("flowers");
        DataSplits splits;
        try
        {
            splits = TrainingData.Open(
                new DataOptions { Inputs = [path], ImageSize = 48 }, NullLogger.Instance).Split();
        }
        catch (DlException error) when (error is not DataException)
        {
            Skip.If(true, error.Message);
            throw;
        }
        Assert.Equal((550, 140), (splits.Train.Count, splits.Validation!.Count));
        Assert.Equal(new Tensors.Shape(48, 48, 3), splits.Train.FeatureShape);
        Assert.Equal(
            ["daisy", "dandelion", "roses", "sunflowers", "tulips"],
            splits.Preprocessing.Target.Labels);
    }
}
