using Dl.Data;
using Dl.Data.Formats;
using Dl.Data.Images;
using Dl.Data.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Generation.Tests;

public class ToysTests
{
    public static TheoryData<string> Names => [.. Toys.All.Select(t => t.Name)];

    private static Dictionary<string, byte[]> Contents(string root) => Directory
        .EnumerateFiles(root, "*", SearchOption.AllDirectories)
        .ToDictionary(f => Path.GetRelativePath(root, f), File.ReadAllBytes);

    [Theory]
    [MemberData(nameof(Names))]
    public void TheSameSeedWritesTheSameBytes(string name)
    {
        using var folder = new TemporaryFolder();
        bool table = Array.Find(Toys.All, t => t.Name == name)!.Columns is not null;
        foreach ((string run, ulong seed) in new[] { ("a", 1UL), ("b", 1UL), ("c", 2UL) })
        {
            Directory.CreateDirectory(folder[run]);
            Toys.Write(name, 70, Path.Combine(folder[run], table ? "t.csv" : "t"), seed);
        }
        Dictionary<string, byte[]> a = Contents(folder["a"]);
        Dictionary<string, byte[]> b = Contents(folder["b"]);
        Assert.Equal(a.Keys.Order(), b.Keys.Order());
        Assert.All(a, pair => Assert.Equal(pair.Value, b[pair.Key]));
        Dictionary<string, byte[]> c = Contents(folder["c"]);
        Assert.Contains(a, pair => !pair.Value.AsSpan().SequenceEqual(c[pair.Key]));
    }

    [Theory]
    [InlineData("circle", 2)]
    [InlineData("spiral", 3)]
    [InlineData("blobs", 4)]
    [InlineData("xor", 2)]
    [InlineData("moons", 2)]
    [InlineData("linear", 0)]
    [InlineData("sines", 0)]
    [InlineData("digits", 10)]
    [InlineData("shapes", 6)]
    public void ToysAreTrainingData(string name, int classes)
    {
        using var folder = new TemporaryFolder();
        string path = folder[name is "digits" or "shapes" ? "t" : "t.tsv"];
        Toys.Write(name, 300, path, 1);
        DataSplits splits = TrainingData.Open(
            new DataOptions { Inputs = [path] }, NullLogger.Instance).Split();
        Assert.Equal(classes, splits.Preprocessing.Target.Labels.Length);
        int total = splits.Train.Count + splits.Validation!.Count + (splits.Test?.Count ?? 0);
        Assert.Equal(300, total);
    }

    [Fact]
    public void BoxesLieAroundWhatIsDrawn()
    {
        using var folder = new TemporaryFolder();
        Toys.Write("boxes", 20, folder["b"], 1);
        Toys.Write("masks", 20, folder["m"], 1);
        Assert.True(File.Exists(Path.Combine(folder["b"], "data.yaml")));
        foreach (string file in Directory.GetFiles(Path.Combine(folder["b"], "labels")))
        {
            foreach (string line in File.ReadAllLines(file))
            {
                double[] v = [.. line.Split(' ').Select(double.Parse)];
                Assert.InRange(v[0], 0, 5);
                Assert.True(v[1] - (v[3] / 2) >= 0 && v[1] + (v[3] / 2) <= 1 && v[3] > 0.05);
                Assert.True(v[2] - (v[4] / 2) >= 0 && v[2] + (v[4] / 2) <= 1 && v[4] > 0.05);
            }
        }
        foreach (string file in Directory.GetFiles(Path.Combine(folder["m"], "masks")))
        {
            Image mask = ImageCodec.Decode(File.ReadAllBytes(file), file);
            Assert.All(mask.Pixels, p => Assert.True(p is 0 or 255));
            Assert.Contains((byte)255, mask.Pixels);
        }
    }

    [Fact]
    public void WrongNamesAndPathsAreRefused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("did you mean 'spiral'", Assert.Throws<UsageException>(
            () => Toys.Write("spirol", 5, folder["a.csv"], 1)).Message);
        Assert.Throws<UsageException>(() => Toys.Write("xor", 5, folder["a.png"], 1));
        Assert.Throws<UsageException>(() => Toys.Write("digits", 5, "-", 1));
        Assert.Throws<UsageException>(() => Toys.Write("xor", 0, folder["a.csv"], 1));
        folder.Write("full/x", "x");
        Assert.Throws<UsageException>(() => Toys.Write("digits", 5, folder["full"], 1));
        Assert.Equal(
            ["full"], Directory.GetFileSystemEntries(folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public void ATableCanGoToStdout()
    {
        string[] lines = Stdout("sines", 3, null).TrimEnd().Split('\n');
        Assert.Equal("x,y", lines[0]);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith(lines[0] + "\n" + lines[1] + "\n", Stdout("sines", 1, "csv"));
    }

    [Theory]
    [InlineData("moons")]
    [InlineData("xor")]
    [InlineData("linear")]
    public void EveryFormHoldsTheSameRows(string name)
    {
        using var folder = new TemporaryFolder();
        string csv = Stdout(name, 500, "csv");
        Assert.Equal(csv.Replace(',', '\t'), Stdout(name, 500, "tsv"));
        foreach (string file in (string[])["t.csv", "t.csv.gz", "t.jsonl", "t.parquet", "t.tsv.br"])
        {
            Toys.Write(name, 500, folder[file], 1);
            using IRowReader reader = TableFormats.Open(InputFile.Open(folder[file]), file, false);
            var rows = new List<string>();
            while (reader.Read())
            {
                if (rows.Count == 0 && reader.Names is { } names)
                {
                    rows.Add(string.Join(',', names));
                }
                rows.Add(string.Join(',', reader.Row()));
            }
            Assert.Equal(csv.TrimEnd().Split('\n'), rows);
        }
    }

    private static string Stdout(string name, int n, string? form)
    {
        using var stdout = new MemoryStream();
        Toys.Write(name, n, "-", 1, new ToyOptions { Form = form }, stdout);
        return System.Text.Encoding.UTF8.GetString(stdout.ToArray());
    }
}
