// The fully connected layer: y = activation(x w + b), w (in, units).
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Acts on the last dimension: (..., in) to (..., units).</summary>
public sealed record Dense : Layer, IActivated
{
    /// <summary>Outputs; 0 stands for as many as the task needs.</summary>
    public required int Units { get; init; }

    public string Activation { get; set; } = "linear";

    public bool Bias { get; set; } = true;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "dense");
        if (input.Rank < 1 || Units < 1)
        {
            throw new UsageException(
                $"dense: input is {input} and units {Units}, expected a vector and at least 1");
        }
        Activations.Find(Activation);
        return input.With(-1, Units);
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int fanIn = inputs[0].Last;
        var weight = new ParameterSpec(
            "weight", new Shape(fanIn, Units), Activations.Initializer(Activation), fanIn, Units,
            true);
        var bias = new ParameterSpec("bias", new Shape(Units), "zeros", fanIn, Units, false);
        return Bias ? [weight, bias] : [weight];
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var y = pass.Tape.Linear(inputs[0], weights[0], Bias ? weights[1] : null);
        return pass.Tape.Activate(y, Activation);
    }

    public override string Summary() => Activation;
}
