// Pictures named in tables and lists.
using Dl.Data.Images;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class PathTests
{
    /// <summary>Six pictures of one grey each, `img/0.png` to `img/5.png`.</summary>
    private static TemporaryFolder Pictures()
    {
        var folder = new TemporaryFolder();
        for (int i = 0; i < 6; i++)
        {
            byte[] pixels = new byte[16];
            Array.Fill(pixels, (byte)(i % 2 == 0 ? 10 + i : 200 + i));
            folder.Write($"img/{i}.png", PngWriter.Encode(new Image(4, 4, 1, pixels)));
        }
        return folder;
    }

    private static string Rows(string form) =>
        string.Concat(Enumerable.Range(0, 6).Select(
            i => string.Format(form, i, i % 2 == 0 ? "dark" : "light") + "\n"));

    private static TrainingData Open(string path, string? target = null, bool skip = false) =>
        TrainingData.Open(
            new DataOptions
            {
                Inputs = [path], Target = target is null ? [] : [target], SkipBad = skip,
                Validation = "none",
            },
            NullLogger.Instance);

    private static List<InputRecord> Read(
        Preprocessing preprocessing, string[] inputs, PredictionInputOptions options)
    {
        using var input = PredictionInput.Open(
            preprocessing, inputs, options, NullLogger.Instance);
        return [.. input.Read()];
    }

    [Theory]
    [InlineData("path,label\n", "img/{0}.png,{1}", null, "label")]
    [InlineData("", "img/{0}.png,{1}", null, "c2")]
    [InlineData("file\tn\tkind\n", "img/{0}.png\t{0}\t{1}", "kind", "kind")]
    [InlineData("file,n,Class\n", "img/{0}.png,{0},{1}", null, "Class")]
    public void ATableOfPathsIsAnImageDataSet(
        string header, string form, string? target, string name)
    {
        using TemporaryFolder folder = Pictures();
        string table = folder.Write("t.csv", header + Rows(form));
        TrainingData data = Open(table, target);
        Assert.Equal("images", data.Describe().Kind);
        DataSplits splits = data.Split();
        Assert.Equal(6, splits.Train.Count);
        Assert.Equal(new Tensors.Shape(4, 4, 1), splits.Train.FeatureShape);
        Assert.Equal([name], splits.Preprocessing.Target.Names);
        Assert.Equal(["dark", "light"], splits.Preprocessing.Target.Labels);
        List<InputRecord> records = Read(
            splits.Preprocessing, [table], new() { NeedTarget = true });
        Assert.Equal("img/3.png", records[3].Id);
        Assert.Equal([0f, 1f, 0f, 1f, 0f, 1f], records.Select(r => r.Target![0]));
        // The same folder without naming the table: it is the only one there.
        Assert.Equal("images", Open(folder.Root, target).Describe().Kind);
    }

    [Fact]
    public void APathColumnThatIsIgnoredLeavesATable()
    {
        using TemporaryFolder folder = Pictures();
        string table = folder.Write("t.csv", "file,n,kind\n" + Rows("img/{0}.png,{0},{1}"));
        TrainingData data = TrainingData.Open(
            new DataOptions { Inputs = [table], Target = ["kind"], Ignore = ["file"] },
            NullLogger.Instance);
        Assert.NotEqual("images", data.Describe().Kind);
        var error = Assert.Throws<UsageException>(() => Open(table));
        Assert.Contains("the table has file, n, kind; say --target", error.Message);
        Assert.Throws<UsageException>(() => Open(table, "other"));
    }

    [Fact]
    public void NamesOfFilesThatAreNotThereAreAnOrdinaryColumn()
    {
        using TemporaryFolder folder = Pictures();
        string table = folder.Write("t.csv", "file,label\n" + Rows("lost/{0}.png,{1}"));
        Assert.NotEqual("images", Open(table).Describe().Kind);
    }

    [Theory]
    [InlineData("img/9.png,dark", "9.png: no such file")]
    [InlineData("img/1.png,", "t.csv:8: img/1.png: a picture without a label")]
    [InlineData("img/1.png", "t.csv:8: the row has 1 fields, expected 2")]
    [InlineData("img/bad.png,dark", "t.csv:8: img/bad.png: not a picture")]
    public void BadRowsAreNamedAndCanBeLeftOut(string row, string message)
    {
        using TemporaryFolder folder = Pictures();
        folder.Write("img/bad.png", "no picture");
        string table = folder.Write("t.csv", "path,label\n" + Rows("img/{0}.png,{1}") + row + "\n");
        var error = Assert.Throws<DataException>(() => Open(table).Split());
        Assert.Contains(message, error.Message);
        Assert.Equal(6, Open(table, skip: true).Split().Train.Count);
    }

    [Theory]
    [InlineData("\n", "\n")]
    [InlineData("\n", "")]
    [InlineData("\r\n", "")]
    [InlineData("\0", "\0")]
    public void AListOfPathsIsAnsweredInOrder(string end, string last)
    {
        using TemporaryFolder folder = Pictures();
        string table = folder.Write("t.csv", "path,label\n" + Rows("img/{0}.png,{1}"));
        Preprocessing preprocessing = Open(table).Split().Preprocessing;
        string[] names = [folder["img/4.png"], folder["img/1.png"], folder["img/4.png"]];
        string list = folder.Write("list", string.Join(end, names) + last);
        List<InputRecord> records = Read(preprocessing, [], new() { Paths = list });
        Assert.Equal(names, records.Select(r => r.Id));
        Assert.Equal(records[0].Features, records[2].Features);
        Assert.NotEqual(records[0].Features, records[1].Features);
        folder.Write("list", string.Join(end, names) + end + folder["img/lost.png"]);
        Assert.Contains("lost.png: no such file", Assert.Throws<DataException>(
            () => Read(preprocessing, [], new() { Paths = list })).Message);
        Assert.Equal(
            3, Read(preprocessing, [], new() { Paths = list, SkipBad = true }).Count);
    }

    [Fact]
    public void ANameWithoutEndIsRefused()
    {
        using var folder = new TemporaryFolder();
        string list = folder.Write("list", new string('x', 100_000));
        Assert.Contains("longer than 65536 bytes", Assert.Throws<DataException>(
            () => PathList.Blocks(list, 64).ToList()).Message);
    }

    [Fact]
    public void AListOfPathsIsNothingForAModelOfTables()
    {
        using var folder = new TemporaryFolder();
        string table = folder.Write("t.csv", "a,label\n1,x\n2,y\n3,x\n4,y\n");
        Preprocessing preprocessing = Open(table).Split().Preprocessing;
        Assert.Contains("--paths", Assert.Throws<UsageException>(
            () => Read(preprocessing, [], new() { Paths = table })).Message);
    }
}
