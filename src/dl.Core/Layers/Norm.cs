// Normalisation layers, for samples of any number of dimensions (channels last). The learnt scale
// starts as 1 and the shift as 0, and neither decays: pulling a scale to 0 would only switch the
// layer off. Formulas and papers: Ops/Norm.cs.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>What all of them have.</summary>
public abstract record NormLayer : Layer
{
    /// <summary>Added to the variance before its root is taken.</summary>
    public float Epsilon { get; set; } = 1e-5f;

    private protected Shape Checked(ReadOnlySpan<Shape> inputs, string kind, int rank = 1)
    {
        var input = Single(inputs, kind);
        if (input.Rank < rank)
        {
            throw new UsageException(
                $"{kind}: input is {input}, expected "
                + (rank == 1 ? "channels" : "a space and its channels"));
        }
        return Epsilon > 0 ? input
            : throw new UsageException($"{kind}: epsilon {Epsilon}, expected more than 0");
    }

    /// <summary>Scale and shift.</summary>
    private protected static ParameterSpec[] ScaleAndShift(
        Shape shape, bool scaled, bool shifted)
    {
        int n = (int)shape.Count;
        var weight = new ParameterSpec("weight", shape, "ones", n, n, false);
        var bias = new ParameterSpec("bias", shape, "zeros", n, n, false);
        return (scaled, shifted) switch
        {
            (true, true) => [weight, bias],
            (true, false) => [weight],
            (false, true) => [bias],
            _ => [],
        };
    }
}

/// <summary>
/// Each channel over the whole batch: the batch's own statistics while training, running ones
/// in use.
/// </summary>
public sealed record BatchNorm : NormLayer, IActivated
{
    /// <summary>What follows the normalisation.</summary>
    public string Activation { get; set; } = "linear";

    /// <summary>How much of each batch enters the running statistics.</summary>
    public float Momentum { get; set; } = 0.1f;

    /// <summary>Learns a scale and a shift for each channel.</summary>
    public bool Affine { get; set; } = true;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Activations.Find(Activation);
        return Momentum is >= 0 and <= 1
            ? Checked(inputs, "batch_norm")
            : throw new UsageException($"batch_norm: momentum {Momentum}, expected 0 to 1");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int n = inputs[0].Last;
        var shape = new Shape(n);
        return
        [
            .. ScaleAndShift(shape, Affine, Affine),
            new ParameterSpec("running_mean", shape, "zeros", n, n, false, Trains: false),
            new ParameterSpec("running_variance", shape, "ones", n, n, false, Trains: false),
        ];
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var (w, b) = Affine ? (weights[0], weights[1]) : (null, null);
        var (mean, variance) = (weights[^2], weights[^1]);
        bool relu = Activation == "relu";
        var y = pass.Training
            ? pass.Tape.BatchNorm(
                inputs[0], w, b, mean, variance, Epsilon, pass.StatisticsMomentum ?? Momentum,
                relu)
            : pass.Tape.BatchNormGiven(inputs[0], w, b, mean, variance, Epsilon, relu);
        return relu ? y : pass.Tape.Activate(y, Activation);
    }

    public override string Summary() => Activation == "linear" ? "" : Activation;
}

/// <summary>Each sample's position over its last dimensions.</summary>
public sealed record LayerNorm : NormLayer
{
    /// <summary>How many of the last dimensions are normalised together.</summary>
    public int Dimensions { get; set; } = 1;

    public bool Affine { get; set; } = true;

    /// <summary>The shift, where there is a scale.</summary>
    public bool Bias { get; set; } = true;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Checked(inputs, "layer_norm");
        return Dimensions >= 1 && Dimensions <= input.Rank ? input
            : throw new UsageException(
                $"layer_norm: {Dimensions} dimensions of {input}, expected 1 to {input.Rank}");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        ScaleAndShift(inputs[0].Skip(inputs[0].Rank - Dimensions), Affine, Affine && Bias);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.LayerNorm(
            inputs[0], Affine ? weights[0] : null, Affine && Bias ? weights[1] : null, Epsilon,
            Dimensions);

    public override string Summary() => Dimensions == 1 ? "" : $"{Dimensions} dimensions";
}

/// <summary>Each sample over its space and the channels of a group.</summary>
public sealed record GroupNorm : NormLayer
{
    public int Groups { get; set; } = 32;

    public bool Affine { get; set; } = true;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Checked(inputs, "group_norm");
        return Groups >= 1 && input.Last % Groups == 0 ? input
            : throw new UsageException(
                $"group_norm: {input.Last} channels in {Groups} groups; set groups to a divisor "
                + "of the channels");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        ScaleAndShift(new Shape(inputs[0].Last), Affine, Affine);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.GroupNorm(
            inputs[0], Affine ? weights[0] : null, Affine ? weights[1] : null, Groups, Epsilon);

    public override string Summary() => $"{Groups} groups";
}

/// <summary>Each channel of each sample over its space.</summary>
public sealed record InstanceNorm : NormLayer
{
    public bool Affine { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Checked(inputs, "instance_norm", rank: 2);

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        ScaleAndShift(new Shape(inputs[0].Last), Affine, Affine);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.GroupNorm(
            inputs[0], Affine ? weights[0] : null, Affine ? weights[1] : null,
            inputs[0].Shape.Last, Epsilon);
}

/// <summary>Layer norm without mean and shift: x over its root mean square.</summary>
public sealed record RmsNorm : NormLayer
{
    public bool Affine { get; set; } = true;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) => Checked(inputs, "rms_norm");

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        ScaleAndShift(new Shape(inputs[0].Last), Affine, false);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.RmsNorm(inputs[0], Affine ? weights[0] : null, Epsilon);
}
