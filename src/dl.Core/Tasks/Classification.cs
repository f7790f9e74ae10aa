// One of n labels. Two labels need one output (its sigmoid is the probability of the second), more
// need one output a label.
using Dl.Data;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>Binary and multi-class classification.</summary>
public sealed class Classification(TargetSpec target, string? loss)
    : LearningTask(target, FindLoss(loss ?? Default(target), "classification", Suitable(target)))
{
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
            var indices = new int[rows];
            for (int i = 0; i < rows; i++)
            {
                indices[i] = (int)targets[i];
            }
            return tape.Input(new Shape(rows), indices);
        }
        bool signs = Loss.Form == TargetForm.Signs;
        float low = signs ? -1 : 0.5f * settings.LabelSmoothing;
        float high = signs ? 1 : 1 - (0.5f * settings.LabelSmoothing);
        int n = Outputs;
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

    private static string[] Suitable(TargetSpec target) => target.Labels.Length == 2
        ? ["binary_cross_entropy", "cross_entropy", "hinge", "perceptron"]
        : ["cross_entropy", "hinge", "perceptron"];
}

/// <summary>Any of n labels, each with its own sigmoid.</summary>
public sealed class MultiLabel(TargetSpec target, string? loss)
    : LearningTask(target, FindLoss(
        loss ?? "binary_cross_entropy", "multi-label classification", "binary_cross_entropy"))
{
    public override string Kind => "multilabel";

    public override int Outputs => Target.Labels.Length;

    public override IReadOnlyList<Metric> Scoring(int? top = null) => LabelMetrics.All;

    private protected override IReadOnlyList<Metric> Usual { get; } =
        [LabelMetrics.MicroF1, LabelMetrics.LabelAccuracy, LabelMetrics.ExactMatch];

    public override Tensor Encode(
        Tape tape, ReadOnlySpan<float> targets, int rows, LossSettings settings)
    {
        float smoothing = settings.LabelSmoothing;
        var values = new float[targets.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (targets[i] * (1 - smoothing)) + (0.5f * smoothing);
        }
        return tape.Input(new Shape(rows, Outputs), values);
    }

    public override void Interpret(ReadOnlySpan<float> output, Span<float> values)
    {
        for (int i = 0; i < output.Length; i++)
        {
            values[i] = Links.Sigmoid(output[i]);
        }
    }
}

/// <summary>n numbers, trained standardised and read in their own units.</summary>
public sealed class Regression(TargetSpec target, string? loss)
    : LearningTask(target, FindLoss(loss ?? "mse", "regression", "mse", "mae", "huber"))
{
    public override string Kind => "regression";

    public override int Outputs => Target.Names.Length;

    public override IReadOnlyList<Metric> Scoring(int? top = null) => NumberMetrics.All;

    private protected override IReadOnlyList<Metric> Usual { get; } =
        [NumberMetrics.Rmse, NumberMetrics.Mae, NumberMetrics.R2];

    public override Tensor Encode(
        Tape tape, ReadOnlySpan<float> targets, int rows, LossSettings settings) =>
        tape.Input(new Shape(rows, Outputs), targets);

    public override void Interpret(ReadOnlySpan<float> output, Span<float> values)
    {
        for (int i = 0; i < output.Length; i++)
        {
            values[i] = (output[i] * Target.Std[i]) + Target.Mean[i];
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
