// The rectifier with a learnt slope (He et al. 2015): x where it is positive, else slope * x.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Leaky ReLU whose slope below 0 is learnt, one a channel.</summary>
public sealed record PRelu : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "prelu");
        return input.Rank >= 1 ? input
            : throw new UsageException($"prelu: input is {input}, expected channels");
    }

    /// <summary>Slopes start at 0.25 and do not decay: decay would make them ReLU's 0.</summary>
    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        [new ParameterSpec("slope", new Shape(inputs[0].Last), "constant:0.25", 1, 1, false)];

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Binary(BinaryOps.PRelu, inputs[0], weights[0]);
}
