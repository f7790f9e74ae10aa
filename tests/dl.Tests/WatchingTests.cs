// What a training leaves to look at: the report page, event files, pictures, its log on the
// terminal; and what is said when the loss is no number any more.
using System.Text.RegularExpressions;

namespace Dl.Tests;

public sealed partial class WatchingTests : IDisposable
{
    private readonly Workplace _place = new();

    [Fact]
    public void TheReportIsOnePageThatNeedsNothingElse()
    {
        _place.Dl("gen", "--toy", "digits", "-n", "300", "-o", "digits");
        Ran ran = _place.Dl("fit", "-m", "mlp:16", "digits", "--epochs", "2", "-o", "m.dlm",
            "--report", "r.html", "--tensorboard", "runs/a", "-q");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        string page = File.ReadAllText(Path.Combine(_place.Folder, "r.html"));
        Assert.StartsWith("<!doctype html>", page);
        Assert.DoesNotContain("http", page);
        Assert.DoesNotContain("<script", page);
        Assert.All(
            Sources().Matches(page),
            m => Assert.StartsWith("data:image/png", m.Groups[1].Value));
        foreach (string part in new[] { "Curves", "Worst errors", "Layers", "Weights and gradients",
            "confusion matrix", "calibration", "norm of the gradient", "To repeat the run",
            "dl fit -m mlp:16 digits --epochs 2 -o m.dlm" })
        {
            Assert.Contains(part, page);
        }
        Assert.True(Sources().Count(page) > 5);
        // Every element that is opened is closed.
        foreach (string element in new[] { "svg", "table", "figure", "div", "h2", "p" })
        {
            Assert.Equal(
                Regex.Count(page, $"<{element}[ >]"), Regex.Count(page, $"</{element}>"));
        }
        string events = Assert.Single(Directory.GetFiles(Path.Combine(_place.Folder, "runs/a")));
        Assert.Contains("tfevents", events);
        Assert.True(new FileInfo(events).Length > 1000);
    }

    [Fact]
    public void ReportsOfNumbersShowThem()
    {
        _place.Dl("gen", "--toy", "linear", "-n", "200", "-o", "line.csv");
        Ran ran = _place.Dl(
            "fit", "-m", "linear", "line.csv", "-o", "m.dlm", "--report", "r.html", "-q");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        string page = File.ReadAllText(Path.Combine(_place.Folder, "r.html"));
        Assert.Contains("predicted against true", page);
        Assert.Contains("line.csv:", page);
    }

    [Fact]
    public void TheBoundaryIsDrawnForTwoNumbersOnly()
    {
        _place.Dl("gen", "--toy", "spiral", "-n", "200", "-o", "spiral.csv");
        Ran ran = _place.Dl("fit", "-m", "mlp:16", "spiral.csv", "--epochs", "9", "-o", "m.dlm",
            "--boundary", "b.png", "-q");
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        byte[] png = File.ReadAllBytes(Path.Combine(_place.Folder, "b.png"));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        _place.Write("three.csv", "a,b,c,y\n" + string.Concat(
            Enumerable.Range(0, 60).Select(i => $"{i},{i % 7},{i % 5},k{i % 2}\n")));
        Ran refused = _place.Dl(
            "fit", "-m", "mlp", "three.csv", "-o", "x.dlm", "--boundary", "b.png", "-q");
        Assert.Equal(2, refused.Code);
        Assert.StartsWith("dl: --boundary: needs a table with two columns", refused.Error);
        Assert.False(File.Exists(Path.Combine(_place.Folder, "x.dlm")));
    }

    [Fact]
    public void ALogIsDrawnOnTheTerminal()
    {
        _place.Dl("gen", "--toy", "moons", "-n", "200", "-o", "moons.csv");
        _place.Dl("fit", "-m", "mlp", "moons.csv", "--epochs", "6", "-o", "m.dlm", "--log",
            "log.csv", "-q");
        Ran drawn = _place.Dl("info", "--log", "log.csv");
        Assert.Equal((0, ""), (drawn.Code, drawn.Error));
        Assert.Contains("accuracy", drawn.Out);
        Assert.Contains("6 epochs", drawn.Out);
        Assert.Equal(6, _place.Dl("info", "--log", "log.csv", "--json").Lines.Length);
        Ran wrong = _place.Dl("info", "--log", "moons.csv");
        Assert.Equal(3, wrong.Code);
        Assert.StartsWith("dl: moons.csv:1: is no training log", wrong.Error);
    }

    /// <summary>Layer or weight, sample and what to try are named.</summary>
    [Theory]
    [InlineData("sgd", "1e25", "layer 'dense_2' (dense) is the first to give")]
    [InlineData("adam", "1e38", "since the update before, whose gradient was too large")]
    public void ANumberlessLossIsTracedToItsSource(string optimizer, string rate, string source)
    {
        _place.Dl("gen", "--toy", "linear", "-n", "300", "-o", "line.csv");
        Ran ran = _place.Dl("fit", "-m", "mlp", "line.csv", "--optimizer", optimizer, "--lr", rate,
            "-o", "m.dlm", "-q");
        Assert.Equal(1, ran.Code);
        Assert.Contains(source, ran.Error);
        Assert.Matches(@"epoch 1, step \d+ \(samples line\.csv:\d+", ran.Error);
        Assert.Contains("try --lr", ran.Error);
        Assert.False(File.Exists(Path.Combine(_place.Folder, "m.dlm")));
    }

    public void Dispose() => _place.Dispose();

    [GeneratedRegex("src=\"([^\"]*)\"")]
    private static partial Regex Sources();
}
