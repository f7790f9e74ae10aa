// Pooling over windows of series, images and volumes. The dimensions differ in the type of their
// sizes and share the rest.
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>One value for each window and channel.</summary>
public abstract record PoolLayer : Layer
{
    /// <summary>
    /// `valid`, `same`, a number on every side, or one or two for each dimension.
    /// </summary>
    [JsonConverter(typeof(PaddingConverter))]
    public string Padding { get; set; } = "valid";

    private protected abstract Taps Taps { get; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        string kind = LayerJson.KindOf(this);
        return Pooled(Single(inputs, kind), kind);
    }

    public override string Summary()
    {
        var taps = Taps;
        return taps.Stride == taps.Window ? taps.Text(taps.Window) : $"{taps}";
    }

    private protected Shape Pooled(Shape sample, string kind)
    {
        var taps = Taps;
        taps.Check(kind);
        var volume = Spatial.Volume(sample, taps.Dimensions, kind);
        var padding = Around(volume);
        var size = taps.Outputs(volume, padding);
        if (Math.Min(size.Depth, Math.Min(size.Height, size.Width)) < 1)
        {
            throw new UsageException(
                $"{kind}: a {taps.Text(taps.Window)} window does not fit into {sample}; use fewer "
                + "pooling layers or padding 'same'");
        }
        var plane = padding.Plane;
        if (Math.Max(padding.Front, padding.Back) >= taps.Window.Depth
            || Math.Max(plane.Top, plane.Bottom) >= taps.Window.Height
            || Math.Max(plane.Left, plane.Right) >= taps.Window.Width)
        {
            throw new UsageException(
                $"{kind}: padding '{Padding}' lets a {taps.Text(taps.Window)} window see nothing "
                + "of the input; it must be smaller than the window");
        }
        return Spatial.Sample(size, sample.Last, taps.Dimensions);
    }

    private protected Padding3 Around(Shape volume) => PaddingText.Parse(Padding, volume, Taps);

    /// <summary>The largest value of each window, the first where several agree.</summary>
    private protected Tensor Largest(Tape tape, Tensor x)
    {
        var (taps, deep) = (Taps, Spatial.Deepen(x));
        return Spatial.Flatten(
            tape.MaxPool3d(deep, taps.Window, taps.Stride, Around(deep.Shape.Skip(1))),
            taps.Dimensions);
    }

    private protected Tensor Mean(Tape tape, Tensor x, bool countPadding)
    {
        var (taps, deep) = (Taps, Spatial.Deepen(x));
        return Spatial.Flatten(
            tape.AveragePool3d(
                deep, taps.Window, taps.Stride, Around(deep.Shape.Skip(1)), countPadding),
            taps.Dimensions);
    }
}

/// <summary>Pooling over a series, time x channels.</summary>
public abstract record Pool1d : PoolLayer
{
    public int Window { get; set; } = 2;

    /// <summary>Null: as large as the window.</summary>
    public int? Stride { get; set; }

    private protected override Taps Taps => Taps.Of(Window, Stride ?? Window);
}

/// <summary>Pooling over an image, height x width x channels.</summary>
public abstract record Pool2d : PoolLayer
{
    [JsonConverter(typeof(Size2Converter))]
    public Size2 Window { get; set; } = new(2, 2);

    /// <summary>Null: as large as the window.</summary>
    [JsonConverter(typeof(Size2Converter))]
    public Size2? Stride { get; set; }

    private protected override Taps Taps => Taps.Of(Window, Stride ?? Window);
}

/// <summary>Pooling over a volume, depth x height x width x channels.</summary>
public abstract record Pool3d : PoolLayer
{
    [JsonConverter(typeof(Size3Converter))]
    public Size3 Window { get; set; } = new(2, 2, 2);

    /// <summary>Null: as large as the window.</summary>
    [JsonConverter(typeof(Size3Converter))]
    public Size3? Stride { get; set; }

    private protected override Taps Taps => Taps.Of(Window, Stride ?? Window);
}

/// <summary>Largest value of each window and channel.</summary>
public sealed record MaxPool1d : Pool1d
{
    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Largest(pass.Tape, inputs[0]);
}

/// <summary>Largest value of each window and channel.</summary>
public sealed record MaxPool2d : Pool2d
{
    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Largest(pass.Tape, inputs[0]);
}

/// <summary>Largest value of each window and channel.</summary>
public sealed record MaxPool3d : Pool3d
{
    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Largest(pass.Tape, inputs[0]);
}

/// <summary>Mean of each window and channel.</summary>
public sealed record AveragePool1d : Pool1d
{
    /// <summary>Padding counts as zeros; otherwise the mean is over what is inside.</summary>
    public bool CountPadding { get; set; }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Mean(pass.Tape, inputs[0], CountPadding);
}

/// <summary>Mean of each window and channel.</summary>
public sealed record AveragePool2d : Pool2d
{
    /// <summary>Padding counts as zeros; otherwise the mean is over what is inside.</summary>
    public bool CountPadding { get; set; }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Mean(pass.Tape, inputs[0], CountPadding);
}

/// <summary>Mean of each window and channel.</summary>
public sealed record AveragePool3d : Pool3d
{
    /// <summary>Padding counts as zeros; otherwise the mean is over what is inside.</summary>
    public bool CountPadding { get; set; }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Mean(pass.Tape, inputs[0], CountPadding);
}

/// <summary>
/// Puts values back where a max pooling found them, zeros elsewhere (Zeiler and Fergus 2014). Two
/// inputs: the values, and what the pooling layer read, from which the places are found again:
/// `{"type": "max_unpool2d", "inputs": ["conv2d_3", "conv2d_1"]}` where `conv2d_1` is pooled.
/// Window, stride and padding are the pooling layer's.
/// </summary>
public sealed record MaxUnpool2d : Pool2d
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        if (inputs.Length != 2)
        {
            throw new UsageException(
                $"max_unpool2d: {inputs.Length} input(s) given, expected 2: the values, and what "
                + "the pooling layer read");
        }
        var pooled = Pooled(inputs[1], "max_unpool2d");
        return inputs[0] == pooled
            ? inputs[1]
            : throw new UsageException(
                $"max_unpool2d: the values are {inputs[0]}, but pooling {inputs[1]} gives {pooled};"
                + " take window, stride and padding from the pooling layer, and as many channels");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var source = inputs[1];
        var padding = Around(Spatial.Deepen(source.Shape.Skip(1))).Plane;
        return pass.Tape.MaxUnpool(
            inputs[0], pass.Tape.MaxSwitches(source, Window, Stride ?? Window, padding));
    }
}
