// Squeeze and excitation (Hu et al. 2018, "Squeeze-and-Excitation Networks"): the channels of a
// sample are weighed by what their means say about them.
//   s = mean over all places of x,  g = gate(activation(s w1 + b1) w2 + b2),  y = x * g
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Series, images and volumes keep their shape; each channel is scaled.</summary>
public sealed record SqueezeExcitation : Layer, IActivated
{
    /// <summary>Channels for each unit of the bottleneck, which has at least one.</summary>
    public int Ratio { get; set; } = 16;

    /// <summary>After the bottleneck.</summary>
    public string Activation { get; set; } = "relu";

    /// <summary>What makes scales of numbers: sigmoid, or hard_sigmoid as in MobileNetV3.</summary>
    public string Gate { get; set; } = "sigmoid";

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "squeeze_excitation");
        Activations.Find(Activation);
        Activations.Find(Gate);
        return input.Rank is >= 2 and <= 4 && Ratio >= 1
            ? input
            : throw new UsageException(
                $"squeeze_excitation: input is {input} and the ratio {Ratio}; expected 1 to 3 "
                + "dimensions and channels, and a ratio of at least 1");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int channels = inputs[0].Last, units = Math.Max(1, channels / Ratio);
        return
        [
            new("squeeze_weight", new Shape(channels, units), Activations.Initializer(Activation),
                channels, units, true),
            new("squeeze_bias", new Shape(units), "zeros", channels, units, false),
            new("expand_weight", new Shape(units, channels), Activations.Initializer(Gate),
                units, channels, true),
            new("expand_bias", new Shape(channels), "zeros", units, channels, false),
        ];
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var (tape, x) = (pass.Tape, inputs[0]);
        var mean = tape.Mean(x, 1, x.Shape.Rank - 1);
        var units = tape.Activate(tape.Linear(mean, weights[0], weights[1]), Activation);
        var gate = tape.Activate(tape.Linear(units, weights[2], weights[3]), Gate);
        // (B, C) beside (B, D, H, W, C): one scale for all places of a channel.
        var scale = gate.Shape;
        for (int i = 2; i < x.Shape.Rank; i++)
        {
            scale = scale.Skip(1).Prepend(1).Prepend(scale[0]);
        }
        return tape.Multiply(x, gate.Reshape(scale));
    }

    public override string Summary() => $"ratio {Ratio}";
}
