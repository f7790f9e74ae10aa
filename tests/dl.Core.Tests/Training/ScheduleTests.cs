using Dl.Training;

namespace Dl.Tests.Training;

public sealed class ScheduleTests
{
    /// <summary>Factors of a training of 100 steps in 10 epochs.</summary>
    [Theory]
    [InlineData("constant", 0, 1)]
    [InlineData("constant", 90, 1)]
    [InlineData("cosine", 0, 1)]
    [InlineData("cosine", 50, 0.5)]
    [InlineData("cosine", 100, 0)]
    [InlineData("cosine:floor=0.2", 100, 0.2)]
    [InlineData("cosine:0.2,cycles=1", 50, 0.2)]
    [InlineData("cosine:0.2,cycles=1", 100, 1)]
    [InlineData("step:every=3,gamma=0.5", 29, 1)]
    [InlineData("step:every=3,gamma=0.5", 30, 0.5)]
    [InlineData("step:3,gamma=0.5", 90, 0.125)]
    [InlineData("step:every=30steps,gamma=0.5", 60, 0.25)]
    [InlineData("step:every=30%", 60, 0.01)]
    [InlineData("multistep", 49, 1)]
    [InlineData("multistep", 50, 0.1)]
    [InlineData("multi-step:at=0.5,0.75;gamma=0.5", 75, 0.25)]
    [InlineData("multistep:at=2,2,9,gamma=0.5", 20, 0.25)]
    [InlineData("MultiStep:milestones=2,9", 90, 0.01)]
    [InlineData("exponential:gamma=0.9", 10, 0.9)]
    [InlineData("exponential:gamma=0.9", 25, 0.76843347)]
    [InlineData("exponential", 50, 0.1)]
    [InlineData("polynomial:power=2", 50, 0.25)]
    [InlineData("polynomial:power=2,floor=0.1", 50, 0.325)]
    [InlineData("polynomial", 120, 0)]
    [InlineData("cosine_restarts:first=2,mult=1", 10, 0.5)]
    [InlineData("cosine_restarts:first=2,mult=1", 40, 1)]
    [InlineData("cosine_restarts:T0=2,Tmult=2", 20, 1)]
    [InlineData("cosine_restarts:T0=2,Tmult=2", 40, 0.5)]
    [InlineData("cosine_restarts:T0=2,Tmult=2,floor=0.4", 60, 1)]
    [InlineData("one_cycle", 0, 0.04)]
    [InlineData("one-cycle:pct=0.31", 30, 1)]
    [InlineData("one_cycle:div=10,final=100", 99, 0.001)]
    [InlineData("reduce_on_plateau", 99, 1)]
    public void Factors(string text, double step, double factor) => Assert.Equal(
        factor, Curve(text).Factor(step), 7);

    [Theory]
    [InlineData("cosine", "20", 0, 1.0 / 21)]
    [InlineData("cosine", "20", 10, 11.0 / 21)]
    [InlineData("cosine", "20:from=0.1", 10, 0.55)]
    [InlineData("cosine", "0.2", 20, 1)]
    [InlineData("cosine", "2epochs", 60, 0.5)]
    [InlineData("constant", "5%:from=0", 0, 0)]
    [InlineData("inverse_sqrt", "25steps", 25, 1)]
    [InlineData("inverse_sqrt", "25", 100, 0.5)]
    [InlineData("inverse_sqrt", null, 40, 0.5)]
    [InlineData("inverse_sqrt:warmup=4", null, 16, 0.5)]
    // Positions are the training's own, warm-up or not.
    [InlineData("multistep:at=5", "20", 50, 0.1)]
    [InlineData("multistep:at=5", "20", 49, 1)]
    public void WarmupComesFirst(string schedule, string? warmup, double step, double factor) =>
        Assert.Equal(factor, Curve(schedule, warmup).Factor(step), 9);

    [Theory]
    [InlineData("cosin", "did you mean 'cosine'?")]
    [InlineData("constant:1", "takes no arguments")]
    [InlineData("step:evry=3", "did you mean 'every'?")]
    [InlineData("step:every=0", "every is '0'")]
    [InlineData("step:every=3,every=4", "given twice")]
    [InlineData("step:every=3,4", "expected one value")]
    [InlineData("step:gamma=2", "from 0 (exclusive) to 1")]
    [InlineData("step:gamma=x", "expected a number")]
    [InlineData("multistep:at=0.5,later", "at is 'later'")]
    [InlineData("exponential:gamma=0.9,final=0.1", "give one")]
    [InlineData("reduce_on_plateau:by=accuracy", "expected loss or metric")]
    public void WrongArgumentsAreNamed(string text, string says) => Assert.Contains(
        says, Assert.Throws<UsageException>(() => Schedules.Find(text)).Message);

    [Theory]
    [InlineData("one_cycle", "10")]
    [InlineData("inverse_sqrt:warmup=10", "10")]
    public void TwoWarmupsAreRefused(string schedule, string warmup) => Assert.Contains(
        "warms up by itself",
        Assert.Throws<UsageException>(() => Curve(schedule, warmup)).Message);

    [Theory]
    [InlineData("soon")]
    [InlineData("-3")]
    [InlineData("120%")]
    [InlineData("10:start=2")]
    public void WrongWarmupsAreRefused(string text) => Assert.Contains(
        "--warmup", Assert.Throws<UsageException>(() => Warmup.Parse(text)).Message);

    /// <summary>The course of PyTorch's ReduceLROnPlateau(patience=1, threshold=1e-4).</summary>
    [Fact]
    public void ThePlateauWaitsOutItsPatience()
    {
        var rule = Schedules.Find("reduce_on_plateau:factor=0.5,patience=1,min=0.2").Plateau!;
        var state = new PlateauState();
        double[] losses = [1, 0.9, 0.95, 0.9, 0.8, 0.79999, 0.9, 0.9, 0.9, 0.9];
        int[] reductions = [0, 0, 0, 1, 1, 1, 2, 2, 3, 3];
        var schedule = Curve("reduce_on_plateau:factor=0.5,patience=1,min=0.2");
        for (int i = 0; i < losses.Length; i++)
        {
            state.Observe(rule, losses[i], higherIsBetter: false);
            Assert.Equal(reductions[i], state.Reductions);
        }
        Assert.Equal(0.25, schedule.Factor(50, 2));
        Assert.Equal(0.2, schedule.Factor(50, 3));
    }

    private static RateCurve Curve(string text, string? warmup = null)
    {
        var schedule = Schedules.Find(text);
        return new RateCurve(schedule, RateCurve.Choose(schedule, warmup), 100, 10);
    }
}
