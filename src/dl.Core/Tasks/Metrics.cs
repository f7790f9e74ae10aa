// Metrics by name.
using System.Globalization;

namespace Dl.Tasks;

/// <summary>What `--metric` and `dl info --list metrics` know.</summary>
public static class Metrics
{
    /// <summary>In place of a metric: the validation loss decides.</summary>
    public const string Loss = "loss";

    private const string Top = "top_";
    private const string TopEnd = "_accuracy";

    /// <summary>Every metric with the tasks that it is for, in the order of the tasks.</summary>
    public static IReadOnlyList<(Metric Metric, string Tasks)> All
    {
        get
        {
            var all = new List<(Metric Metric, string Tasks)>();
            Add(all, "classification", ClassMetrics.List(2, true, 5));
            Add(all, "multilabel", LabelMetrics.All);
            Add(all, "regression", NumberMetrics.All);
            Add(all, "regression",
            [
                LikelihoodMetrics.Pinball(0.5), LikelihoodMetrics.Below,
                LikelihoodMetrics.PoissonDeviance, LikelihoodMetrics.GaussianNll,
            ]);
            return all;
        }
    }

    /// <summary>Misspelt names are told before the data says which task it is.</summary>
    /// <exception cref="UsageException">No task has a metric of this name.</exception>
    public static void CheckName(string name)
    {
        var names = All.Select(m => m.Metric.Name).Append(Loss).ToArray();
        if (TopOf(name) is null && !names.Contains(name))
        {
            throw new UsageException(Nearest.Unknown("metric", name, names));
        }
    }

    /// <summary>A metric of a task; `top_K_accuracy` for any K.</summary>
    /// <exception cref="UsageException">The task has none of this name.</exception>
    public static Metric Find(LearningTask task, string name)
    {
        var known = task.Scoring();
        foreach (var metric in known)
        {
            if (metric.Name == name)
            {
                return metric;
            }
        }
        if (TopOf(name) is { } k
            && task.Scoring(k).FirstOrDefault(m => m.Name == name) is { } found)
        {
            return found;
        }
        throw new UsageException(Nearest.Unknown(
            $"metric of {task.Kind}", name, known.Select(m => m.Name).Append(Loss)));
    }

    /// <summary>K of `top_K_accuracy`; null: another name.</summary>
    private static int? TopOf(string name) =>
        name.Length > Top.Length + TopEnd.Length
        && name.StartsWith(Top, StringComparison.Ordinal)
        && name.EndsWith(TopEnd, StringComparison.Ordinal)
        && int.TryParse(
            name[Top.Length..^TopEnd.Length], NumberStyles.None, CultureInfo.InvariantCulture,
            out int k)
        && k > 0
            ? k
            : null;

    private static void Add(
        List<(Metric Metric, string Tasks)> all, string task, IEnumerable<Metric> metrics)
    {
        foreach (var metric in metrics)
        {
            int at = all.FindIndex(entry => entry.Metric.Name == metric.Name);
            if (at < 0)
            {
                all.Add((metric, task));
            }
            else
            {
                all[at] = (all[at].Metric, $"{all[at].Tasks}, {task}");
            }
        }
    }
}
