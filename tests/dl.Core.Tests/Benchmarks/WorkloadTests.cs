// The workloads are what they are called elsewhere: the same number of weights, and steps that
// learn.
using Dl.Benchmarks;
using Dl.Tensors;

namespace Dl.Tests.Benchmarks;

public sealed class WorkloadTests
{
    /// <summary>
    /// As PyTorch counts them, but for lstm: there each layer has two biases, whose sum is what
    /// counts, so that it has 2 x 4 x 128 more.
    /// </summary>
    [Theory]
    [InlineData("mlp", 535818)]
    [InlineData("mlp_small", 1699)]
    [InlineData("cnn", 3241354)]
    [InlineData("resnet18", 11173962)]
    [InlineData("mobilenet", 543050)]
    [InlineData("unet", 481762)]
    [InlineData("lstm", 243776 - 1024)]
    [InlineData("gpt", 818176)]
    [InlineData("resnet50", 25557032)]
    public void WeightsAreThoseOfOthers(string name, int weights)
    {
        var workload = Workloads.Find(name)!;
        var plan = workload.Build().Resolve(workload.Input, workload.Classes).Plan();
        Assert.Equal(weights, plan.ParameterCount);
        Assert.Equal(workload.Classes, plan.Output.Last);
    }

    [Theory]
    [InlineData("mlp", 2.3026, 1.2)]
    [InlineData("mlp_small", 1.0986, 0.6)]
    [InlineData("gpt", 4.1744, 0.8)]
    [InlineData("lstm", 4.1589, 0.3)]
    public void StepsBeginAsAGuessAndLearn(string name, double guess, double far)
    {
        using var device = TestDevice.Cpu();
        using var run = new WorkloadRun(Workloads.Find(name)! with { Batch = 4 }, device, 1);
        var result = run.Run(0, default);
        Assert.InRange(result.LossFirst, guess - far, guess + far);
        Assert.True(result.LossLast < result.LossFirst, $"{result.LossFirst} {result.LossLast}");
        Assert.True(result.StepSeconds > 0);
    }

    [Fact]
    public void EveryLayerHasItsTime()
    {
        using var device = TestDevice.Cpu();
        using var run = new WorkloadRun(Workloads.Find("cnn")! with { Batch = 2 }, device, 1);
        var layers = run.TimeLayers(2, default);
        Assert.Equal(
            ["conv2d_1", "max_pool2d_1", "conv2d_2", "max_pool2d_2", "flatten_1", "dense_1",
                "dense_2", "loss", "update"],
            layers.Select(layer => layer.Name));
        Assert.All(layers, layer => Assert.True(layer.Forward > 0));
        // A layer without arithmetic records nothing; an update has no gradient.
        Assert.All(layers, layer => Assert.Equal(
            layer.Name is not ("flatten_1" or "update"), layer.Backward > 0));
    }

    [Fact]
    public void NothingStaysRented()
    {
        using var device = TestDevice.Cpu();
        using (var run = new WorkloadRun(Workloads.Find("mlp_small")!, device, 1))
        {
            run.Run(0, default);
        }
        Assert.Equal(0, device.LiveBuffers);
    }
}
