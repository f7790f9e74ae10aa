// Layers that change how many pixels there are without weights.
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// Series, images and volumes made larger or smaller, by `scale` (a number for all dimensions, or
/// one for each) or to a `size`.
/// </summary>
public sealed record Resize : Layer
{
    /// <summary>By how much each dimension grows: floor(extent * scale).</summary>
    [JsonConverter(typeof(FactorsConverter))]
    public double[]? Scale { get; set; }

    /// <summary>New extents, channels not counted.</summary>
    [JsonConverter(typeof(WholeNumbersConverter))]
    public int[]? Size { get; set; }

    /// <summary>`nearest`, or `bilinear`: linear along each dimension.</summary>
    public string Mode { get; set; } = "nearest";

    /// <summary>Bilinear: corners fall on corners instead of areas on areas.</summary>
    public bool AlignCorners { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "resize");
        if (input.Rank is < 2 or > 4)
        {
            throw new UsageException(
                $"resize: input is {input}, expected 1 to 3 dimensions and channels");
        }
        Find();
        var size = Extents(input);
        var output = input;
        for (int i = 0; i < size.Length; i++)
        {
            output = size[i] is >= 1 and <= JsonSizes.Largest && input[i] > 0
                ? output.With(i, size[i])
                : throw new UsageException($"resize: {input} would become {size[i]} wide; use "
                    + $"1 to {JsonSizes.Largest}");
        }
        return output;
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var x = inputs[0];
        var by = Find();
        return pass.Tape.Resize(x, Extents(x.Shape.Skip(1)), Factors(x.Shape.Rank - 2) ?? [], by);
    }

    public override string Summary() =>
        (Scale is null ? $"to {string.Join('x', Size ?? [])}"
            : FormattableString.Invariant($"by {string.Join('x', Scale)}")) + $" {Mode}"
        + (AlignCorners ? " aligned" : "");

    private Interpolation Find() => Mode switch
    {
        "nearest" when !AlignCorners => Interpolation.Nearest,
        "nearest" => throw new UsageException(
            "resize: align_corners with mode 'nearest'; it belongs to bilinear"),
        "bilinear" => AlignCorners ? Interpolation.AlignedLinear : Interpolation.Linear,
        _ => throw new UsageException(
            $"resize: {Nearest.Unknown("mode", Mode, ["nearest", "bilinear"])}"),
    };

    private double[]? Factors(int dimensions) =>
        Scale is null ? null
        : Scale.Length == dimensions ? Scale
        : Scale.Length == 1 ? Enumerable.Repeat(Scale[0], dimensions).ToArray()
        : throw new UsageException(
            $"resize: {Scale.Length} scales for {dimensions} dimension(s); expected one number, or "
            + "one for each");

    private int[] Extents(Shape input)
    {
        int dimensions = input.Rank - 1;
        if ((Scale is null) == (Size is null))
        {
            throw new UsageException("resize: give one of scale and size");
        }
        if (Factors(dimensions) is { } factors)
        {
            var extents = new int[dimensions];
            for (int i = 0; i < dimensions; i++)
            {
                extents[i] = (int)Math.Min(input[i] * factors[i], int.MaxValue);
            }
            return extents;
        }
        return Size!.Length == dimensions ? Size
            : Size.Length == 1 ? Enumerable.Repeat(Size[0], dimensions).ToArray()
            : throw new UsageException(
                $"resize: {Size.Length} sizes for {dimensions} dimension(s); expected one number, "
                + "or one for each");
    }
}

/// <summary>
/// Channels to space: height x width x (channels * factor^2) to (height * factor) x (width *
/// factor) x channels (Shi et al. 2016).
/// </summary>
public sealed record PixelShuffle : Layer
{
    public int Factor { get; set; } = 2;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Image(inputs, "pixel_shuffle");
        return Factor >= 1 && input[2] % (Factor * Factor) == 0
            ? new Shape(input[0] * Factor, input[1] * Factor, input[2] / (Factor * Factor))
            : throw new UsageException(
                $"pixel_shuffle: {input[2]} channels with factor {Factor}; expected a multiple of "
                + "factor * factor");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.PixelShuffle(inputs[0], Factor);

    public override string Summary() => $"{Factor}";
}

/// <summary>Space to channels, the inverse of <see cref="PixelShuffle"/>.</summary>
public sealed record PixelUnshuffle : Layer
{
    public int Factor { get; set; } = 2;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Image(inputs, "pixel_unshuffle");
        return Factor >= 1 && input[0] % Factor == 0 && input[1] % Factor == 0
            ? new Shape(input[0] / Factor, input[1] / Factor, input[2] * Factor * Factor)
            : throw new UsageException(
                $"pixel_unshuffle: input is {input} with factor {Factor}; height and width must be "
                + "multiples of it");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.PixelUnshuffle(inputs[0], Factor);

    public override string Summary() => $"{Factor}";
}
