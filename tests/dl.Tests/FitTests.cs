// Training through the program: figures on stdout, the file it writes, interruption and resuming.
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Dl.Tests;

public sealed class FitTests : IDisposable
{
    private readonly Workplace _place = new();

    /// <summary>Three clusters that a linear model separates; every 20th cell is missing.</summary>
    private string Clusters(int rows = 240)
    {
        var text = new StringBuilder("a,b,colour,kind\n");
        var random = new Random(3);
        string[] kinds = ["left", "middle", "right"], colours = ["red", "green"];
        for (int i = 0; i < rows; i++)
        {
            double a = (i % 3 * 4) + random.NextDouble(), b = 7 - a + random.NextDouble();
            string first = i % 20 == 7 ? "" : a.ToString("0.000");
            text.Append($"{first},{b:0.000},{colours[i % 2]},{kinds[i % 3]}\n");
        }
        return _place.Write("clusters.csv", text.ToString());
    }

    [Fact]
    public void ATableIsLearntAndReported()
    {
        Clusters();
        Ran ran = _place.Dl("fit", "-m", "mlp:16", "clusters.csv", "--target", "kind", "--split",
            "0.6,0.2,0.2", "--epochs", "40", "--lr", "0.01", "-o", "m.dlm", "--json");
        Assert.Equal(0, ran.Code);
        JsonElement result = JsonDocument.Parse(Assert.Single(ran.Lines)).RootElement;
        Assert.Equal("cpu", result.GetProperty("device").GetString());
        foreach (string part in new[] { "train", "val", "test" })
        {
            JsonElement scores = result.GetProperty(part);
            Assert.InRange(scores.GetProperty("accuracy").GetDouble(), 0.9, 1);
            Assert.InRange(scores.GetProperty("loss").GetDouble(), 0, 0.5);
        }
        Assert.True(result.GetProperty("seconds").GetDouble() > 0);
        Assert.True(result.GetProperty("epochs").GetInt32() is > 0 and <= 40);
        Assert.Contains("epoch 1/40", ran.Error);
        Assert.DoesNotContain('\r', ran.Error);
        Assert.False(File.Exists(Path.Combine(_place.Folder, "m.dlm.checkpoint")));
        Ran info = _place.Dl("info", "m.dlm", "--json");
        JsonElement graph = JsonDocument.Parse(info.Out).RootElement.GetProperty("graph");
        Assert.Equal(JsonValueKind.Object, graph.ValueKind);
        Assert.Contains("left, middle, right", _place.Dl("info", "m.dlm").Out);
        Assert.Equal("m.dlm: ok\n", _place.Dl("check", "m.dlm").Out);
    }

    [Fact]
    public void QuietSaysNothingOnStderr()
    {
        Clusters();
        Ran ran = _place.Dl(
            "fit", "-m", "linear", "clusters.csv", "--epochs", "1", "-o", "m.dlm", "-q");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        Assert.Contains("accuracy", ran.Out);
    }

