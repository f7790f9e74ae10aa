// Comparing two models on the same rows, against figures worked out by hand and by simulation.
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Tests.Tasks;

public sealed class PairedTestTests
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(1, 9, 22.0 / 1024)]
    [InlineData(9, 1, 22.0 / 1024)]
    [InlineData(5, 5, 1)]
    [InlineData(0, 6, 2.0 / 64)]
    public void McNemarIsTheBinomialTail(long first, long second, double p) =>
        Assert.Equal(p, new McNemar(first, second).PValue, 1e-12);

    [Fact]
    public void McNemarTakesManyRows() =>
        // Normal approximation with continuity correction: z = 99 / sqrt(4000), p = 0.1175.
        Assert.Equal(0.1175, new McNemar(2050, 1950).PValue, 1e-3);

    [Fact]
    public void TheSameModelTwiceHasNoDifference()
    {
        var p = Answers(200, i => i % 4 != 0);
        var result = Compare(p, Answers(200, i => i % 4 != 0));
        foreach (var (name, difference) in result.Differences)
        {
            Assert.True(difference.Value == 0, name);
            Assert.True(difference.PValue == 1, name);
        }
        // No row differs among 200: half the width is 1.96 sqrt(2 / 202 / 202) = 0.0137.
        var (low, high) = result.Differences["accuracy"].Interval;
        Assert.Equal(-0.01372, low, 1e-4);
        Assert.Equal(0.01372, high, 1e-4);
    }

    [Fact]
    public void ABetterModelIsFoundBetter()
    {
        // The second misses 40 of 400 rows, the first only 10, and 5 of those are the same.
        var first = Answers(400, i => i % 40 != 0);
        var second = Answers(400, i => i % 10 != 1 && i != 0);
        var result = Compare(first, second);
        Assert.Equal(new McNemar(41 - 1, 10 - 1), result.McNemar);
        var accuracy = result.Differences["accuracy"];
        Assert.Equal(31 / 400.0, accuracy.Value, 1e-12);
        // 49 rows differ: standard error sqrt(49/400 - (31/400)^2) / 20 = 0.0171.
        Assert.InRange(accuracy.Interval.Low, 0.0775 - 0.038, 0.0775 - 0.028);
        Assert.InRange(accuracy.Interval.High, 0.0775 + 0.028, 0.0775 + 0.038);
        Assert.InRange(accuracy.PValue, 0, 0.01);
        Assert.InRange(result.McNemar!.PValue, 0, 1e-4);
    }

    [Fact]
    public void ChanceIsNotFoundBetterTooOften()
    {
        int found = 0;
        for (ulong seed = 1; seed <= 60; seed++)
        {
            var rng = new Rng(seed);
            bool[] a = new bool[150], b = new bool[150];
            for (int i = 0; i < a.Length; i++)
            {
                (a[i], b[i]) = (rng.NextInt(4) > 0, rng.NextInt(4) > 0);
            }
            var result = PairedTest.Of(
                Answers(150, i => a[i]), Answers(150, i => b[i]), [ClassMetrics.Accuracy], 200,
                seed, 2);
            found += result.Differences["accuracy"].PValue < 0.05 ? 1 : 0;
        }
        // 3 of 60 are expected; more than 9 has a probability of 0.0005.
        Assert.InRange(found, 0, 9);
    }

    private static Comparison Compare(Predictions first, Predictions second) =>
        PairedTest.Of(first, second, first.Task.Scoring(), 500, 1, 2);

    /// <summary>Two classes in turn; right or wrong with probability 0.8.</summary>
    private static Predictions Answers(int rows, Func<int, bool> right)
    {
        var (values, truth) = (new float[rows][], new int[rows]);
        for (int i = 0; i < rows; i++)
        {
            truth[i] = i / 2 % 2;
            bool second = right(i) == (truth[i] == 1);
            values[i] = second ? [0.2f, 0.8f] : [0.8f, 0.2f];
        }
        return ScoringTests.Rows(2, values, truth);
    }
}
