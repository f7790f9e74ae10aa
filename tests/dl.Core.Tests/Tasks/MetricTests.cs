using Dl.Data;
using Dl.Tasks;

namespace Dl.Tests.Tasks;

/// <summary>Metrics against values worked out by hand.</summary>
public sealed class MetricTests
{
    private static readonly TargetSpec ThreeClasses = new()
    {
        Kind = TargetKind.Classes,
        Names = ["label"],
        Labels = ["a", "b", "c"],
    };

    [Fact]
    public void Classes()
    {
        var task = LearningTask.Create(ThreeClasses, null);
        var predictions = new Predictions(task);
        // Two hits of four: rows 0 and 1; predicted a, b, b, b.
        predictions.Add([5, 0, 0, 0, 5, 0, 0, 5, 0, 0, 5, 0], [0, 1, 2, 0], 4);
        var metrics = predictions.Compute();
        Assert.Equal(0.5, metrics["accuracy"], 12);
        // F1: a 2*1/(1+2), b 2*1/(3+1), c 0/(0+1).
        Assert.Equal(((2.0 / 3) + 0.5 + 0) / 3, metrics["f1_macro"], 12);
        double sure = -Math.Log(Math.Exp(5) / (Math.Exp(5) + 2));
        Assert.Equal(((2 * sure) + (2 * (sure + 5))) / 4, metrics["log_loss"], 5);
    }

    [Fact]
    public void TwoClassesNeedOneOutput()
    {
        var task = LearningTask.Create(ThreeClasses with { Labels = ["no", "yes"] }, null);
        Assert.Equal(1, task.Outputs);
        var values = new float[2];
        task.Interpret([0], values);
        Assert.Equal([0.5f, 0.5f], values);
        var predictions = new Predictions(task);
        predictions.Add([2, -2, 1], [1, 0, 0], 3);
        Assert.Equal(2.0 / 3, predictions.Compute()["accuracy"], 12);
    }

    [Fact]
    public void Numbers()
    {
        var task = LearningTask.Create(
            new TargetSpec
            {
                Kind = TargetKind.Numeric,
                Names = ["y"],
                Mean = [10],
                Std = [2],
            },
            null);
        var predictions = new Predictions(task);
        // In own units: predicted 10, 12, 14; true 10, 14, 12.
        predictions.Add([0, 1, 2], [0, 2, 1], 3);
        var metrics = predictions.Compute();
        Assert.Equal(Math.Sqrt(8.0 / 3), metrics["rmse"], 6);
        Assert.Equal(4.0 / 3, metrics["mae"], 6);
        Assert.Equal(1 - (8.0 / 8), metrics["r2"], 6);
    }

    [Fact]
    public void Labels()
    {
        var task = LearningTask.Create(
            ThreeClasses with { Kind = TargetKind.MultiLabel }, null);
        var predictions = new Predictions(task);
        predictions.Add([1, -1, 1, -1, -1, 1], [1, 0, 1, 1, 0, 1], 2);
        var metrics = predictions.Compute();
        Assert.Equal(2.0 * 3 / (3 + 4), metrics["f1_micro"], 12);
        Assert.Equal(5.0 / 6, metrics["label_accuracy"], 12);
        Assert.Equal(0.5, metrics["exact_match"], 12);
    }

    [Theory]
    [InlineData("mse", "does not suit classification")]
    [InlineData("crossentropy", "did you mean 'cross_entropy'?")]
    public void WrongLossesAreNamed(string loss, string message)
    {
        var error = Assert.Throws<UsageException>(() => LearningTask.Create(ThreeClasses, loss));
        Assert.Contains(message, error.Message);
    }
}
