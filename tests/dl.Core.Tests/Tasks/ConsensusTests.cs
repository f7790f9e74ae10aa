// Answers of several models made into one: averages of probabilities, and what their spread says.
using Dl.Data;
using Dl.Tasks;

namespace Dl.Tests.Tasks;

public sealed class ConsensusTests
{
    [Theory]
    [InlineData("cross_entropy", 3)]
    [InlineData("binary_cross_entropy", 2)]
    public void ProbabilitiesAreAveraged(string loss, int labels)
    {
        var task = LearningTask.Create(ScoringTests.Target(labels, TargetKind.Classes), loss);
        int n = task.Outputs;
        // The last answer is so sure that its probabilities round to 0 and 1.
        float[] answers = [.. new float[] { 1, -2, 0.5f }[..n], .. new float[] { -1, 3, 0 }[..n],
            .. new float[] { 200, 0, -50 }[..n]];
        var joined = new float[n];
        new Consensus(task).Join(answers, joined);
        var (mean, one) = (new double[labels], new float[labels]);
        for (int m = 0; m < 3; m++)
        {
            task.Interpret(answers.AsSpan(m * n, n), one);
            for (int k = 0; k < labels; k++)
            {
                mean[k] += one[k] / 3.0;
            }
        }
        task.Interpret(joined, one);
        for (int k = 0; k < labels; k++)
        {
            Assert.Equal(mean[k], one[k], 1e-6);
        }
    }

    [Fact]
    public void DisagreementIsTheMutualInformation()
    {
        var task = LearningTask.Create(ScoringTests.Target(2, TargetKind.Classes), null);
        var columns = new float[3];
        // Sure of either: all of ln 2 is disagreement.
        new Consensus(task).Uncertainty([100, -100], 1, columns);
        Assert.Equal(Math.Log(2), columns[0], 1e-6);
        Assert.Equal(Math.Log(2), columns[1], 1e-6);
        Assert.Equal(Math.Sqrt(0.5), columns[2], 1e-6);
        // Unsure of both: none of it.
        new Consensus(task).Uncertainty([0, 0], 1, columns);
        Assert.Equal(Math.Log(2), columns[0], 1e-6);
        Assert.Equal(0, columns[1], 1e-6);
        Assert.Equal(0, columns[2], 1e-6);
    }

    [Fact]
    public void NumbersHaveTheirDeviationInTheirOwnUnits()
    {
        var task = LearningTask.Create(
            new TargetSpec
            {
                Kind = TargetKind.Numeric, Names = ["y", "z"], Mean = [1e6f, 0], Std = [100, 2],
            }, null);
        var (joined, columns) = (new float[2], new float[2]);
        float[] answers = [1, 1, 2, 1, 3, 1];
        var consensus = new Consensus(task);
        consensus.Join(answers, joined);
        Assert.Equal([2f, 1f], joined);
        consensus.Uncertainty(answers, 2, columns);
        Assert.Equal([100f, 0f], columns);
        Assert.Equal(["y_std", "z_std"], Consensus.Columns(task));
    }

    [Fact]
    public void RatesAreAveraged()
    {
        var task = LearningTask.Create(
            new TargetSpec { Kind = TargetKind.Numeric, Names = ["y"], Mean = [0], Std = [2] },
            "poisson");
        var joined = new float[1];
        new Consensus(task).Join([MathF.Log(1), MathF.Log(5)], joined);
        Assert.Equal(MathF.Log(3), joined[0], 1e-6f);
    }

    /// <summary>Means 1 and 3, variances 2 and 4: variance 3 within and 1 between.</summary>
    [Fact]
    public void NormalDistributionsAreJoinedIntoTheOneOfTheirMixture()
    {
        var task = LearningTask.Create(
            new TargetSpec { Kind = TargetKind.Numeric, Names = ["y"], Mean = [0], Std = [1] },
            "gaussian_nll");
        var joined = new float[2];
        var consensus = new Consensus(task);
        consensus.Join([1, MathF.Log(2), 3, MathF.Log(4)], joined);
        Assert.Equal(2, joined[0], 1e-6f);
        Assert.Equal(MathF.Log(4), joined[1], 1e-6f);
        Assert.Equal(["y_mean_std"], Consensus.Columns(task));
    }

    [Fact]
    public void SetsOfLabelsAddTheirEntropies()
    {
        var task = LearningTask.Create(ScoringTests.Target(2, TargetKind.MultiLabel), null);
        var columns = new float[2];
        new Consensus(task).Uncertainty([0, 100, 0, -100], 2, columns);
        Assert.Equal(2 * Math.Log(2), columns[0], 1e-6);
        Assert.Equal(Math.Log(2), columns[1], 1e-6);
    }
}
