// Layers about time: how long a padded sequence is, its last step, its reverse.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// (time) or (time, features) to one number: steps before the padding at the end. Goes to the
/// second input of a `masked` recurrent layer.
/// </summary>
public sealed record SequenceLength : Layer
{
    /// <summary>The id, or the value of all features, that stands for no step.</summary>
    public float Padding { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "sequence_length");
        return input.Rank is 1 or 2
            ? new Shape(1)
            : throw new UsageException(
                $"sequence_length: input is {input}, expected time or time x features");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.SequenceLengths(inputs[0], Padding)
            .Reshape(new Shape(inputs[0].Shape[0], 1));

    public override string Summary() => $"padding {Padding}";
}

/// <summary>(time, ...) to (...): the last step.</summary>
public sealed record LastStep : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "last_step");
        return input.Rank >= 2 && input[0] > 0
            ? input.Skip(1)
            : throw new UsageException(
                $"last_step: input is {input}, expected time x features");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var x = inputs[0];
        return pass.Tape.Slice(x, 1, x.Shape[1] - 1, 1)
            .Reshape(x.Shape.Skip(2).Prepend(x.Shape[0]));
    }
}

/// <summary>(time, ...) from the last step to the first.</summary>
public sealed record ReverseTime : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "reverse_time");
        return input.Rank >= 1
            ? input
            : throw new UsageException("reverse_time: input is a number, expected a sequence");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.ReverseTime(inputs[0]);
}
