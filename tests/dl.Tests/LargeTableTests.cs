// Tables whose cells do not stay in memory, through the program.
using System.Diagnostics;

namespace Dl.Tests;

public sealed class LargeTableTests : IDisposable
{
    private readonly Workplace _place = new();
    private readonly string _scratch;

    public LargeTableTests()
    {
        _scratch = Path.Combine(_place.Folder, "scratch");
        Directory.CreateDirectory(_scratch);
        Assert.Equal(0, _place.Dl("gen", "--toy", "crowd", "-n", "3000", "-o", "t.csv").Code);
    }

    public void Dispose() => _place.Dispose();

    private string[] OnDisk(params string[] arguments) =>
        [.. arguments, "--table-memory", "0", "--scratch", _scratch];

    [Fact]
    public void WhatADescriptionSaysDoesNotDependOnWhereCellsLie()
    {
        Ran memory = _place.Dl("info", "t.csv", "--json");
        Ran disk = _place.Dl(OnDisk("info", "t.csv", "--json"));
        Assert.Equal((0, memory.Out), (disk.Code, disk.Out));
        Assert.DoesNotContain("scratch file", memory.Error);
        Assert.Single(disk.Error.Split('\n'), l => l.StartsWith("table: 3,000 rows"));
        Assert.Contains(_scratch, disk.Error);
    }

    [Theory]
    [InlineData("fit --model mlp:16 t.csv --folds 3 --epochs 2 --json", "accuracy")]
    [InlineData("fit --model mlp:16 t.csv --split 0.8,0.1,0.1 --epochs 2 -o m.dlm", "test")]
    [InlineData("fit --model mlp:16 t.csv --target x1 --epochs 2 -o m.dlm", "rmse")]
    [InlineData("fit --model mlp:16 t.csv --class-weights balanced --epochs 2 -o m.dlm", "val")]
    [InlineData("fit --model mlp:16 t.csv t.csv --epochs 1 -o m.dlm", "val")]
    [InlineData("fit --model mlp:16 t.csv --dry-run", "multiply-adds")]
    public void FitWorksAsOnASmallTable(string line, string expected)
    {
        Ran ran = _place.Dl(OnDisk(line.Split(' ')));
        Assert.True(ran.Code == 0, ran.Error);
        Assert.Contains(expected, ran.Out);
        Assert.Contains("kept in a scratch file", ran.Error);
        Assert.Empty(Directory.GetFileSystemEntries(_scratch));
    }

    /// <summary>Of more bytes than are kept whole.</summary>
    [Fact]
    public void APipeGivesTheModelOfItsFile()
    {
        Assert.Equal(0, _place.Dl("gen", "--toy", "crowd", "-n", "8000", "-o", "t.csv").Code);
        string[] fit = OnDisk("fit", "--model", "mlp:16", "--epochs", "2", "-q");
        Ran file = _place.Dl([.. fit, "t.csv", "-o", "file.dlm"]);
        Assert.True(file.Code == 0, file.Error);
        Ran pipe = _place.Fed(
            File.ReadAllText(Path.Combine(_place.Folder, "t.csv")), [.. fit, "-", "-o", "p.dlm"]);
        Assert.True(pipe.Code == 0, pipe.Error);
        Assert.Equal(0, _place.Dl("gen", "--toy", "crowd", "-n", "8000", "-o", "t.parquet").Code);
        Ran parquet = _place.Shell(
            $"cat t.parquet | dl {string.Join(' ', fit)} - -o parquet.dlm");
        Assert.True(parquet.Code == 0, parquet.Error);
        string expected = _place.Dl("predict", "file.dlm", "t.csv", "--proba").Out;
        Assert.Equal(expected, _place.Dl("predict", "p.dlm", "t.csv", "--proba").Out);
        Assert.Equal(expected, _place.Dl("predict", "parquet.dlm", "t.csv", "--proba").Out);
    }

    [Fact]
    public void KilledItLeavesNothingAndResumesToTheBit()
    {
        string[] fit = OnDisk(
            "fit", "--model", "mlp:16", "t.csv", "--epochs", "12", "--patience", "0",
            "--checkpoint-every", "1", "-q");
        Assert.Equal(0, _place.Dl([.. fit, "-o", "whole.dlm"]).Code);
        string killed = Path.Combine(_place.Folder, "killed.dlm");
        using (Process process = _place.Start([.. fit, "-o", "killed.dlm"]))
        {
            for (int i = 0; i < 1200 && !File.Exists(killed + ".checkpoint"); i++)
            {
                Thread.Sleep(25);
            }
            process.Kill();
            process.WaitForExit();
        }
        Assert.Empty(Directory.GetFileSystemEntries(_scratch));
        // From memory the rest of the epoch would be another one.
        Ran other = _place.Dl([.. fit, "-o", "killed.dlm", "--resume", "--table-memory", "256"]);
        Assert.Equal(2, other.Code);
        Assert.Contains("shuffling", other.Error);
        Ran resumed = _place.Dl([.. fit, "-o", "killed.dlm", "--resume"]);
        Assert.True(resumed.Code == 0, resumed.Error);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(_place.Folder, "whole.dlm")),
            File.ReadAllBytes(killed));
    }

    [Fact]
    public void AScratchFolderThatIsNotThereIsNamed()
    {
        Ran ran = _place.Dl("info", "t.csv", "--table-memory", "0", "--scratch", "no/such");
        Assert.Equal(1, ran.Code);
        Assert.Contains("no/such", ran.Error);
        Assert.Contains("--scratch", ran.Error);
    }
}
