// One of n labels. Two labels need one output (its sigmoid is the probability of the second), more
// need one output a label.
using Dl.Data;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>Binary and multi-class classification.</summary>
public sealed class Classification(TargetSpec target, string? loss)
    : LearningTask(target, FindLoss(
        loss ?? Default(target), "classification",
        target.Labels.Length == 2 ? SuitableForTwo : Suitable, target.Labels.Length > 2))
{
    internal static readonly string[] Suitable =
        ["cross_entropy", "focal", "kl_divergence", "hinge", "perceptron"];

    private static readonly string[] SuitableForTwo = ["binary_cross_entropy", .. Suitable];

    public override string Kind => "classification";

    public override int Outputs =>
        Target.Labels.Length == 2 && Loss.Link != Link.Softmax ? 1 : Target.Labels.Length;

    public override IReadOnlyList<Metric> Scoring(int? top = null) =>
        ClassMetrics.List(Target.Labels.Length, Loss.Link != Link.Threshold, top);

    /// <summary>Scores that are no probabilities have no log loss.</summary>
    private protected override IReadOnlyList<Metric> Usual => Loss.Link == Link.Threshold
        ? [ClassMetrics.Accuracy, ClassMetrics.MacroF1]
        : [ClassMetrics.Accuracy, ClassMetrics.MacroF1, ClassMetrics.LogLoss];

    public override Tensor Encode(
        Tape tape, ReadOnlySpan<float> targets, int rows, LossSettings settings)
    {
        if (Loss.Form == TargetForm.Index)
        {
            Span<int> indices = rows <= 1024 ? stackalloc int[rows] : new int[rows];
            for (int i = 0; i < rows; i++)
            {
                indices[i] = (int)targets[i];
            }
            return tape.Input(new Shape(rows), indices);
        }
        int n = Outputs;
        // Smoothing spreads over all classes; a single output stands for two of them.
        float even = settings.LabelSmoothing / (Loss.Form == TargetForm.Shares ? n : 2);
        bool signs = Loss.Form == TargetForm.Signs, smooth = Loss.Link != Link.Threshold;
        float low = signs ? -1 : smooth ? even : 0;
        float high = signs ? 1 : smooth ? 1 - settings.LabelSmoothing + even : 1;
        var values = new float[rows * n];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < n; j++)
            {
                values[(i * n) + j] = (int)targets[i] == (n == 1 ? 1 : j) ? high : low;
            }
        }
        return tape.Input(new Shape(rows, n), values);
    }

    public override void Interpret(ReadOnlySpan<float> output, Span<float> values)
    {
        if (Outputs == 1)
        {
            values[1] = Loss.Link == Link.Sigmoid ? Links.Sigmoid(output[0])
                : output[0] > 0 ? 1 : 0;
            values[0] = 1 - values[1];
        }
        else if (Loss.Link == Link.Softmax)
        {
            Links.Softmax(output, values);
        }
        else
        {
            values.Clear();
            values[Links.ArgMax(output)] = 1;
        }
    }

    private static string Default(TargetSpec target) =>
        target.Labels.Length == 2 ? "binary_cross_entropy" : "cross_entropy";
}

/// <summary>Any of n labels, each with its own sigmoid.</summary>
public sealed class MultiLabel(TargetSpec target, string? loss)
    : LearningTask(target, FindLoss(
        loss ?? "binary_cross_entropy", "multi-label classification", Suitable))
{
    internal static readonly string[] Suitable =
        ["binary_cross_entropy", "focal", "dice", "hinge"];

    public override string Kind => "multilabel";

    public override int Outputs => Target.Labels.Length;

    public override IReadOnlyList<Metric> Scoring(int? top = null) => LabelMetrics.All;

    private protected override IReadOnlyList<Metric> Usual { get; } =
        [LabelMetrics.MicroF1, LabelMetrics.LabelAccuracy, LabelMetrics.ExactMatch];

    public override Tensor Encode(
        Tape tape, ReadOnlySpan<float> targets, int rows, LossSettings settings)
    {
        float smoothing = settings.LabelSmoothing;
        bool signs = Loss.Form == TargetForm.Signs;
        var values = new float[targets.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = signs ? (2 * targets[i]) - 1
                : (targets[i] * (1 - smoothing)) + (0.5f * smoothing);
        }
        return tape.Input(new Shape(rows, Outputs), values);
    }

    public override void Interpret(ReadOnlySpan<float> output, Span<float> values)
    {
        for (int i = 0; i < output.Length; i++)
        {
            values[i] = Loss.Link == Link.Sigmoid ? Links.Sigmoid(output[i])
                : output[i] > 0 ? 1 : 0;
        }
    }
}

/// <summary>Links on the host, for single rows.</summary>
internal static class Links
{
    public static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));

    public static void Softmax(ReadOnlySpan<float> x, Span<float> y)
    {
        float max = x[ArgMax(x)];
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = MathF.Exp(x[i] - max);
            sum += y[i];
        }
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = (float)(y[i] / sum);
        }
    }

    /// <summary>The first largest; NaN never wins.</summary>
    public static int ArgMax(ReadOnlySpan<float> x)
    {
        int best = 0;
        for (int i = 1; i < x.Length; i++)
        {
            best = x[i] > x[best] ? i : best;
        }
        return best;
    }
}
