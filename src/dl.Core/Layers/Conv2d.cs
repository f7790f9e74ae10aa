// Two-dimensional convolution with its activation: x (H,W,C), w (KH,KW,C/groups,filters).
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>height x width x channels to height x width x filters.</summary>
public sealed record Conv2d : Layer, IActivated
{
    public required int Filters { get; init; }

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Kernel { get; set; } = new(3, 3);

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Stride { get; set; } = new(1, 1);

    /// <summary>`same`, `valid`, or a number of zeros on every side.</summary>
    public string Padding { get; set; } = "same";

    [JsonConverter(typeof(Size2Converter))]
    public Size2 Dilation { get; set; } = new(1, 1);

    public int Groups { get; set; } = 1;

    public string Activation { get; set; } = "linear";

    public bool Bias { get; set; } = true;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var input = Image(inputs, "conv2d");
        if (Filters < 1 || Groups < 1 || input[2] % Groups != 0 || Filters % Groups != 0)
        {
            throw new UsageException(
                $"conv2d: {input[2]} channels and {Filters} filters in {Groups} groups; "
                + "both must be multiples of the groups");
        }
        Activations.Find(Activation);
        var shape = Describe(input);
        return shape.OutHeight > 0 && shape.OutWidth > 0
            ? new Shape(shape.OutHeight, shape.OutWidth, Filters)
            : throw new UsageException($"conv2d: a {Kernel} kernel does not fit into {input}");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int taps = Kernel.Height * Kernel.Width, channels = inputs[0][2] / Groups;
        int fanIn = taps * channels, fanOut = taps * Filters / Groups;
        var weight = new ParameterSpec(
            "weight", new Shape(Kernel.Height, Kernel.Width, channels, Filters),
            Activations.Initializer(Activation), fanIn, fanOut, true);
        var bias = new ParameterSpec("bias", new Shape(Filters), "zeros", fanIn, fanOut, false);
        return Bias ? [weight, bias] : [weight];
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var x = inputs[0];
        var y = pass.Tape.Convolution(
            x, weights[0], Bias ? weights[1] : null, Stride, Describe(x.Shape.Skip(1)).Padding,
            Dilation, Groups);
        return pass.Tape.Activate(y, Activation);
    }

    public override string Summary() =>
        $"{Kernel}"
        + (Stride == new Size2(1, 1) ? "" : $" stride {Stride}")
        + $" {Padding}"
        + (Dilation == new Size2(1, 1) ? "" : $" dilation {Dilation}")
        + (Groups == 1 ? "" : $" groups {Groups}")
        + (Activation == "linear" ? "" : $" {Activation}");

    private ConvShape Describe(Shape input) => new(
        1, input[0], input[1], input[2], Filters, Kernel, Stride,
        PaddingText.Parse(Padding, new Size2(input[0], input[1]), Kernel, Stride, Dilation),
        Dilation, Groups);
}
