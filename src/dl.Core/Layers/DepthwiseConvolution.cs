// Convolutions that keep the channels apart: each has filters of its own (depthwise), and where
// they are to meet, a 1x1 convolution mixes them afterwards (separable; Chollet 2017, "Xception").
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>What both kinds have.</summary>
public abstract record DepthwiseLayer : ConvolutionLayer
{
    [JsonConverter(typeof(Size2Converter))]
    public Size2 Kernel { get; set; } = new(3, 3);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Stride { get; set; } = new(1, 1);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Dilation { get; set; } = new(1, 1);

    /// <summary>Filters of each channel.</summary>
    public int Multiplier { get; set; } = 1;

    private protected override Taps Taps => Taps.Of(Kernel, Stride, Dilation);

    public override string Summary() =>
        base.Summary() + (Multiplier == 1 ? "" : $" x{Multiplier}");

    private protected Shape Multiplied(Shape sample, string kind) =>
        Multiplier >= 1
            ? Filtered(sample, sample.Last * Multiplier, kind)
            : throw new UsageException($"{kind}: multiplier {Multiplier}, expected at least 1");
}

/// <summary>height x width x channels to height x width x (channels * multiplier).</summary>
public sealed record DepthwiseConv2d : DepthwiseLayer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Multiplied(Single(inputs, "depthwise_conv2d"), "depthwise_conv2d");

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int channels = inputs[0].Last, filters = channels * Multiplier;
        return WithBias(filters, WeightSpec("weight", channels, filters, channels));
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Activate(
            Convolve(
                pass.Tape, inputs[0], weights[0], Bias ? weights[1] : null, inputs[0].Shape.Last),
            Activation);
}

/// <summary>
/// Depthwise, then 1x1: height x width x channels to height x width x filters, with about
/// channels / (window + channels) of the weights of a full convolution.
/// </summary>
public sealed record SeparableConv2d : DepthwiseLayer
{
    public required int Filters { get; init; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var middle = Multiplied(Single(inputs, "separable_conv2d"), "separable_conv2d");
        return Filters >= 1
            ? middle.With(-1, Filters)
            : throw new UsageException($"separable_conv2d: {Filters} filters, expected at least 1");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int channels = inputs[0].Last, middle = channels * Multiplier;
        var pointwise = new ParameterSpec(
            "pointwise_weight", new Shape(1, 1, middle, Filters),
            Activations.Initializer(Activation), middle, Filters, true);
        return WithBias(
            Filters, WeightSpec("depthwise_weight", channels, middle, channels), pointwise);
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var one = new Size2(1, 1);
        var apart = Convolve(pass.Tape, inputs[0], weights[0], null, inputs[0].Shape.Last);
        var mixed = pass.Tape.Convolution(
            apart, weights[1], Bias ? weights[2] : null, one, default, one);
        return pass.Tape.Activate(mixed, Activation);
    }
}
