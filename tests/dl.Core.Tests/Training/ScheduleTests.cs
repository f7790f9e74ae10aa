using Dl.Training;

namespace Dl.Tests.Training;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData("constant", 0.0, 1)]
    [InlineData("constant", 0.9, 1)]
    [InlineData("cosine", 0.0, 1)]
    [InlineData("cosine", 0.5, 0.5)]
    [InlineData("cosine", 1.0, 0)]
    [InlineData("cosine", 1.0 / 3, 0.75)]
    public void Factors(string name, double progress, double factor) =>
        Assert.Equal(factor, Schedules.Find(name).Factor(progress), 12);

    [Fact]
    public void WrongNamesAreNamed() => Assert.Contains(
        "did you mean 'cosine'?",
        Assert.Throws<UsageException>(() => Schedules.Find("cosin")).Message);
}
