// Layers without weights that reshape, squash or join.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Any shape to one vector.</summary>
public sealed record Flatten : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        new((int)Single(inputs, "flatten").Count);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        inputs[0].Reshape(
            new Shape(inputs[0].Shape[0], (int)inputs[0].Shape.Skip(1).Count));
}

/// <summary>The same elements under another shape.</summary>
public sealed record Reshape : Layer
{
    public required int[] Shape { get; init; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        var (input, output) = (Single(inputs, "reshape"), new Shape(Shape));
        return input.Count == output.Count
            ? output
            : throw new UsageException($"reshape: {input} cannot become {output}");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        inputs[0].Reshape(new Shape(Shape).Prepend(inputs[0].Shape[0]));

    public override string Summary() => string.Join('x', Shape);
}

/// <summary>An elementwise function (`dl info --list activations`).</summary>
public sealed record Activation : Layer, IActivated
{
    public required string Function { get; init; }

    /// <summary>The function's parameter, such as leaky ReLU's slope; null: its default.</summary>
    public float? Alpha { get; set; }

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Activations.Find(Function);
        return Single(inputs, "activation");
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Activations.Find(Function).Apply(pass.Tape, inputs[0], Alpha);

    public override string Summary() => Function;

    string IActivated.Activation => Function;
}

/// <summary>Probabilities along the last dimension.</summary>
public sealed record Softmax : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) => Single(inputs, "softmax");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Softmax(inputs[0]);
}

/// <summary>The logarithm of probabilities along the last dimension.</summary>
public sealed record LogSoftmax : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) => Single(inputs, "log_softmax");

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.LogSoftmax(inputs[0]);
}

/// <summary>Sum of inputs of one shape.</summary>
public sealed record Add : Layer, IActivated
{
    /// <summary>What follows the sum.</summary>
    public string Activation { get; set; } = "linear";

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Several(inputs, "add");
        Activations.Find(Activation);
        foreach (var shape in inputs)
        {
            if (shape != inputs[0])
            {
                throw new UsageException($"add: {inputs[0]} and {shape} differ");
            }
        }
        return inputs[0];
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var sum = inputs[0];
        for (int i = 1; i < inputs.Length - 1; i++)
        {
            sum = pass.Tape.Add(sum, inputs[i]);
        }
        return Activation == "relu"
            ? pass.Tape.AddRelu(sum, inputs[^1])
            : pass.Tape.Activate(pass.Tape.Add(sum, inputs[^1]), Activation);
    }

    public override string Summary() => Activation == "linear" ? "" : Activation;
}

/// <summary>Product of inputs, such as values and their gate; extents agree or are 1.</summary>
public sealed record Multiply : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Several(inputs, "multiply");
        var output = inputs[0];
        for (int i = 1; i < inputs.Length; i++)
        {
            // With the batch in front, dimensions only line up where their number is the same.
            output = inputs[i].Rank == output.Rank
                ? ElementwiseOps.BroadcastShape("multiply", output, inputs[i])
                : throw new UsageException(
                    $"multiply: {output} and {inputs[i]} differ in their number of dimensions");
        }
        return output;
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var product = inputs[0];
        for (int i = 1; i < inputs.Length; i++)
        {
            product = pass.Tape.Multiply(product, inputs[i]);
        }
        return product;
    }
}

/// <summary>Joins inputs along the last dimension (channels).</summary>
public sealed record Concat : Layer
{
    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        Several(inputs, "concat");
        int total = 0;
        foreach (var shape in inputs)
        {
            if (shape.Rank == 0 || shape.With(-1, 1) != inputs[0].With(-1, 1))
            {
                throw new UsageException($"concat: {inputs[0]} and {shape} differ in front");
            }
            total += shape.Last;
        }
        return inputs[0].With(-1, total);
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        pass.Tape.Concat(-1, inputs.ToArray());
}

internal static class ActivateOps
{
    /// <summary>
    /// The named activation of what a layer has just computed, in its place where that can be: x
    /// must not be used behind it. `linear` costs nothing.
    /// </summary>
    public static Tensor Activate(this Tape tape, Tensor x, string activation)
    {
        if (activation == "linear")
        {
            return x;
        }
        var function = Activations.Find(activation);
        return function.Op is { } op
            ? tape.UnaryInPlace(op, x) : function.Apply(tape, x, null);
    }
}
