// Convolutions over series, images and volumes, with their activation: w (window..., in/groups,
// filters). The dimensions differ in the type of their sizes and share the rest.
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>What all convolutions have.</summary>
public abstract record ConvolutionLayer : Layer, IActivated
{
    /// <summary>
    /// `same` (ceil(extent / stride) outputs), `valid`, in one dimension `causal` (nothing of the
    /// future), a number of zeros on every side, one for each dimension, or two (before, after).
    /// </summary>
    [JsonConverter(typeof(PaddingConverter))]
    public string Padding { get; set; } = "same";

    public string Activation { get; set; } = "linear";

    public bool Bias { get; set; } = true;

    private protected abstract Taps Taps { get; }

    public override string Summary() =>
        $"{Taps} {Padding}" + (Activation == "linear" ? "" : $" {Activation}");

    /// <summary>The output of filters over a sample.</summary>
    private protected Shape Filtered(Shape sample, int filters, string kind)
    {
        var taps = Taps;
        taps.Check(kind);
        Activations.Find(Activation);
        var volume = Spatial.Volume(sample, taps.Dimensions, kind);
        var size = taps.Outputs(volume, PaddingText.Parse(Padding, volume, taps));
        return Math.Min(size.Depth, Math.Min(size.Height, size.Width)) > 0
            ? Spatial.Sample(size, filters, taps.Dimensions)
            : throw new UsageException(
                $"{kind}: a {taps.Text(taps.Window)} kernel does not fit into {sample}; use "
                + "padding 'same' or fewer layers");
    }

    private protected ParameterSpec WeightSpec(string name, int inputs, int outputs, int groups)
    {
        int taps = Taps.Count;
        return new ParameterSpec(
            name, Taps.Weight(inputs / groups, outputs), Activations.Initializer(Activation),
            taps * inputs / groups, taps * outputs / groups, true);
    }

    /// <summary>The weights and, where there is one, the bias.</summary>
    private protected IReadOnlyList<ParameterSpec> WithBias(
        int filters, params ReadOnlySpan<ParameterSpec> weights)
    {
        var specs = new List<ParameterSpec>([.. weights]);
        if (Bias)
        {
            var last = weights[^1];
            specs.Add(new ParameterSpec(
                "bias", new Shape(filters), "zeros", last.FanIn, last.FanOut, false));
        }
        return specs;
    }

    private protected Tensor Convolve(Tape tape, Tensor x, Tensor w, Tensor? b, int groups)
    {
        var (taps, deep) = (Taps, Spatial.Deepen(x));
        var padding = PaddingText.Parse(Padding, deep.Shape.Skip(1), taps);
        var y = tape.Convolution3d(
            deep, Spatial.DeepenWeight(w), b, taps.Stride, padding, taps.Dilation, groups);
        return Spatial.Flatten(y, taps.Dimensions);
    }
}

/// <summary>A sample to as many channels as there are filters.</summary>
public abstract record Convolution : ConvolutionLayer
{
    public required int Filters { get; init; }

    /// <summary>Channels and filters fall into this many runs that do not see each other.</summary>
    public int Groups { get; set; } = 1;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        string kind = LayerJson.KindOf(this);
        var sample = Single(inputs, kind);
        var output = Filtered(sample, Math.Max(1, Filters), kind);
        return Filters >= 1 && Groups >= 1 && sample.Last % Groups == 0 && Filters % Groups == 0
            ? output
            : throw new UsageException(
                $"{kind}: {sample.Last} channels and {Filters} filters in {Groups} groups; "
                + "both must be multiples of the groups");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        WithBias(Filters, WeightSpec("weight", inputs[0].Last, Filters, Groups));

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Activate(
            Convolve(pass.Tape, inputs[0], weights[0], Bias ? weights[1] : null, Groups),
            Activation);

    public override string Summary() =>
        $"{Taps} {Padding}"
        + (Groups == 1 ? "" : $" groups {Groups}")
        + (Activation == "linear" ? "" : $" {Activation}");
}

/// <summary>time x channels to time x filters.</summary>
public sealed record Conv1d : Convolution
{
    public int Kernel { get; set; } = 3;

    public int Stride { get; set; } = 1;

    public int Dilation { get; set; } = 1;

    private protected override Taps Taps => Taps.Of(Kernel, Stride, Dilation);
}

/// <summary>height x width x channels to height x width x filters.</summary>
public sealed record Conv2d : Convolution
{
    [JsonConverter(typeof(Size2Converter))]
    public Size2 Kernel { get; set; } = new(3, 3);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Stride { get; set; } = new(1, 1);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Dilation { get; set; } = new(1, 1);

    private protected override Taps Taps => Taps.Of(Kernel, Stride, Dilation);
}

/// <summary>depth x height x width x channels to depth x height x width x filters.</summary>
public sealed record Conv3d : Convolution
{
    [JsonConverter(typeof(Size3Converter))]
    public Size3 Kernel { get; set; } = new(3, 3, 3);

    [JsonConverter(typeof(Size3Converter))]
    public Size3 Stride { get; set; } = new(1, 1, 1);

    [JsonConverter(typeof(Size3Converter))]
    public Size3 Dilation { get; set; } = new(1, 1, 1);

    private protected override Taps Taps => Taps.Of(Kernel, Stride, Dilation);
}
