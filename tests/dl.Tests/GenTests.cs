// `dl gen`: the same seed gives the same data, tables go through pipes, pictures into folders.
namespace Dl.Tests;

public sealed class GenTests : IDisposable
{
    private readonly Workplace _place = new();

    [Fact]
    public void TablesGoToStdoutOrAFile()
    {
        Ran ran = _place.Dl("gen", "--toy", "moons", "-n", "30", "--seed", "7");
        Assert.Equal(0, ran.Code);
        Assert.Equal(31, ran.Lines.Length);
        Assert.Equal("x1,x2,label", ran.Lines[0]);
        Ran file = _place.Dl("gen", "--toy", "moons", "-n", "30", "--seed", "7", "-o", "m.csv");
        Assert.Equal((0, ""), (file.Code, file.Out));
        Assert.Equal(ran.Out, File.ReadAllText(Path.Combine(_place.Folder, "m.csv")));
        Assert.NotEqual(ran.Out, _place.Dl("gen", "--toy", "moons", "-n", "30").Out);
        Assert.Contains("label", _place.Dl("info", "m.csv").Out);
    }

    [Theory]
    [InlineData("--format jsonl", "cat", "{\"x1\":")]
    [InlineData("--format tsv", "cat", "x1\tx2\tlabel\n")]
    [InlineData("-o m.jsonl.gz", "gzip -dc m.jsonl.gz", "{\"x1\":")]
    [InlineData("-o m.tsv", "cat m.tsv", "x1\tx2\tlabel\n")]
    [InlineData("-o m.dat --format csv", "cat m.dat", "x1,x2,label\n")]
    public void FormsAreToldByOptionOrName(string options, string read, string begins)
    {
        Ran ran = _place.Shell($"dl gen --toy moons -n 9 {options} | cat; {read} < /dev/null");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        Assert.StartsWith(begins, ran.Out);
    }

    [Fact]
    public void ParquetGoesThroughAPipe()
    {
        Ran ran = _place.Shell(
            "dl gen --toy xor -n 3000 --format parquet | cat > x.parquet && "
            + "dl gen --toy xor -n 3000 -o x.csv && dl info -q --json x.parquet && "
            + "dl info -q --json x.csv");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        Assert.Equal(2, ran.Lines.Length);
        Assert.Contains("3000", ran.Lines[0]);
        // All that is told of the tables is the same; the fingerprint is that of the file.
        string[] told = Array.ConvertAll(ran.Lines, l => l[..l.IndexOf("\"fingerprint\"")]);
        Assert.Equal(told[1], told[0]);
        Assert.Equal(2, _place.Dl("gen", "--toy", "digits", "--format", "csv", "-o", "d").Code);
    }

    [SkippableFact]
    public void ParquetIsKeptFromTerminals()
    {
        Skip.IfNot(File.Exists("/usr/bin/script"), "no script(1) here");
        string command = Workplace.ShellCommand.Replace("'", "");
        Ran ran = _place.Shell(
            $"script -qec '{command} gen --toy xor --format parquet' /dev/null < /dev/null");
        Assert.Equal(2, ran.Code);
        Assert.Contains("would fill the terminal", ran.Out);
    }

    [Fact]
    public void EveryToyIsMade()
    {
        foreach (string line in _place.Dl("info", "--list", "toys").Lines)
        {
            string name = line.Split('\t')[0];
            bool table = _place.Dl("gen", "--toy", name, "-n", "5").Code == 0;
            Ran folder = _place.Dl("gen", "--toy", name, "-n", "20", "-o", name);
            Assert.True(table == (folder.Code == 2), $"{name}: {folder.Error}");
            Assert.Equal(!table, Directory.Exists(Path.Combine(_place.Folder, name)));
        }
    }

    [Fact]
    public void AGeneratorStopsWhenItsReaderLeaves()
    {
        Ran ran = _place.Shell(
            "{ dl gen --toy xor -n 50000000; echo $? >&2; } | head -n 3");
        Assert.Equal(3, ran.Lines.Length);
        Assert.Equal("0\n", ran.Error);
    }

    [Fact]
    public void APipeLeadsStraightIntoTraining()
    {
        Ran ran = _place.Shell(
            "dl gen --toy xor -n 200 | dl fit -m mlp:8 - --epochs 2 -o xor.dlm --json -q");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        Assert.Contains("\"accuracy\":", ran.Out);
    }

    public void Dispose() => _place.Dispose();
}
