using Dl.Tasks;

namespace Dl.Training;

/// <summary>How good predictions are.</summary>
/// <param name="Metrics">By name, in the order of the task's list; NaN: not defined.</param>
/// <param name="Intervals">95 % confidence intervals of the same.</param>
/// <param name="Confusion">Null for tasks whose rows have not one label each.</param>
public sealed record Score(
    IReadOnlyDictionary<string, double> Metrics, IReadOnlyDictionary<string, Interval> Intervals,
    Confusion? Confusion)
{
    internal static Score Of(
        Predictions predictions, IReadOnlyList<Metric> metrics, PredictOptions options) => new(
            predictions.Compute(metrics),
            Bootstrap.Intervals(
                predictions, metrics, Bootstrap.Draws(predictions), options.Seed,
                options.Threads ?? Environment.ProcessorCount),
            Confusion.Of(predictions));
}
