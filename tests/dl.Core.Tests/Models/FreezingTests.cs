using Dl.Models;
using Dl.Tensors;

namespace Dl.Tests.Models;

public sealed class FreezingTests
{
    private static GraphPlan Plan => Zoo.Resolve("mlp:8,4", new Shape(3), 2, null).Graph.Plan();

    [Theory]
    [InlineData("dense_1", "dense_1", true)]
    [InlineData("dense_1", "dense*", true)]
    [InlineData("dense_1", "*_1", true)]
    [InlineData("dense_1", "dense_?", true)]
    [InlineData("dense_12", "dense_?", false)]
    [InlineData("dense_1", "dens", false)]
    [InlineData("dense_1", "*", true)]
    public void PatternsFit(string name, string pattern, bool fits) =>
        Assert.Equal(fits, Freezing.Fits(name, pattern));

    [Fact]
    public void FrozenWeightsLieOutsideWhatTrains()
    {
        using var device = TestDevice.Cpu();
        var graph = Zoo.Resolve("mlp:8,4", new Shape(3), 2, null).Graph;
        var plan = graph.Plan().Freeze(["dense_1"]);
        using var model = new Model(graph, plan, device);
        Assert.All(model.Weights.All, p => Assert.Equal(
            !p.Name.StartsWith("dense_1.", StringComparison.Ordinal), p.Spec.Trains));
        Assert.Equal(graph.Plan().ParameterCount, plan.ParameterCount);
    }

    [Fact]
    public void UnknownLayersAreNamed() => Assert.Contains(
        "did you mean 'dense_1'?",
        Assert.Throws<UsageException>(() => Plan.Freeze(["dens_1"])).Message);

    [Fact]
    public void SomethingHasToTrain() => Assert.Contains(
        "leaves nothing to train",
        Assert.Throws<UsageException>(() => Plan.Freeze(["*"])).Message);
}
