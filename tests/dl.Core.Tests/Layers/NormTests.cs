// Batch norm's two modes and running statistics, statistics far from 0, and what is refused.
using Dl.Cpu;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Layers;

public sealed class NormTests
{
    [Fact]
    public void TrainingMovesRunningStatisticsAndUseTakesThem()
    {
        using var device = new CpuDevice(2);
        using var model = Build(device, new BatchNorm());
        model.Weights.Initialize(new Rng(1));
        // Channels (1, 3) and (2, 6): means 2 and 4, unbiased variances 2 and 8.
        float[] x = [1, 2, 3, 6];
        Forward(model, x, training: true);
        Assert.Equal([0.2f, 0.4f], Named(model, "running_mean"));
        Assert.Equal([1.1f, 1.7f], Named(model, "running_variance"));
        float[] y = Forward(model, x, training: false);
        Assert.Equal((1 - 0.2) / Math.Sqrt(1.1 + 1e-5), y[0], 1e-6);
        Assert.Equal((6 - 0.4) / Math.Sqrt(1.7 + 1e-5), y[3], 1e-6);
        Assert.Equal([0.2f, 0.4f], Named(model, "running_mean"));
        Assert.Equal(4, model.Plan.ParameterCount);
    }

    /// <summary>Running sums of squares would lose every digit here.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void NoDigitsCancelFarFromZero(int groups)
    {
        const int Samples = 2, Space = 5000, Channels = 8;
        using var device = new CpuDevice(2);
        using var tape = new Tape(device, recording: false);
        var rng = new Rng(4);
        var x = new float[Samples * Space * Channels];
        var sums = new double[Samples * groups];
        var squares = new double[Samples * groups];
        int Group(int i) =>
            (i / (Space * Channels) * groups) + (i % Channels * groups / Channels);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = 30000 + rng.NextNormal();
            sums[Group(i)] += x[i];
        }
        double n = Space * Channels / groups;
        for (int i = 0; i < x.Length; i++)
        {
            squares[Group(i)] += Math.Pow(x[i] - (sums[Group(i)] / n), 2);
        }
        var y = tape.GroupNorm(
            tape.Input(new Shape(Samples, Space, Channels), x), null, null, groups, 1e-5f);
        var actual = y.ToArray();
        for (int i = 0; i < x.Length; i += 997)
        {
            double expected = (x[i] - (sums[Group(i)] / n))
                / Math.Sqrt((squares[Group(i)] / n) + 1e-5);
            Assert.Equal(expected, actual[i], 1e-5);
        }
    }

    [Fact]
    public void OneValueAChannelIsRefused()
    {
        using var device = new CpuDevice(1);
        using var model = Build(device, new BatchNorm());
        var error = Assert.Throws<UsageException>(() => Forward(model, [1, 2], training: true));
        Assert.Contains("1 value a channel", error.Message);
        Forward(model, [1, 2], training: false);
    }

    [Theory]
    [InlineData("dense5-bn", 33, 16, "33 samples in batches of 16")]
    [InlineData("dense5-bn", 33, 1, "batches of 1")]
    [InlineData("dense5-bn", 32, 16, null)]
    [InlineData("dense5-ln", 33, 16, null)]
    [InlineData("dense5-step", 32, 16, "layer 'dense_1': the gradient of step is 0")]
    [InlineData("dense5-bn-step", 32, 16, "layer 'batch_norm_1': the gradient of step is 0")]
    [InlineData("step-dense5-relu", 32, 16, null)]
    public void WhatCannotLearnIsToldBeforeTraining(
        string model, int samples, int batch, string? message)
    {
        var (graph, _) = Zoo.Resolve(model, new Shape(3), 2, 0);
        var error = Record.Exception(() => GraphChecks.Check(graph.Plan(), samples, batch));
        if (message is null)
        {
            Assert.Null(error);
            return;
        }
        Assert.Contains(message, Assert.IsType<UsageException>(error).Message);
    }

    private static Model Build(Device device, Layer layer) =>
        new(new Graph { Layers = [layer] }.Resolve(new Shape(2), 1), device);

    private static float[] Forward(Model model, float[] x, bool training)
    {
        using var tape = new Tape(model.Device, recording: false);
        return model.Forward(
            new Pass(tape, training, new Rng(1)), tape.Input(new Shape(x.Length / 2, 2), x))
            .ToArray();
    }

    private static float[] Named(Model model, string name) =>
        model.Weights.All.Single(p => p.Spec.Name == name).Tensor.ToArray();
}
