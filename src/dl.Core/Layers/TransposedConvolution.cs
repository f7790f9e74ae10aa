// Transposed convolutions, the maps that enlarge as a convolution of stride s reduces (decoders,
// generators). Weights are (window..., filters/groups, in): those of the convolution that goes the
// other way. With zeros p on both sides the extent becomes (n - 1) s + dilation (k - 1) + 1 - 2p.
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// `padding` same gives extent * stride; otherwise it is cut off from the output's sides.
/// </summary>
public abstract record TransposedConvolution : ConvolutionLayer
{
    public required int Filters { get; init; }

    public int Groups { get; set; } = 1;

    /// <summary>
    /// Rows and columns more at the end, which only a stride above 1 leaves open.
    /// </summary>
    private protected abstract Size2 Extra { get; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        string kind = LayerJson.KindOf(this);
        var (taps, sample) = (Taps, Single(inputs, kind));
        taps.Check(kind);
        Activations.Find(Activation);
        var volume = Spatial.Volume(sample, taps.Dimensions, kind);
        if (Filters < 1 || Groups < 1 || sample.Last % Groups != 0 || Filters % Groups != 0)
        {
            throw new UsageException(
                $"{kind}: {sample.Last} channels and {Filters} filters in {Groups} groups; "
                + "both must be multiples of the groups");
        }
        var (extra, stride) = (Extra, taps.Stride.Plane);
        if (Math.Min(extra.Height, extra.Width) < 0
            || (Padding == "same" && extra != default)
            || (extra.Height > 0 && extra.Height >= stride.Height)
            || (extra.Width > 0 && extra.Width >= stride.Width))
        {
            throw new UsageException(
                $"{kind}: output_padding {extra} with stride {stride} and padding '{Padding}'; "
                + "expected less than the stride, and none with padding 'same'");
        }
        var (size, _) = Enlarged(volume);
        return size is { Height: > 0, Width: > 0 }
            ? Spatial.Sample(new Size3(1, size.Height, size.Width), Filters, taps.Dimensions)
            : throw new UsageException(
                $"{kind}: padding '{Padding}' leaves nothing of {sample}; use less");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int channels = inputs[0].Last, strides = Taps.Stride.Height * Taps.Stride.Width;
        // An output sums over those taps only that the stride brings to it.
        var weight = new ParameterSpec(
            "weight", Taps.Weight(Filters / Groups, channels), Activations.Initializer(Activation),
            Math.Max(1, Taps.Count * channels / Groups / strides), Taps.Count * Filters / Groups,
            true);
        return WithBias(Filters, weight);
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var taps = Taps;
        var x = Spatial.Deepen(inputs[0]);
        var (size, padding) = Enlarged(x.Shape.Skip(1));
        var w = Spatial.DeepenWeight(weights[0]);
        var y = pass.Tape.ConvolutionTransposed(
            x.Reshape(x.Shape.Skip(1).With(0, x.Shape[0])), w.Reshape(w.Shape.Skip(1)),
            Bias ? weights[1] : null, size, taps.Stride.Plane, padding, taps.Dilation.Plane,
            Groups);
        return pass.Tape.Activate(
            Spatial.Flatten(y.Reshape(y.Shape.Skip(1).Prepend(1).Prepend(y.Shape[0])),
                taps.Dimensions),
            Activation);
    }

    public override string Summary() =>
        base.Summary() + (Groups == 1 ? "" : $" groups {Groups}");

    /// <summary>The output's size, and the padding that a convolution back would have.</summary>
    private (Size2 Size, Padding Padding) Enlarged(Shape volume)
    {
        var (taps, stride) = (Taps, Taps.Stride.Plane);
        if (Padding == "same")
        {
            var whole = new Size2(volume[1] * stride.Height, volume[2] * stride.Width);
            return (whole, Ops.Padding.Same(
                whole, taps.Window.Plane, stride, taps.Dilation.Plane));
        }
        var cut = PaddingText.Parse(Padding, volume, taps).Plane;
        return (new Size2(
            Grown(volume[1], taps.Window.Height, stride.Height, taps.Dilation.Height)
                - cut.Top - cut.Bottom + Extra.Height,
            Grown(volume[2], taps.Window.Width, stride.Width, taps.Dilation.Width)
                - cut.Left - cut.Right + Extra.Width), cut);
    }

    private static int Grown(int extent, int window, int stride, int dilation) =>
        ((extent - 1) * stride) + ((window - 1) * dilation) + 1;
}

/// <summary>time x channels to longer time x filters.</summary>
public sealed record Conv1dTranspose : TransposedConvolution
{
    public int Kernel { get; set; } = 3;

    public int Stride { get; set; } = 1;

    public int Dilation { get; set; } = 1;

    public int OutputPadding { get; set; }

    private protected override Taps Taps => Taps.Of(Kernel, Stride, Dilation);

    private protected override Size2 Extra => new(0, OutputPadding);
}

/// <summary>height x width x channels to larger height x width x filters.</summary>
public sealed record Conv2dTranspose : TransposedConvolution
{
    [JsonConverter(typeof(Size2Converter))]
    public Size2 Kernel { get; set; } = new(3, 3);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Stride { get; set; } = new(1, 1);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Dilation { get; set; } = new(1, 1);

    [JsonConverter(typeof(Extra2Converter))]
    public Size2 OutputPadding { get; set; }

    private protected override Taps Taps => Taps.Of(Kernel, Stride, Dilation);

    private protected override Size2 Extra => OutputPadding;
}
