// Pooling over everything but the channels: a series, an image or a volume becomes one vector.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>One number for each channel.</summary>
public abstract record GlobalPool : Layer
{
    /// <summary>Of a sample, channels not counted.</summary>
    private protected abstract int Dimensions { get; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        string kind = LayerJson.KindOf(this);
        return new Shape(Spatial.Volume(Single(inputs, kind), Dimensions, kind).Last);
    }
}

/// <summary>Mean of each channel.</summary>
public abstract record GlobalAveragePool : GlobalPool
{
    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Mean(inputs[0], 1, inputs[0].Shape.Rank - 1);
}

/// <summary>Largest value of each channel.</summary>
public abstract record GlobalMaxPool : GlobalPool
{
    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.GlobalMax(inputs[0]);
}

/// <summary>time x channels to channels.</summary>
public sealed record GlobalAveragePool1d : GlobalAveragePool
{
    private protected override int Dimensions => 1;
}

/// <summary>height x width x channels to channels.</summary>
public sealed record GlobalAveragePool2d : GlobalAveragePool
{
    private protected override int Dimensions => 2;
}

/// <summary>depth x height x width x channels to channels.</summary>
public sealed record GlobalAveragePool3d : GlobalAveragePool
{
    private protected override int Dimensions => 3;
}

/// <summary>time x channels to channels.</summary>
public sealed record GlobalMaxPool1d : GlobalMaxPool
{
    private protected override int Dimensions => 1;
}

/// <summary>height x width x channels to channels.</summary>
public sealed record GlobalMaxPool2d : GlobalMaxPool
{
    private protected override int Dimensions => 2;
}

/// <summary>depth x height x width x channels to channels.</summary>
public sealed record GlobalMaxPool3d : GlobalMaxPool
{
    private protected override int Dimensions => 3;
}
