// Variants side by side: each is what it would be alone, the best is kept, and a variant that
// breaks down, an interruption or a wrong option leave nothing behind.
using System.Text;
using System.Text.Json;
using Dl.Cpu;
using Dl.Data;
using Dl.Data.Images;
using Dl.Tests.Files;
using Dl.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Tests.Training;

public sealed class ComparisonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AVariantIsWhatItWouldBeAlone()
    {
        var options = Options() with { Output = _folder.File("best.dlm") };
        Variant[] variants =
        [
            new("plain", options), new("init=zeros", options with { Init = "zeros" }),
            new("sgd", options with { Optimizer = "sgd", Dropout = 0.2, BatchSize = 8 }),
        ];
        var result = Run(variants);
        Assert.False(result.Interrupted);
        Assert.Equal(["plain", "init=zeros", "sgd"], result.Variants.Select(v => v.Name));
        for (int i = 0; i < variants.Length; i++)
        {
            string path = _folder.File($"{i}.dlm");
            var alone = FitJob.Run(
                variants[i].Options with { Output = path }, Devices(), Quiet(),
                NullLogger.Instance);
            var together = result.Variants[i].Result!;
            Assert.Equal(alone.Validation!.Loss, together.Validation!.Loss);
            Assert.Equal(alone.BestEpoch, together.BestEpoch);
            Assert.Equal(alone.History.Count, result.Variants[i].History.Count);
            Assert.Equal(
                result.Variants[i] == result.Best,
                File.ReadAllBytes(path).SequenceEqual(File.ReadAllBytes(options.Output)));
        }
        Assert.NotEqual("init=zeros", result.Best!.Name);
        Assert.Equal(
            ["0.dlm", "1.dlm", "2.dlm", "best.dlm", "data.csv"], Names());
    }

    [Fact]
    public void ZerosNeverLearn()
    {
        var options = Options() with { Init = "zeros" };
        var scores = Run(new Variant("zeros", options)).Variants[0].Result!.Train!;
        Assert.Equal(0.5, scores.Metrics["accuracy"], 0.02);
        Assert.Equal(Math.Log(2), scores.Loss, 0.01);
    }

    [Fact]
    public void AVariantThatBreaksDownDoesNotStopTheOthers()
    {
        var options = Options() with { CurvesFile = _folder.File("c.png") };
        var wild = options with { Optimizer = "sgd", LearningRate = 1e30 };
        var result = Run(new("wild", wild), new("plain", options));
        Assert.Null(result.Variants[0].Result);
        Assert.Contains("the loss became", result.Variants[0].Failure);
        Assert.Equal("plain", result.Best!.Name);
        Assert.True(File.Exists(options.CurvesFile));
        Assert.Contains("failed in epoch 1", ComparisonReport.Text(result));
        using var json = JsonDocument.Parse(ComparisonReport.Json(result));
        var first = json.RootElement.GetProperty("variants")[0];
        Assert.Contains("the loss became", first.GetProperty("error").GetString());

        var error = Assert.Throws<DlException>(() => Run(new Variant("wild", wild)));
        Assert.Contains("--variant 'wild': training: the loss became", error.Message);
    }

    [Fact]
    public void SmallerErrorsAreBetter()
    {
        var options = Options() with
        {
            Data = new DataOptions { Inputs = [Data()], Target = ["a"], Ignore = ["kind"] },
        };
        var result = Run(
            new("slow", options with { LearningRate = 1e-5, Optimizer = "adam" }),
            new("fast", options with { LearningRate = 0.05, Optimizer = "adam" }));
        Assert.Equal("rmse", result.Metric);
        Assert.Equal("fast", result.Best!.Name);
    }

    [Fact]
    public void WithoutValidationNoneIsBestAndNoneIsWritten()
    {
        var options = Options();
        options = options with { Data = options.Data with { Validation = "none" } };
        var result = Run(new Variant("plain", options));
        Assert.Null(result.Best);
        Assert.DoesNotContain("best", ComparisonReport.Text(result));
        var error = Assert.Throws<UsageException>(() => Run(
            new Variant("plain", options with { Output = _folder.File("m.dlm") })));
        Assert.Contains("nothing is held out", error.Message);
    }

    [Fact]
    public void AnInterruptionLeavesTheOldFile()
    {
        var options = Options() with { Output = _folder.File("m.dlm") };
        File.WriteAllText(options.Output, "old");
        using var source = new CancellationTokenSource();
        int epochs = 0;
        var events = new FitEvents(
            progress =>
            {
                if (epochs == options.Epochs && progress.Step == 2)
                {
                    source.Cancel();
                }
            },
            (_, _) => epochs++, source.Token);
        var result = ComparisonJob.Run(
            [new("plain", options), new("again", options with { Init = "zeros" })], Devices(),
            events, NullLogger.Instance);
        Assert.True(result.Interrupted);
        Assert.Equal("plain", Assert.Single(result.Variants).Name);
        Assert.Equal("old", File.ReadAllText(options.Output));
        Assert.Equal(["data.csv", "m.dlm"], Names());
    }

    [Fact]
    public void OtherFilesGetANumber()
    {
        var options = Options() with { LogFile = _folder.File("log.csv") };
        Run(new("plain", options), new("zeros", options with { Init = "zeros" }));
        Assert.Equal(["data.csv", "log-2.csv", "log.csv"], Names());
    }

    [Fact]
    public void ManyVariantsAreDrawnApart()
    {
        var courses = Courses(11);
        var image = ComparisonCurves.Draw("title", courses, "accuracy");
        Assert.Equal(1200, image.Width);
        for (int i = 0; i < Palette.Count; i++)
        {
            Assert.True(Count(image, Palette.Of(i)) > 300, $"variant {i + 1}");
        }
        // Dashes of the ninth add to what the first has, and are fewer than its line.
        int eight = Count(ComparisonCurves.Draw("title", Courses(8), "accuracy"), Palette.Of(0));
        Assert.InRange(Count(image, Palette.Of(0)), eight * 1.2, eight * 1.9);
    }

    [Fact]
    public void OneThatGoesAstrayDoesNotHideTheOthers()
    {
        var courses = Courses(3);
        var astray = courses[0].History.Select(r => r with { ValLoss = 1e12 * r.Epoch }).ToList();
        courses[0] = ("astray", astray, null);
        var image = ComparisonCurves.Draw("title", courses, "accuracy");
        int rows = 0;
        for (int y = 100; y < image.Height; y++)
        {
            rows += Row(image, y, 0, 600, Palette.Of(1)) > 0 ? 1 : 0;
        }
        Assert.True(rows > 150, $"the second curve spans {rows} rows");
    }

    [Fact]
    public void NothingToDrawIsDrawnToo()
    {
        ComparisonCurves.Draw("none", [("failed", [], null)], "accuracy");
        ComparisonCurves.Draw("one", [(new string('x', 400), Courses(1)[0].History, 1)], "r2");
    }

    private static List<(string Name, IReadOnlyList<EpochRecord> History, int? Best)> Courses(
        int count)
    {
        var courses = new List<(string, IReadOnlyList<EpochRecord>, int?)>();
        for (int v = 0; v < count; v++)
        {
            var history = new List<EpochRecord>();
            for (int e = 1; e <= 40; e++)
            {
                double loss = Math.Exp(-e / 9.0) + (0.1 * v);
                history.Add(new EpochRecord(e, loss, loss, 1 - loss, 1 - loss, 1, 0.1));
            }
            courses.Add(($"optimizer=number{v}", history, 40));
        }
        return courses;
    }

    private static int Count(Image image, Rgb color)
    {
        int count = 0;
        for (int y = 0; y < image.Height; y++)
        {
            count += Row(image, y, 0, image.Width, color);
        }
        return count;
    }

    private static int Row(Image image, int y, int left, int right, Rgb color)
    {
        int count = 0;
        for (int at = 3 * ((y * image.Width) + left); at < 3 * ((y * image.Width) + right); at += 3)
        {
            count += image.Pixels[at] == color.Red && image.Pixels[at + 1] == color.Green
                && image.Pixels[at + 2] == color.Blue ? 1 : 0;
        }
        return count;
    }

    private FitOptions Options() => new()
    {
        Model = "mlp:8", Data = new DataOptions { Inputs = [Data()] }, Epochs = 6, Device = "cpu",
        Optimizer = "adam", LearningRate = 0.02, Threads = 1,
    };

    /// <summary>Two clusters.</summary>
    private string Data()
    {
        var text = new StringBuilder("a,b,kind\n");
        var random = new Random(3);
        for (int i = 0; i < 200; i++)
        {
            double a = (i % 2 * 2) + random.NextDouble(), b = a + random.NextDouble();
            text.Append(FormattableString.Invariant($"{a:0.000},{b:0.000},{"xy"[i % 2]}\n"));
        }
        string path = _folder.File("data.csv");
        File.WriteAllText(path, text.ToString());
        return path;
    }

    private string[] Names() =>
        [.. Directory.GetFiles(_folder.Path).Select(f => Path.GetFileName(f)).Order()];

    private static ComparisonResult Run(params Variant[] variants) =>
        ComparisonJob.Run(variants, Devices(), Quiet(), NullLogger.Instance);

    private static DeviceChooser Devices() => new([new CpuProvider()]);

    private static FitEvents Quiet() => new(_ => { }, (_, _) => { }, default);
}
