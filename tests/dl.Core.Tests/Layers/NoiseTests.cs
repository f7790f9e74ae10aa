// What noise layers do to the statistics of their input, in training and in use.
using Dl.Cpu;
using Dl.Layers;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tests.Layers;

public sealed class NoiseTests
{
    private const int Batch = 64, Space = 40, Channels = 25;

    public static TheoryData<string> Kinds =>
        ["dropout", "spatial", "alpha", "gaussian_dropout", "noise"];

    [Theory]
    [InlineData("dropout", 0, 1 / 0.7)]
    [InlineData("spatial", 0, 1 / 0.7)]
    [InlineData("alpha", 0, 1)]
    [InlineData("gaussian_dropout", 0, 1 / 0.7)]
    [InlineData("noise", 0, 1.25)]
    public void MeanAndVariance(string kind, double mean, double variance)
    {
        var y = Run(kind, true, 3, out _);
        double average = y.Average(v => (double)v);
        Assert.Equal(mean, average, 0.02);
        Assert.Equal(variance, y.Average(v => Math.Pow(v - average, 2)), 0.05 * variance);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void InUseNothingHappens(string kind) =>
        Assert.Equal(Input(), Run(kind, false, 3, out _));

    /// <summary>The draw depends on the generator's position alone, as resuming needs.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheSameSeedGivesTheSameBits(string kind)
    {
        Assert.Equal(Run(kind, true, 3, out _), Run(kind, true, 3, out _));
        Assert.NotEqual(Run(kind, true, 3, out _), Run(kind, true, 4, out _));
    }

    /// <summary>Each is affine in its input: the gradient is the slope that was drawn.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheGradientIsTheSlope(string kind)
    {
        var y = Run(kind, true, 3, out var dx);
        var moved = Run(kind, true, 3, out _, shift: 1);
        for (int i = 0; i < y.Length; i++)
        {
            Assert.Equal(moved[i] - y[i], dx[i], 1e-4);
        }
    }

    [Fact]
    public void SpatialDropoutDropsWholeChannels()
    {
        var y = Run("spatial", true, 3, out _);
        for (int i = 0; i < Batch * Channels; i++)
        {
            int at = (i / Channels * Space * Channels) + (i % Channels);
            int zeros = Enumerable.Range(0, Space).Count(j => y[at + (j * Channels)] == 0);
            Assert.True(zeros is 0 or Space);
        }
    }

    private static float[] Run(
        string kind, bool training, ulong seed, out float[] dx, float shift = 0)
    {
        Layer layer = kind switch
        {
            "dropout" => new Dropout { Rate = 0.3f },
            "spatial" => new SpatialDropout { Rate = 0.3f },
            "alpha" => new AlphaDropout { Rate = 0.3f },
            "gaussian_dropout" => new GaussianDropout { Rate = 0.3f },
            _ => new GaussianNoise { Deviation = 0.5f },
        };
        using var device = new CpuDevice(2);
        using var tape = new Tape(device);
        var values = Input();
        for (int i = 0; i < values.Length; i++)
        {
            values[i] += shift;
        }
        var shape = new Shape(Batch, Space, Channels);
        var source = tape.Input(shape, values);
        var x = Tensor.Leaf(shape, source.Storage);
        var y = layer.Forward(new Pass(tape, training, new Rng(seed)), [x], []);
        var result = y.ToArray();
        tape.Backward(tape.Sum(y));
        dx = new float[result.Length];
        if (x.Gradient is { } gradient)
        {
            device.Read(gradient, dx);
        }
        return result;
    }

    private static float[] Input()
    {
        var rng = new Rng(2);
        var x = new float[Batch * Space * Channels];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = rng.NextNormal();
        }
        return x;
    }
}
