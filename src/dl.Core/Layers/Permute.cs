// Reorders the dimensions of a sample; the batch stays in front.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Dimension i of the output is dimension Order[i] of the input.</summary>
public sealed record Permute : Layer
{
    /// <summary>Every dimension of a sample once, counted from 0: [1, 0] transposes.</summary>
    public required int[] Order { get; init; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "permute");
        bool whole = Order.Length == input.Rank;
        var extents = new int[input.Rank];
        for (int i = 0; whole && i < Order.Length; i++)
        {
            // A number given twice leaves another one out.
            whole = Array.IndexOf(Order, i) >= 0;
            extents[i] = (uint)Order[i] < (uint)input.Rank ? input[Order[i]] : 0;
        }
        if (!whole)
        {
            throw new UsageException(
                $"permute: order [{Summary()}] of a {input} input; expected each of 0 to "
                + $"{input.Rank - 1} once");
        }
        return new Shape(extents);
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        Span<int> order = stackalloc int[Order.Length + 1];
        order[0] = 0;
        for (int i = 0; i < Order.Length; i++)
        {
            order[i + 1] = Order[i] + 1;
        }
        return pass.Tape.Permute(inputs[0], order);
    }

    public override string Summary() => string.Join(", ", Order);
}
