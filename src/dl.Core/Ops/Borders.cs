// Moving pixels between channels and space, and borders other than zeros. All are strided copies.
using Dl.Tensors;

namespace Dl.Ops;

/// <summary>What a border around a tensor is filled with.</summary>
public enum Border
{
    Zeros,

    /// <summary>Mirrored at the outermost element, which is not repeated: 3 2 | 1 2 3.</summary>
    Reflect,

    /// <summary>The outermost element again: 1 1 | 1 2 3.</summary>
    Edge,
}

public static class BorderOps
{
    /// <summary>
    /// (B,H,W,C*r*r) to (B,H*r,W*r,C), channel (c*r + dy)*r + dx to pixel (dy, dx) of its block
    /// (Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution").
    /// </summary>
    public static Tensor PixelShuffle(this Tape tape, Tensor x, int factor)
    {
        var s = x.Shape;
        if (s.Rank != 4 || factor < 1 || s[3] % (factor * factor) != 0)
        {
            throw new UsageException(
                $"pixel shuffle: input is {s} and the factor {factor}; expected (batch, height, "
                + "width, channels) with a multiple of factor * factor channels");
        }
        int channels = s[3] / (factor * factor);
        var blocks = x.Reshape(new Shape(s[0], s[1], s[2], channels, factor, factor));
        return tape.Permute(blocks, 0, 1, 4, 2, 5, 3)
            .Reshape(new Shape(s[0], s[1] * factor, s[2] * factor, channels));
    }

    /// <summary>The inverse of <see cref="PixelShuffle"/>: space to channels.</summary>
    public static Tensor PixelUnshuffle(this Tape tape, Tensor x, int factor)
    {
        var s = x.Shape;
        if (s.Rank != 4 || factor < 1 || s[1] % factor != 0 || s[2] % factor != 0)
        {
            throw new UsageException(
                $"pixel unshuffle: input is {s} and the factor {factor}; expected (batch, height, "
                + "width, channels) with height and width multiples of the factor");
        }
        var blocks = x.Reshape(
            new Shape(s[0], s[1] / factor, factor, s[2] / factor, factor, s[3]));
        return tape.Permute(blocks, 0, 1, 3, 5, 2, 4).Reshape(
            new Shape(s[0], s[1] / factor, s[2] / factor, s[3] * factor * factor));
    }

    /// <summary>
    /// <paramref name="before"/> and <paramref name="after"/> more elements in each dimension.
    /// </summary>
    public static Tensor Pad(
        this Tape tape, Tensor x, ReadOnlySpan<int> before, ReadOnlySpan<int> after, Border border)
    {
        if (border == Border.Zeros)
        {
            return tape.Pad(x, before, after);
        }
        // Dimension after dimension, so corners come from borders that are already there.
        for (int i = 0; i < before.Length; i++)
        {
            if (before[i] + after[i] > 0)
            {
                x = Along(tape, x, i, before[i], after[i], border);
            }
        }
        return x;
    }

    private static Tensor Along(
        Tape tape, Tensor x, int dimension, int before, int after, Border border)
    {
        int extent = x.Shape[dimension];
        if (extent == 0 || (border == Border.Reflect && Math.Max(before, after) >= extent))
        {
            throw new UsageException(
                $"pad: {x.Shape} cannot be reflected {before} and {after} beyond dimension "
                + $"{dimension}; at most {extent - 1}, or use edge or zeros");
        }
        var y = tape.New(x.Shape.With(dimension, before + extent + after));
        // Runs of source and target along the dimension: the middle, then the borders. An edge is
        // one copy for each element, because its gradient adds them all to one place.
        var plans = new List<CopyPlan> { Run(x.Shape, y.Shape, dimension, 0, 1, before, extent) };
        if (border == Border.Reflect)
        {
            plans.Add(Run(x.Shape, y.Shape, dimension, before, -1, 0, before));
            plans.Add(Run(x.Shape, y.Shape, dimension, extent - 2, -1, before + extent, after));
        }
        for (int i = 0; border == Border.Edge && i < before + after; i++)
        {
            plans.Add(i < before
                ? Run(x.Shape, y.Shape, dimension, 0, 1, i, 1)
                : Run(x.Shape, y.Shape, dimension, extent - 1, 1, extent + i, 1));
        }
        foreach (var plan in plans)
        {
            tape.Device.StridedCopy(x.Storage, y.Storage, plan, 0);
        }
        return tape.Record(y, [x], dy =>
        {
            if (tape.Wants(x, out var dx, out float beta))
            {
                // The first plan reaches every element of x.
                for (int i = 0; i < plans.Count; i++)
                {
                    tape.Device.StridedCopy(dy, dx, plans[i].Reversed(), i == 0 ? beta : 1);
                }
            }
        });
    }

    /// <summary>y[to + i] = x[from + step * i] along a dimension, for i below count.</summary>
    private static CopyPlan Run(
        Shape x, Shape y, int dimension, int from, int step, int to, int count)
    {
        int inner = x.Product(dimension + 1, x.Rank);
        return CopyPlan.Create(
            [x.Product(0, dimension), count, inner],
            [x[dimension] * inner, step * inner, 1],
            [y[dimension] * inner, inner, 1],
            from * inner, to * inner);
    }
}
