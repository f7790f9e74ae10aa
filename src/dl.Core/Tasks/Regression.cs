// Numbers. They are trained standardised and read in their own units; counts (poisson) are divided
// by their mean and the output is the logarithm of what is left.
using Dl.Data;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>n numbers, each with its deviation where the loss learns that.</summary>
public sealed class Regression(TargetSpec target, string? loss)
    : LearningTask(target, FindLoss(loss ?? "mse", "regression", Suitable))
{
    internal static readonly string[] Suitable =
    [
        "mse", "mae", "huber", "log_cosh", "quantile", "poisson", "gaussian_nll",
        "adaptive_robust",
    ];

    public override string Kind => "regression";

    public override int Outputs => Target.Names.Length * Loss.OutputsPerTarget;

    public override IReadOnlyList<Metric> Scoring(int? top = null) =>
        [.. Usual, .. NumberMetrics.All.Except(Usual)];

    /// <summary>The first is what the loss aims at.</summary>
    private protected override IReadOnlyList<Metric> Usual { get; } =
        Losses.Find(loss ?? "mse") switch
        {
            { Name: "quantile", Arguments: [float q] } =>
                [LikelihoodMetrics.Pinball(q), LikelihoodMetrics.Below, NumberMetrics.Mae],
            { Name: "poisson" } =>
                [LikelihoodMetrics.PoissonDeviance, NumberMetrics.Rmse, NumberMetrics.Mae],
            { OutputsPerTarget: 2 } =>
                [LikelihoodMetrics.GaussianNll, NumberMetrics.Rmse, NumberMetrics.Mae,
                    NumberMetrics.R2],
            { Name: "mae" or "huber" or "log_cosh" or "adaptive_robust" } =>
                [NumberMetrics.Mae, NumberMetrics.Rmse, NumberMetrics.R2],
            _ => [NumberMetrics.Rmse, NumberMetrics.Mae, NumberMetrics.R2],
        };

    public override bool HasDeviations => Loss.OutputsPerTarget == 2;

    public override Tensor Encode(
        Tape tape, ReadOnlySpan<float> targets, int rows, LossSettings settings) =>
        tape.Input(new Shape(rows, Target.Names.Length), targets);

    public override void Interpret(ReadOnlySpan<float> output, Span<float> values)
    {
        int n = Target.Names.Length;
        for (int i = 0; i < n; i++)
        {
            float value = Loss.Link == Link.Exponential ? MathF.Exp(output[i]) : output[i];
            values[i] = (value * Target.Std[i]) + Target.Mean[i];
        }
        for (int i = n; i < output.Length; i++)
        {
            float logVariance = MathF.Max(output[i], Losses.MinLogVariance);
            values[i] = MathF.Exp(0.5f * logVariance) * Target.Std[i - n];
        }
    }
}
