// Loss functions by name. A loss says in which form it wants its targets and how its raw outputs
// are to be read; the arithmetic is in Ops (rows of Elementwise.cs, Softmax.cs).
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>The form in which a loss wants targets on the device.</summary>
public enum TargetForm
{
    /// <summary>Class indices, i32, one a row.</summary>
    Index,

    /// <summary>0 or 1 for each output.</summary>
    Binary,

    /// <summary>-1 or 1 for each output.</summary>
    Signs,

    /// <summary>Numbers.</summary>
    Values,
}

/// <summary>How a raw output becomes a probability or a number.</summary>
public enum Link
{
    Softmax,
    Sigmoid,

    /// <summary>The outputs are scores: the largest, or the sign, decides.</summary>
    Threshold,
    Identity,
}

/// <summary>What a loss can be told.</summary>
public sealed record LossSettings
{
    public float LabelSmoothing { get; init; }

    /// <summary>Weight of each class, or null.</summary>
    public float[]? ClassWeights { get; init; }

    /// <summary>(rows, 1), mean 1: set by the task for pointwise losses.</summary>
    internal Tensor? SampleWeights { get; init; }
}

/// <summary>A named loss: <c>Apply(tape, output, target, settings)</c> is a scalar.</summary>
public sealed record Loss(
    string Name, string Description, TargetForm Form, Link Link,
    Func<Tape, Tensor, Tensor, LossSettings, Tensor> Apply);

public static class Losses
{
    /// <summary>Every loss, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Loss> All { get; } =
    [
        new("cross_entropy", "softmax cross-entropy, one of several classes",
            TargetForm.Index, Link.Softmax, CrossEntropy),
        new("binary_cross_entropy", "sigmoid cross-entropy, each output yes or no",
            TargetForm.Binary, Link.Sigmoid, Mean(BinaryOps.SigmoidCrossEntropy)),
        new("mse", "mean squared error", TargetForm.Values, Link.Identity,
            Mean(BinaryOps.SquaredError)),
        new("mae", "mean absolute error", TargetForm.Values, Link.Identity,
            Mean(BinaryOps.AbsoluteError)),
        new("huber", "squared near the target, absolute beyond 1", TargetForm.Values,
            Link.Identity, Mean(BinaryOps.Huber)),
        new("hinge", "max(0, 1 - y x), the support vector machine's", TargetForm.Signs,
            Link.Threshold, Mean(BinaryOps.Hinge)),
        new("perceptron", "max(0, -y x), whose gradient step is Rosenblatt's rule",
            TargetForm.Signs, Link.Threshold, Mean(BinaryOps.PerceptronCriterion)),
    ];

    /// <exception cref="UsageException">No loss has this name.</exception>
    public static Loss Find(string name)
    {
        foreach (var loss in All)
        {
            if (loss.Name == name)
            {
                return loss;
            }
        }
        throw new UsageException(Nearest.Unknown("loss", name, All.Select(l => l.Name)));
    }

    private static Tensor CrossEntropy(Tape tape, Tensor output, Tensor target, LossSettings s)
    {
        var weight = s.ClassWeights is { } w ? tape.Input(new Shape(w.Length), w) : null;
        return tape.SoftmaxCrossEntropy(output, target, weight, s.LabelSmoothing);
    }

    private static Func<Tape, Tensor, Tensor, LossSettings, Tensor> Mean(BinaryOp op) =>
        (tape, output, target, settings) =>
        {
            var losses = tape.Binary(op, output, target);
            return tape.Mean(settings.SampleWeights is { } weights
                ? tape.Multiply(losses, weights)
                : losses);
        };
}
