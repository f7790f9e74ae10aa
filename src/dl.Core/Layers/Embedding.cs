// Rows of a table for ids, and what tells steps of a sequence apart. Tables do not decay: a row
// would shrink in every step that does not even read it.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// Ids (...) to (..., width); a last extent of 1 is dropped, so a series of single ids is
/// (time) or (time, 1). Ids come as numbers and are rounded; what is none below `vocabulary`
/// reads zeros.
/// </summary>
public sealed record Embedding : Layer
{
    /// <summary>Rows of the table: ids are 0 to vocabulary - 1.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Numbers of a row.</summary>
    public required int Width { get; init; }

    /// <summary>An id that stands for nothing: it reads zeros and its row never trains.</summary>
    public int? Padding { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Single(inputs, "embedding");
        if (Vocabulary is < 1 or > 1 << 24 || Width < 1)
        {
            throw new UsageException(
                $"embedding: vocabulary {Vocabulary} and width {Width}, expected 1 to {1 << 24} "
                + "ids (what a float can count) and at least 1");
        }
        if (Padding is { } id && (id < 0 || id >= Vocabulary))
        {
            throw new UsageException(
                $"embedding: padding {id}, expected an id from 0 to {Vocabulary - 1}");
        }
        return Ids(input) is { Rank: < Shape.MaxRank - 1 } ids
            ? WithWidth(ids)
            : throw new UsageException($"embedding: input {input} has too many dimensions");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
    [
        new ParameterSpec(
            "weight", new Shape(Vocabulary, Width), "lecun_normal", Width, Width, false)
        {
            ZeroRow = Padding,
        },
    ];

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var x = inputs[0];
        var ids = pass.Tape.ToIndices(
            x.Reshape(Ids(x.Shape.Skip(1)).Prepend(x.Shape[0])), Vocabulary, Padding ?? -1);
        return pass.Tape.Gather(weights[0], ids);
    }

    public override string Summary() =>
        $"{Vocabulary} x {Width}" + (Padding is { } id ? $" padding {id}" : "");

    private static Shape Ids(Shape input)
    {
        if (input.Rank < 2 || input.Last != 1)
        {
            return input;
        }
        Span<int> extents = stackalloc int[Shape.MaxRank];
        int rank = input.CopyTo(extents);
        return new Shape(extents[..(rank - 1)]);
    }

    private Shape WithWidth(Shape ids)
    {
        Span<int> extents = stackalloc int[Shape.MaxRank];
        int rank = ids.CopyTo(extents);
        extents[rank] = Width;
        return new Shape(extents[..(rank + 1)]);
    }
}

/// <summary>Adds a learnt vector for each step: time x width to the same.</summary>
public sealed record PositionEmbedding : Layer
{
    /// <summary>Steps of the table; 0: as many as the input has.</summary>
    public int Length { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Positions.Check(Single(inputs, "position_embedding"), "position_embedding");
        return Length == 0 || Length >= input[0]
            ? input
            : throw new UsageException(
                $"position_embedding: length {Length} for {input[0]} steps; set it to 0 or to at "
                + "least as many");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int width = inputs[0].Last;
        var shape = new Shape(Length > 0 ? Length : inputs[0][0], width);
        return [new ParameterSpec("weight", shape, "lecun_normal", width, width, false)];
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var table = weights[0];
        int time = inputs[0].Shape[1];
        table = table.Shape[0] == time ? table : pass.Tape.Slice(table, 0, 0, time);
        return pass.Tape.Add(inputs[0], table);
    }

    public override string Summary() => Length > 0 ? $"length {Length}" : "";
}

/// <summary>
/// Adds sines and cosines of each step (Vaswani et al. 2017): time x width to the same.
/// </summary>
public sealed record SinusoidalPositions : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Positions.Check(Single(inputs, "sinusoidal_positions"), "sinusoidal_positions");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var shape = inputs[0].Shape.Skip(1);
        return pass.Tape.Add(
            inputs[0], pass.Tape.Input(shape, Positions.Sines(shape[0], shape[1])));
    }
}

internal static class Positions
{
    private const double Base = 10_000;

    public static Shape Check(Shape input, string kind) => input.Rank == 2
        ? input
        : throw new UsageException($"{kind}: input is {input}, expected time x width");

    /// <summary>
    /// (time, width): sin(t / 10000^(2i/width)) at 2i, the cosine of the same at 2i + 1.
    /// </summary>
    public static float[] Sines(int time, int width)
    {
        var table = new float[time * width];
        for (int c = 0; c < width; c++)
        {
            double frequency = Math.Pow(Base, -(double)(c - (c % 2)) / width);
            for (int t = 0; t < time; t++)
            {
                table[(t * width) + c] = (float)(c % 2 == 0
                    ? Math.Sin(t * frequency) : Math.Cos(t * frequency));
            }
        }
        return table;
    }
}
