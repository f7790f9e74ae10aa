using Dl.Data;

namespace Dl.Training;

/// <summary>Loss and metrics of one part of the data.</summary>
/// <param name="Metrics">The task's few, for tables.</param>
public sealed record Scores(double Loss, IReadOnlyDictionary<string, double> Metrics)
{
    private readonly Evaluation? _evaluation;

    /// <summary>
    /// The few and everything else that a score tells, worked out when it is asked for.
    /// </summary>
    public IReadOnlyDictionary<string, double> All => field ??= Everything();

    internal static Scores? Of(Trainer trainer, IDataset? data) =>
        data is { Count: > 0 } ? new Scores(trainer.Evaluate(data)) : null;

    internal Scores(Evaluation evaluation)
        : this(evaluation.Loss, evaluation.Metrics) => _evaluation = evaluation;

    /// <summary>Mean and sample standard deviation of some runs.</summary>
    internal static (Scores Mean, Scores Deviation) Spread(
        IReadOnlyList<Scores> runs, Func<Scores, IReadOnlyDictionary<string, double>> metrics)
    {
        var (means, deviations) =
            (new Dictionary<string, double>(), new Dictionary<string, double>());
        foreach (string name in metrics(runs[0]).Keys)
        {
            (means[name], deviations[name]) = Spread(runs.Select(r => metrics(r)[name]));
        }
        var (loss, lossDeviation) = Spread(runs.Select(r => r.Loss));
        return (new Scores(loss, means), new Scores(lossDeviation, deviations));
    }

    private static (double Mean, double Deviation) Spread(IEnumerable<double> values)
    {
        var all = values.ToArray();
        double mean = all.Average();
        double sum = all.Sum(v => (v - mean) * (v - mean));
        return (mean, all.Length < 2 ? 0 : Math.Sqrt(sum / (all.Length - 1)));
    }

    private IReadOnlyDictionary<string, double> Everything()
    {
        if (_evaluation is not { Predictions: var predictions })
        {
            return Metrics;
        }
        var all = new Dictionary<string, double>(Metrics);
        foreach (var metric in predictions.Task.Scoring())
        {
            if (!all.ContainsKey(metric.Name))
            {
                all[metric.Name] = predictions.Compute(metric);
            }
        }
        return all;
    }
}
