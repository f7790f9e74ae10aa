// Several recurrent layers one above the other, each in one or both directions. A layer reads what
// the one below gives at each step; both directions of a layer are joined along the features.
using Dl.Tensors;

namespace Dl.Ops;

/// <param name="Y">(B, T, directions * H): the uppermost layer after each step.</param>
/// <param name="H">Final states (B, H), layer by layer, forward before reverse.</param>
/// <param name="C">lstm: final cells; otherwise empty.</param>
public sealed record RecurrentStackResult(Tensor Y, Tensor[] H, Tensor[] C);

public static class RecurrentStackOps
{
    /// <param name="weights">For each layer and direction, forward before reverse.</param>
    /// <param name="directions">1, or 2 for both.</param>
    /// <param name="lengths">f32 (B): steps of each sample that count; null: all.</param>
    /// <param name="h0">Initial states (B, H) in the order of the weights, or null.</param>
    /// <param name="c0">lstm: initial cells, or null.</param>
    /// <param name="between">Applied to what goes from layer to layer (dropout), or null.</param>
    public static RecurrentStackResult RecurrentStack(
        this Tape tape, RecurrentCell cell, Tensor x, RecurrentWeights[] weights, int directions,
        Tensor? lengths = null, Tensor[]? h0 = null, Tensor[]? c0 = null,
        Func<Tensor, Tensor>? between = null)
    {
        var h = new Tensor[weights.Length];
        var c = new Tensor[cell == RecurrentCell.Lstm ? weights.Length : 0];
        for (int i = 0; i < weights.Length; i += directions)
        {
            x = i > 0 && between is not null ? between(x) : x;
            var parts = new Tensor[directions];
            for (int d = 0; d < directions; d++)
            {
                var start = new RecurrentStart(lengths, h0?[i + d], c0?[i + d]);
                var result = tape.Recurrent(cell, x, weights[i + d], d > 0, start);
                (parts[d], h[i + d]) = (result.Y, result.H);
                if (result.C is { } cells)
                {
                    c[i + d] = cells;
                }
            }
            x = directions == 1 ? parts[0] : tape.Concat(-1, parts);
        }
        return new RecurrentStackResult(x, h, c);
    }
}
