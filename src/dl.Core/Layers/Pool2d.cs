// Pooling over windows of an image, and over all of it.
using System.Text.Json.Serialization;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Largest value of each window and channel.</summary>
public sealed record MaxPool2d : Layer
{
    [JsonConverter(typeof(Size2Converter))]
    public Size2 Window { get; set; } = new(2, 2);

    /// <summary>Null: as large as the window.</summary>
    [JsonConverter(typeof(Size2Converter))]
    public Size2? Stride { get; set; }

    /// <summary>`valid`, `same`, or a number on every side.</summary>
    public string Padding { get; set; } = "valid";

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        PoolText.Output(Image(inputs, "max_pool2d"), Window, Stride ?? Window, Padding);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.MaxPool(inputs[0], Window, Stride ?? Window, PoolText.Around(
            inputs[0].Shape.Skip(1), Window, Stride ?? Window, Padding));

    public override string Summary() => PoolText.Summary(Window, Stride ?? Window);
}

/// <summary>Mean of each window and channel; padding does not count.</summary>
public sealed record AveragePool2d : Layer
{
    [JsonConverter(typeof(Size2Converter))]
    public Size2 Window { get; set; } = new(2, 2);

    /// <summary>Null: as large as the window.</summary>
    [JsonConverter(typeof(Size2Converter))]
    public Size2? Stride { get; set; }

    /// <summary>`valid`, `same`, or a number on every side.</summary>
    public string Padding { get; set; } = "valid";

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        PoolText.Output(Image(inputs, "average_pool2d"), Window, Stride ?? Window, Padding);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.AveragePool(inputs[0], Window, Stride ?? Window, PoolText.Around(
            inputs[0].Shape.Skip(1), Window, Stride ?? Window, Padding), countPadding: false);

    public override string Summary() => PoolText.Summary(Window, Stride ?? Window);
}

/// <summary>
/// Mean of each channel over the whole image: height x width x channels to channels.
/// </summary>
public sealed record GlobalAveragePool2d : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        new(Image(inputs, "global_average_pool2d")[2]);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Mean(inputs[0], 1, 3);
}

/// <summary>What both kinds of window pooling say about sizes.</summary>
internal static class PoolText
{
    public static Padding Around(Shape image, Size2 window, Size2 stride, string padding) =>
        PaddingText.Parse(
            padding, new Size2(image[0], image[1]), window, stride, new Size2(1, 1));

    public static Shape Output(Shape image, Size2 window, Size2 stride, string padding)
    {
        var shape = new PoolShape(
            1, image[0], image[1], image[2], window, stride,
            Around(image, window, stride, padding));
        return shape.OutHeight > 0 && shape.OutWidth > 0
            ? new Shape(shape.OutHeight, shape.OutWidth, image[2])
            : throw new UsageException(
                $"pool: a {window} window does not fit into {image}; use fewer pooling layers");
    }

    public static string Summary(Size2 window, Size2 stride) =>
        stride == window ? $"{window}" : $"{window} stride {stride}";
}
