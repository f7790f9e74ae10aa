// Layers that disturb what they are given while training and do nothing in use (Ops/Noise.cs).
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>What all layers with a rate have.</summary>
public abstract record NoiseLayer : Layer
{
    /// <summary>Share of what is dropped, in [0, 1).</summary>
    public required float Rate { get; init; }

    public override bool Drops => Rate > 0;

    public override string Summary() => $"{Rate:0.###}";

    private protected Shape Checked(ReadOnlySpan<Shape> inputs, string kind) =>
        Rate is >= 0 and < 1
            ? Single(inputs, kind)
            : throw new UsageException($"{kind}: rate {Rate}, expected 0 <= rate < 1");

    private protected bool Acts(Pass pass) => pass.Dropping && Rate > 0;
}

/// <summary>
/// In training, zeroes a share of its input and scales the rest (Srivastava 2014).
/// </summary>
public sealed record Dropout : NoiseLayer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) => Checked(inputs, "dropout");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Acts(pass) ? pass.Tape.Dropout(inputs[0], Rate, pass.Rng) : inputs[0];
}

/// <summary>In training, drops whole channels of series, images and volumes.</summary>
public sealed record SpatialDropout : NoiseLayer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Checked(inputs, "spatial_dropout");
        return input.Rank >= 2 ? input
            : throw new UsageException(
                $"spatial_dropout: input is {input}, expected a space and its channels; use "
                + "dropout for vectors");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Acts(pass) ? pass.Tape.SpatialDropout(inputs[0], Rate, pass.Rng) : inputs[0];
}

/// <summary>In training, drops to SELU's floor and keeps mean 0 and variance 1.</summary>
public sealed record AlphaDropout : NoiseLayer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Checked(inputs, "alpha_dropout");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Acts(pass) ? pass.Tape.AlphaDropout(inputs[0], Rate, pass.Rng) : inputs[0];
}

/// <summary>In training, multiplies by normal numbers with the variance of dropout.</summary>
public sealed record GaussianDropout : NoiseLayer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Checked(inputs, "gaussian_dropout");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Acts(pass) ? pass.Tape.GaussianDropout(inputs[0], Rate, pass.Rng) : inputs[0];
}

/// <summary>In training, adds normal numbers.</summary>
public sealed record GaussianNoise : Layer
{
    /// <summary>Standard deviation of what is added.</summary>
    public required float Deviation { get; init; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Deviation >= 0 && float.IsFinite(Deviation)
            ? Single(inputs, "gaussian_noise")
            : throw new UsageException(
                $"gaussian_noise: deviation {Deviation}, expected 0 or more");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Training && Deviation > 0
            ? pass.Tape.GaussianNoise(inputs[0], Deviation, pass.Rng) : inputs[0];

    public override string Summary() => $"{Deviation:0.###}";
}