    [Fact]
    public void LogsCanBeJson()
    {
        Clusters();
        Ran ran = _place.Dl("fit", "-m", "linear", "clusters.csv", "--epochs", "1", "-o", "m.dlm",
            "--log-format", "json");
        Assert.Equal(0, ran.Code);
        string[] lines = ran.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Equal(
            "Information",
            JsonDocument.Parse(line).RootElement.GetProperty("LogLevel").GetString()));
    }

    [Fact]
    public void FoldsGiveRunsMeanAndDeviation()
    {
        Clusters();
        Ran ran = _place.Dl("fit", "-m", "mlp:8", "clusters.csv", "--target", "kind", "--folds",
            "3", "--epochs", "5", "--json", "-q");
        Assert.Equal(0, ran.Code);
        JsonElement result = JsonDocument.Parse(ran.Out).RootElement;
        Assert.Equal(3, result.GetProperty("runs").GetArrayLength());
        double mean = result.GetProperty("runs").EnumerateArray()
            .Average(run => run.GetProperty("accuracy").GetDouble());
        Assert.Equal(
            mean, result.GetProperty("mean").GetProperty("accuracy").GetDouble(), 1e-9);
        Assert.True(result.GetProperty("std").GetProperty("accuracy").GetDouble() >= 0);
    }

    [Fact]
    public void ADryRunPrintsLayersAndWritesNothing()
    {
        Clusters();
        Ran ran = _place.Dl("fit", "-m", "mlp:16", "clusters.csv", "--dry-run", "-o", "m.dlm");
        Assert.Equal(0, ran.Code);
        Assert.Contains("dense", ran.Out);
        Assert.Contains("parameters", ran.Out);
        Assert.Equal(["clusters.csv"], Files());
    }

    [Fact]
    public void TheSameSeedGivesTheSameBits()
    {
        Clusters();
        foreach ((string name, string seed) in new[] { ("a", "5"), ("b", "5"), ("c", "6") })
        {
            Assert.Equal(0, _place.Dl("fit", "-m", "mlp:16", "clusters.csv", "--epochs", "3",
                "--seed", seed, "-o", name, "-q").Code);
        }
        Assert.Equal(Bytes("a"), Bytes("b"));
        Assert.NotEqual(Bytes("a"), Bytes("c"));
    }

    [SkippableTheory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 130)]
    [InlineData("HUP", 130)]
    [InlineData("KILL", 137)]
    public void StoppedAndResumedEndsWithTheSameBits(string signal, int code)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are Unix's");
        Clusters(1000);
        string[] line = ["fit", "-m", "mlp:128,64", "clusters.csv", "--target", "kind",
            "--epochs", "30", "--patience", "0", "--checkpoint-every", "1", "-q"];
        Assert.Equal(0, _place.Dl([.. line, "-o", "whole.dlm"]).Code);
        string checkpoint = Path.Combine(_place.Folder, "cut.dlm.checkpoint");
        using (Process process = _place.Start([.. line, "-o", "cut.dlm"]))
        {
            while (!File.Exists(checkpoint) && !process.HasExited)
            {
                Thread.Sleep(5);
            }
            Skip.If(process.HasExited, "this machine trains faster than it can be interrupted");
            Process.Start("kill", ["-s", signal, $"{process.Id}"])!.WaitForExit();
            Assert.True(process.WaitForExit(60_000), "it did not stop");
            Assert.Equal(code, process.ExitCode);
            string error = process.StandardError.ReadToEnd();
            Assert.Equal(signal != "KILL", error.Contains("--resume"));
        }
        Assert.True(File.Exists(checkpoint));
        Assert.False(File.Exists(Path.Combine(_place.Folder, "cut.dlm")));
        Assert.Equal(0, _place.Dl([.. line, "-o", "cut.dlm", "--resume"]).Code);
        Assert.Equal(Bytes("whole.dlm"), Bytes("cut.dlm"));
        Assert.False(File.Exists(checkpoint));
    }

    [Theory]
    [InlineData("fit -m mlp nowhere.csv -o m.dlm", 3, "nowhere.csv")]
    [InlineData("fit -m mpl clusters.csv -o m.dlm", 2, "did you mean 'mlp'?")]
    [InlineData("fit -m mlp clusters.csv -o m.dlm --optimizer adm", 2, "did you mean 'adam'?")]
    [InlineData("fit -m mlp clusters.csv -o m.dlm --target kinds", 2, "kind")]
    [InlineData("fit -m mlp clusters.csv -o no/such/m.dlm", 1, "no/such")]
    [InlineData("fit -m mlp clusters.csv -o m.dlm --device gpu", 2, "device 'gpu'")]
    [InlineData("fit -m mlp clusters.csv -o m.dlm --device cpu:7", 4, "cpu:7")]
    [InlineData("info clusters.csv.dlm", 3, "clusters.csv.dlm")]
    public void ErrorsHaveTheirExitCodes(string line, int code, string says)
    {
        Clusters();
        Ran ran = _place.Dl([.. line.Split(' '), "-q"]);
        Assert.Equal("", ran.Out);
        Assert.Contains(says, ran.Error);
        Assert.Equal(code, ran.Code);
        Assert.DoesNotContain("internal error", ran.Error);
        Assert.False(File.Exists(Path.Combine(_place.Folder, "m.dlm")));
    }

    [Fact]
    public void DamagedModelsAreBadData()
    {
        Clusters();
        _place.Dl("fit", "-m", "linear", "clusters.csv", "--epochs", "1", "-o", "m.dlm", "-q");
        byte[] whole = Bytes("m.dlm");
        foreach (int length in new[] { 0, 7, 100, whole.Length - 1 })
        {
            File.WriteAllBytes(Path.Combine(_place.Folder, "cut.dlm"), whole[..length]);
            Ran ran = _place.Dl("info", "cut.dlm");
            Assert.Equal(3, ran.Code);
            Assert.StartsWith("dl: cut.dlm", ran.Error);
        }
    }

    [Fact]
    public void DevicesAreListed()
    {
        Assert.StartsWith("cpu ", _place.Dl("info", "--devices").Out);
        string first = _place.Dl("info", "--devices", "--json").Lines[0];
        JsonElement cpu = JsonDocument.Parse(first).RootElement;
        Assert.Equal("cpu", cpu.GetProperty("device").GetString());
        Assert.True(cpu.GetProperty("compute_units").GetInt32() > 0);
    }

    private byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(_place.Folder, name));

    private string[] Files() =>
        [.. Directory.GetFiles(_place.Folder).Select(f => Path.GetFileName(f)!)];

    public void Dispose() => _place.Dispose();
}
