// `dl predict --score`: a model's predictions against the labels of the input, and with --against a
// second model's on the same rows.
using System.Diagnostics;
using Dl.Data;
using Dl.Files;
using Dl.Tasks;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

/// <summary>How good predictions are.</summary>
/// <param name="Metrics">By name, in the order of the task's list; NaN: not defined.</param>
/// <param name="Intervals">95 % confidence intervals of the same.</param>
/// <param name="Confusion">Null for tasks whose rows have not one label each.</param>
public sealed record Score(
    IReadOnlyDictionary<string, double> Metrics, IReadOnlyDictionary<string, Interval> Intervals,
    Confusion? Confusion);

/// <summary>A second model on the same rows; differences are the first's minus its.</summary>
public sealed record Against(string Model, Score Score, Comparison Comparison);

internal static class ScoreJob
{
    public static PredictResult Run(
        PredictOptions options, LoadedModel loaded, LearningTask task, DeviceChooser devices,
        ILogger log, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        using var other = options.Against is { } path ? OpenOther(path, options, loaded) : null;
        using var device = PredictJob.OpenDevice(options, loaded, devices, log);
        var (first, skipped) = Collect(options, loaded, task, device, log, cancel);
        var metrics = task.Scoring(options.Top);
        if (other is null)
        {
            return new PredictResult(
                first.Predictions.Count, skipped, watch.Elapsed.TotalSeconds, device.Name,
                Of(first.Predictions, metrics, options));
        }
        var otherTask = PredictJob.CreateTask(other, options.Against!);
        var (second, _) = Collect(options, other, otherTask, device, log, cancel);
        var (a, b) = Align(first, second);
        var known = otherTask.Scoring(options.Top).Select(m => m.Name).ToHashSet();
        metrics = [.. metrics.Where(m => known.Contains(m.Name))];
        return new PredictResult(
            a.Count, skipped, watch.Elapsed.TotalSeconds, device.Name, Of(a, metrics, options))
        {
            Against = new Against(
                options.Against!, Of(b, metrics, options),
                PairedTest.Of(a, b, metrics, Bootstrap.Draws(a), options.Seed, Threads(options))),
        };
    }

    private static (ScoredRows Rows, int Skipped) Collect(
        PredictOptions options, LoadedModel loaded, LearningTask task, Device device, ILogger log,
        CancellationToken cancel)
    {
        var scored = new ScoredRows(new Predictions(task), []);
        using var reading = new Reading(options, loaded, task, device, 0, scored, log, cancel);
        return reading.All(null, []) > 0
            ? (scored, reading.Input.Skipped)
            : throw new DataException("predict --score: the input has no rows to score");
    }

    private static Score Of(
        Predictions predictions, IReadOnlyList<Metric> metrics, PredictOptions options) => new(
            predictions.Compute(metrics),
            Bootstrap.Intervals(
                predictions, metrics, Bootstrap.Draws(predictions), options.Seed,
                Threads(options)),
            Confusion.Of(predictions));

    private static int Threads(PredictOptions options) =>
        options.Threads ?? Environment.ProcessorCount;

    /// <exception cref="UsageException">The two models do not answer the same question.</exception>
    private static LoadedModel OpenOther(string path, PredictOptions options, LoadedModel first)
    {
        if (options.Inputs.Length == 0 || Array.Exists(options.Inputs, PredictJob.IsPipe)
            || options.Paths is not null)
        {
            throw new UsageException(
                "--against: the input is read twice, once for each model; give files in place of "
                + "a pipe");
        }
        var other = ModelFile.Load(path);
        var (a, b) = (first.Document.Preprocessing.Target, other.Document.Preprocessing.Target);
        string? difference =
            a.Kind != b.Kind ? $"is for {other.Document.Task}, {options.Model} for "
                + first.Document.Task
            : !Same(a.Names, b.Names) ? $"predicts {string.Join(", ", b.Names)}, {options.Model} "
                + string.Join(", ", a.Names)
            : !Same(a.Labels, b.Labels) ? $"knows other labels than {options.Model}: "
                + Listed(b.Labels.Except(a.Labels).Concat(a.Labels.Except(b.Labels)))
            : null;
        if (difference is not null)
        {
            other.Dispose();
            throw new UsageException(
                $"--against: {path} {difference}; compare models of one target");
        }
        return other;
    }

    private static bool Same(string[] a, string[] b) => a.Length == b.Length
        && a.Order(StringComparer.Ordinal).SequenceEqual(b.Order(StringComparer.Ordinal));

    private static string Listed(IEnumerable<string> labels)
    {
        string[] all = [.. labels];
        return string.Join(", ", all.Take(5)) + (all.Length > 5 ? ", ..." : "");
    }

    /// <summary>
    /// The rows that both models answered, the second's values in the order of the first's labels.
    /// They differ only where bad rows are left out.
    /// </summary>
    private static (Predictions First, Predictions Second) Align(
        ScoredRows first, ScoredRows second)
    {
        var (a, b) = (first.Predictions.Task.Target, second.Predictions.Task.Target);
        bool numbers = a.Kind == TargetKind.Numeric;
        int[] order = Array.ConvertAll(
            numbers ? a.Names : a.Labels,
            name => Array.IndexOf(numbers ? b.Names : b.Labels, name));
        var rows = new Dictionary<string, int>();
        for (int i = 0; i < second.Places.Count; i++)
        {
            rows[second.Places[i]] = i;
        }
        var (one, two) = (
            new Predictions(first.Predictions.Task), new Predictions(first.Predictions.Task));
        // Deviations too where both predict them; no metric asks for them otherwise.
        var values = new float[first.Predictions.Task.InterpretedWidth];
        bool deviations = first.Predictions.Task.HasDeviations
            && second.Predictions.Task.HasDeviations;
        for (int i = 0; i < first.Places.Count; i++)
        {
            if (!rows.TryGetValue(first.Places[i], out int row))
            {
                continue;
            }
            var theirs = second.Predictions.Values(row);
            for (int j = 0; j < order.Length; j++)
            {
                values[j] = theirs[order[j]];
                if (deviations)
                {
                    values[order.Length + j] = second.Predictions.Deviations(row)[order[j]];
                }
            }
            var targets = first.Predictions.Targets(i);
            one.AddRow(first.Predictions.Interpreted(i), targets);
            two.AddRow(values, targets);
        }
        return one.Count > 0
            ? (one, two)
            : throw new DataException("--against: no row was answered by both models");
    }
}
