// Layers that take less of a sample, or put a border around it. Margins are one number for every
// side, one for each dimension, or two (before, after) for each; channels are never counted.
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Takes margins off a series, an image or a volume.</summary>
public sealed record Crop : Layer
{
    [JsonConverter(typeof(WholeNumbersConverter))]
    public required int[] Margins { get; init; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "crop");
        var sides = MarginText.Sides("crop", Margins, input);
        var output = input;
        for (int i = 0; i < sides.Length; i++)
        {
            int left = input[i] - sides[i].Before - sides[i].After;
            output = left > 0 ? output.With(i, left)
                : throw new UsageException(
                    $"crop: margins {Summary()} leave nothing of {input}; use smaller ones");
        }
        return output;
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var x = inputs[0];
        var sides = MarginText.Sides("crop", Margins, x.Shape.Skip(1));
        for (int i = 0; i < sides.Length; i++)
        {
            var (before, after) = sides[i];
            if (before + after > 0)
            {
                x = pass.Tape.Slice(x, i + 1, before, x.Shape[i + 1] - before - after);
            }
        }
        return x;
    }

    public override string Summary() => string.Join(' ', Margins);
}

/// <summary>Puts a border around a series, an image or a volume.</summary>
public sealed record Pad : Layer
{
    [JsonConverter(typeof(WholeNumbersConverter))]
    public required int[] Margins { get; init; }

    /// <summary>`zeros`, `reflect` (3 2 | 1 2 3) or `edge` (1 1 | 1 2 3).</summary>
    public string Mode { get; set; } = "zeros";

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "pad");
        var border = Find();
        var sides = MarginText.Sides("pad", Margins, input);
        var output = input;
        for (int i = 0; i < sides.Length; i++)
        {
            var (before, after) = sides[i];
            if (border == Border.Reflect && Math.Max(before, after) >= input[i])
            {
                throw new UsageException(
                    $"pad: margins {Summary()} reflect more than {input} has; use at most "
                    + $"{input[i] - 1} there, or mode 'edge'");
            }
            output = output.With(i, before + input[i] + after);
        }
        return output;
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var x = inputs[0];
        var sides = MarginText.Sides("pad", Margins, x.Shape.Skip(1));
        Span<int> before = stackalloc int[x.Shape.Rank], after = stackalloc int[x.Shape.Rank];
        for (int i = 0; i < sides.Length; i++)
        {
            (before[i + 1], after[i + 1]) = sides[i];
        }
        return pass.Tape.Pad(x, before, after, Find());
    }

    public override string Summary() => $"{string.Join(' ', Margins)} {Mode}";

    private Border Find() => Mode switch
    {
        "zeros" => Border.Zeros,
        "reflect" => Border.Reflect,
        "edge" => Border.Edge,
        _ => throw new UsageException(
            $"pad: {Nearest.Unknown("mode", Mode, ["zeros", "reflect", "edge"])}"),
    };
}

/// <summary>A run along one dimension: [start, end), as Python slices count.</summary>
public sealed record Slice : Layer
{
    /// <summary>A dimension of the sample, from 0; -1 is the last.</summary>
    public int Axis { get; set; }

    /// <summary>Negative: from the end.</summary>
    public int Start { get; set; }

    /// <summary>The first that is not taken; negative: from the end; null: to the end.</summary>
    public int? End { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "slice");
        if (Axis < -input.Rank || Axis >= input.Rank)
        {
            throw new UsageException(
                $"slice: axis {Axis} of a {input} input, expected 0 to {input.Rank - 1}");
        }
        var (from, length) = Run(input);
        return from >= 0 && length > 0 && from + length <= input[Axis]
            ? input.With(Axis, length)
            : throw new UsageException(
                $"slice: [{Summary()}] of {input} takes nothing or more than there is; axis {Axis} "
                + $"has {input[Axis]}");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var sample = inputs[0].Shape.Skip(1);
        var (from, length) = Run(sample);
        return pass.Tape.Slice(inputs[0], Axis < 0 ? Axis : Axis + 1, from, length);
    }

    public override string Summary() => $"{Start}:{End} of axis {Axis}";

    private (int From, int Length) Run(Shape sample)
    {
        int extent = sample[Axis], end = End ?? extent;
        int from = Start < 0 ? Start + extent : Start;
        return (from, (end < 0 ? end + extent : end) - from);
    }
}

internal static class MarginText
{
    /// <summary>(before, after) for every dimension but the channels.</summary>
    public static (int Before, int After)[] Sides(string kind, int[] margins, Shape sample)
    {
        int dimensions = sample.Rank - 1;
        return dimensions is < 1 or > 3
            ? throw new UsageException(
                $"{kind}: input is {sample}, expected 1 to 3 dimensions and channels")
            : Margins.Spread(margins, dimensions) ?? throw new UsageException(
                $"{kind}: {margins.Length} margins for a {sample} input; expected 1, "
                + $"{dimensions} (one a dimension) or {2 * dimensions} (before and after each)");
    }
}
