// Confidence intervals: as wide as theory says, never a point, the same from any number of threads.
using System.Diagnostics;
using Dl.Data;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Tests.Tasks;

public sealed class BootstrapTests
{
    [Fact]
    public void SharesHaveWilsonsInterval()
    {
        var p = ScoringTests.Rows(
            2, [.. Enumerable.Range(0, 200).Select(i => i % 5 == 0
                ? new float[] { 0.7f, 0.3f } : [0.3f, 0.7f])],
            [.. Enumerable.Repeat(1, 200)]);
        // Worked out by hand for 160 of 200: centre 0.794346, half the width 0.055202.
        var (low, high) = Intervals(p)["accuracy"];
        Assert.Equal(0.73914, low, 1e-4);
        Assert.Equal(0.84955, high, 1e-4);
        // 50 of 50: 1 / (1 + z^2 / 50).
        Assert.Equal(0.92865, Bootstrap.Wilson(1, 50).Low, 1e-4);
        Assert.Equal(1, Bootstrap.Wilson(1, 50).High, 1e-12);
        Assert.Equal(0.07135, Bootstrap.Wilson(0, 50).High, 1e-4);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void PerfectPredictionsAreNotCertain(int labels)
    {
        var rows = new float[40][];
        var truth = new int[40];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = new float[labels];
            rows[i][truth[i] = i % labels] = 1;
        }
        var p = ScoringTests.Rows(labels, rows, truth);
        var values = p.Compute(p.Task.Scoring());
        foreach (var (name, (low, high)) in Intervals(p))
        {
            bool unknown = double.IsNaN(low) && double.IsNaN(high);
            Assert.True(unknown == (name == "log_loss"), name);
            Assert.True(unknown || (low < high && low <= values[name] && values[name] <= high),
                $"{name}: {low} {values[name]} {high}");
        }
    }

    [Fact]
    public void OneRowTellsLittle()
    {
        var p = Numbers(1, 1);
        Assert.All(Intervals(p).Values, i => Assert.True(double.IsNaN(i.Low)));
        p = ScoringTests.Rows(2, [[0.2f, 0.8f]], [1]);
        Assert.InRange(Intervals(p)["accuracy"].Low, 0.05, 0.3);
        Assert.True(double.IsNaN(Intervals(p)["roc_auc"].Low));
    }

    [Fact]
    public void AMeanHasTheWidthOfItsStandardError()
    {
        var p = Numbers(400, 3);
        var errors = Enumerable.Range(0, 400)
            .Select(i => Math.Abs((double)p.Targets(i)[0] - p.Values(i)[0])).ToArray();
        double mean = errors.Average();
        double error = Math.Sqrt(errors.Average(e => (e - mean) * (e - mean)) / 400);
        var (low, high) = Intervals(p)["mae"];
        Assert.InRange((high - low) / (2 * 1.96 * error), 0.9, 1.1);
    }

    [Fact]
    public void TheAreaHasTheWidthThatHanleyAndMcNeilGive()
    {
        var rng = new Rng(4);
        const int n = 600;
        var (rows, truth) = (new float[n][], new int[n]);
        for (int i = 0; i < n; i++)
        {
            truth[i] = i % 2;
            float score = 1 / (1 + MathF.Exp(-(rng.NextNormal() + truth[i])));
            rows[i] = [1 - score, score];
        }
        var p = ScoringTests.Rows(2, rows, truth);
        double a = p.Compute(ClassMetrics.RocAuc);
        double q1 = a / (2 - a), q2 = 2 * a * a / (1 + a), half = (n / 2) - 1;
        double error = Math.Sqrt(
            ((a * (1 - a)) + (half * (q1 - (a * a))) + (half * (q2 - (a * a)))) / (n * n / 4.0));
        var (low, high) = Intervals(p)["roc_auc"];
        Assert.InRange((high - low) / (2 * 1.96 * error), 0.85, 1.15);
        Assert.InRange(a, low, high);
    }

    [Fact]
    public void ThreadsDoNotShow()
    {
        var p = Numbers(50, 5);
        Assert.Equal(
            Bootstrap.Intervals(p, p.Task.Scoring(), 200, 7, 1),
            Bootstrap.Intervals(p, p.Task.Scoring(), 200, 7, 4));
        Assert.NotEqual(
            Bootstrap.Intervals(p, p.Task.Scoring(), 200, 7, 1)["mae"],
            Bootstrap.Intervals(p, p.Task.Scoring(), 200, 8, 1)["mae"]);
    }

    [Fact]
    public void TenThousandRowsTakeSeconds()
    {
        var rng = new Rng(6);
        var (rows, truth) = (new float[10_000][], new int[10_000]);
        for (int i = 0; i < rows.Length; i++)
        {
            truth[i] = rng.NextInt(10);
            rows[i] = new float[10];
            for (int k = 0; k < 10; k++)
            {
                rows[i][k] = (rng.NextFloat() + (k == truth[i] ? 0.3f : 0)) / 10;
            }
        }
        var p = ScoringTests.Rows(10, rows, truth);
        Assert.Equal(1000, Bootstrap.Draws(p));
        var watch = Stopwatch.StartNew();
        Bootstrap.Intervals(p, p.Task.Scoring(), 1000, 1, Environment.ProcessorCount);
        // Some seconds on a machine with nothing else to do.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1.959963984540054, 0.975)]
    [InlineData(-3, 0.0013498980316301)]
    public void TheNormalDistribution(double z, double share)
    {
        Assert.Equal(share, Normal.Cdf(z), 1e-12);
        Assert.Equal(z, Normal.Quantile(share), 1e-9);
    }

    private static IReadOnlyDictionary<string, Interval> Intervals(Predictions p) =>
        Bootstrap.Intervals(p, p.Task.Scoring(), 1000, 1, 2);

    private static Predictions Numbers(int rows, ulong seed)
    {
        var rng = new Rng(seed);
        var p = new Predictions(LearningTask.Create(
            new TargetSpec { Kind = TargetKind.Numeric, Names = ["y"], Mean = [0], Std = [1] },
            null));
        for (int i = 0; i < rows; i++)
        {
            float y = rng.NextNormal();
            p.AddRow([y + rng.NextNormal()], [y]);
        }
        return p;
    }
}
