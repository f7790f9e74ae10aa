// Metrics over interpreted predictions (LearningTask.Interpret) and targets as datasets give them.
// Each is a function of a choice of rows, so that a bootstrap can draw rows again and again.
using Dl.Data;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>A metric of some rows of the predictions.</summary>
public delegate double MetricFunction(Predictions predictions, ReadOnlySpan<int> rows);

/// <summary>A named metric.</summary>
public sealed record Metric(string Name, bool HigherIsBetter, MetricFunction Compute);

/// <summary>Predictions with their targets, collected batch by batch.</summary>
public sealed class Predictions(LearningTask task)
{
    private readonly List<float> _values = [];
    private readonly List<float> _targets = [];
    private int[]? _best;
    private int[] _all = [];

    public LearningTask Task { get; } = task;

    public int Count { get; private set; }

    /// <summary>
    /// Interpreted values of a row: probabilities, or numbers in their own units.
    /// </summary>
    public ReadOnlySpan<float> Values(int row)
    {
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_values)
            .Slice(row * Task.InterpretedWidth, Task.Target.Width);
    }

    /// <summary>Deviations of a row's numbers, where the task has them.</summary>
    public ReadOnlySpan<float> Deviations(int row)
    {
        int width = Task.Target.Width;
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_values)
            .Slice(((2 * row) + 1) * width, width);
    }

    /// <summary>
    /// Targets of a row: a class index, 0/1 labels, or numbers in their own units.
    /// </summary>
    public ReadOnlySpan<float> Targets(int row)
    {
        int width = TargetWidth;
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_targets)
            .Slice(row * width, width);
    }

    private int TargetWidth => Task.Target.Kind == TargetKind.Classes ? 1 : Task.Target.Width;

    /// <summary>
    /// Adds raw outputs (rows x Task.Outputs) and targets as the dataset gives them.
    /// </summary>
    public void Add(ReadOnlySpan<float> outputs, ReadOnlySpan<float> targets, int rows)
    {
        _best = null;
        int width = Task.InterpretedWidth, n = Task.Outputs, targetWidth = TargetWidth;
        Span<float> values = width <= 256 ? stackalloc float[width] : new float[width];
        for (int i = 0; i < rows; i++)
        {
            Task.Interpret(outputs.Slice(i * n, n), values);
            _values.AddRange(values);
            if (Task.Target.Kind != TargetKind.Numeric)
            {
                _targets.AddRange(targets.Slice(i * targetWidth, targetWidth));
                continue;
            }
            for (int j = 0; j < targetWidth; j++)
            {
                _targets.Add((targets[(i * targetWidth) + j] * Task.Target.Std[j])
                    + Task.Target.Mean[j]);
            }
        }
        Count += rows;
    }

    /// <summary>For classes: index of the most probable label of each row.</summary>
    public ReadOnlySpan<int> Best
    {
        get
        {
            if (_best is null)
            {
                _best = new int[Count];
                for (int i = 0; i < Count; i++)
                {
                    _best[i] = Links.ArgMax(Values(i));
                }
            }
            return _best;
        }
    }

    /// <summary>Forgets the rows, keeps the memory.</summary>
    public void Clear()
    {
        _values.Clear();
        _targets.Clear();
        (_best, Count) = (null, 0);
    }

    /// <summary>One metric over all rows; NaN when there are none.</summary>
    public double Compute(Metric metric)
    {
        if (_all.Length != Count)
        {
            _all = new int[Count];
            for (int i = 0; i < Count; i++)
            {
                _all[i] = i;
            }
        }
        return Count == 0 ? double.NaN : metric.Compute(this, _all);
    }

    /// <summary>All metrics of the task over all rows.</summary>
    public IReadOnlyDictionary<string, double> Compute()
    {
        var result = new Dictionary<string, double>();
        foreach (var metric in Task.Metrics)
        {
            result[metric.Name] = Compute(metric);
        }
        return result;
    }

    /// <summary>
    /// 95 % confidence intervals by the percentile bootstrap (Efron 1979): metrics of rows drawn
    /// with replacement.
    /// </summary>
    public IReadOnlyDictionary<string, (double Low, double High)> Bootstrap(
        int draws, ulong seed)
    {
        var rng = new Rng(seed, stream: 0xB007);
        var samples = new double[Task.Metrics.Count][];
        for (int m = 0; m < samples.Length; m++)
        {
            samples[m] = new double[draws];
        }
        var rows = new int[Count];
        for (int draw = 0; draw < draws && Count > 0; draw++)
        {
            for (int i = 0; i < Count; i++)
            {
                rows[i] = rng.NextInt(Count);
            }
            for (int m = 0; m < samples.Length; m++)
            {
                samples[m][draw] = Task.Metrics[m].Compute(this, rows);
            }
        }
        var result = new Dictionary<string, (double, double)>();
        for (int m = 0; m < samples.Length; m++)
        {
            Array.Sort(samples[m]);
            result[Task.Metrics[m].Name] = (
                samples[m][(int)(0.025 * (draws - 1))],
                samples[m][(int)Math.Ceiling(0.975 * (draws - 1))]);
        }
        return result;
    }
}

/// <summary>Metrics for one of n labels.</summary>
public static class ClassMetrics
{
    public static readonly Metric
        Accuracy = new("accuracy", true, (p, rows) =>
        {
            var best = p.Best;
            int hits = 0;
            foreach (int row in rows)
            {
                hits += best[row] == (int)p.Targets(row)[0] ? 1 : 0;
            }
            return (double)hits / rows.Length;
        }),
        MacroF1 = new("f1_macro", true, ComputeMacroF1),
        LogLoss = new("log_loss", false, (p, rows) =>
        {
            double sum = 0;
            foreach (int row in rows)
            {
                sum -= Math.Log(Math.Max(p.Values(row)[(int)p.Targets(row)[0]], 1e-15));
            }
            return sum / rows.Length;
        });

    /// <summary>Mean F1 over the labels that occur as a target or a prediction.</summary>
    private static double ComputeMacroF1(Predictions p, ReadOnlySpan<int> rows)
    {
        int labels = p.Task.Target.Labels.Length;
        var (hits, predicted, actual) = (new int[labels], new int[labels], new int[labels]);
        var best = p.Best;
        foreach (int row in rows)
        {
            int target = (int)p.Targets(row)[0];
            predicted[best[row]]++;
            actual[target]++;
            hits[target] += best[row] == target ? 1 : 0;
        }
        double sum = 0;
        int present = 0;
        for (int i = 0; i < labels; i++)
        {
            if (predicted[i] + actual[i] > 0)
            {
                sum += 2.0 * hits[i] / (predicted[i] + actual[i]);
                present++;
            }
        }
        return sum / Math.Max(present, 1);
    }
}

/// <summary>Metrics for any of n labels; a label counts as given from probability 1/2.</summary>
public static class LabelMetrics
{
    public static readonly Metric
        MicroF1 = new("f1_micro", true, (p, rows) =>
        {
            long hits = 0, given = 0;
            foreach (int row in rows)
            {
                var values = p.Values(row);
                var targets = p.Targets(row);
                for (int i = 0; i < values.Length; i++)
                {
                    bool predicted = values[i] >= 0.5f, actual = targets[i] >= 0.5f;
                    hits += predicted && actual ? 1 : 0;
                    given += (predicted ? 1 : 0) + (actual ? 1 : 0);
                }
            }
            return given == 0 ? 1 : 2.0 * hits / given;
        }),
        LabelAccuracy = new("label_accuracy", true, (p, rows) =>
        {
            long hits = 0, all = 0;
            foreach (int row in rows)
            {
                hits += Right(p.Values(row), p.Targets(row));
                all += p.Values(row).Length;
            }
            return (double)hits / all;
        }),
        ExactMatch = new("exact_match", true, (p, rows) =>
        {
            int hits = 0;
            foreach (int row in rows)
            {
                hits += Right(p.Values(row), p.Targets(row)) == p.Values(row).Length ? 1 : 0;
            }
            return (double)hits / rows.Length;
        });

    private static int Right(ReadOnlySpan<float> values, ReadOnlySpan<float> targets)
    {
        int right = 0;
        for (int i = 0; i < values.Length; i++)
        {
            right += (values[i] >= 0.5f) == (targets[i] >= 0.5f) ? 1 : 0;
        }
        return right;
    }
}

/// <summary>Metrics for numbers, over all targets together.</summary>
public static class NumberMetrics
{
    public static readonly Metric
        Rmse = new("rmse", false, (p, rows) => Math.Sqrt(
            Mean(p, rows, (value, target) => (value - target) * (value - target)))),
        Mae = new("mae", false, (p, rows) =>
            Mean(p, rows, (value, target) => Math.Abs(value - target))),
        R2 = new("r2", true, ComputeR2),
        Below = new("share_below", true, (p, rows) =>
            Mean(p, rows, (value, target) => target <= value ? 1 : 0)),
        PoissonDeviance = new("poisson_deviance", false, (p, rows) =>
            Mean(p, rows, (rate, count) => 2
                * ((count > 0 ? count * Math.Log(count / Math.Max(rate, 1e-30)) : 0)
                    - count + rate))),
        GaussianNll = new("nll", false, ComputeGaussianNll);

    /// <summary>The quantile's own loss, in the target's units.</summary>
    public static Metric Pinball(double q) => new("pinball", false, (p, rows) =>
        Mean(p, rows, (value, target) =>
            target > value ? q * (target - value) : (1 - q) * (value - target)));

    /// <summary>Mean negative log-likelihood of a number, with its constant.</summary>
    private static double ComputeGaussianNll(Predictions p, ReadOnlySpan<int> rows)
    {
        double sum = 0;
        foreach (int row in rows)
        {
            var means = p.Values(row);
            var deviations = p.Deviations(row);
            var targets = p.Targets(row);
            for (int i = 0; i < means.Length; i++)
            {
                double z = ((double)targets[i] - means[i]) / deviations[i];
                sum += (0.5 * z * z) + Math.Log(deviations[i] * Math.Sqrt(2 * Math.PI));
            }
        }
        return sum / ((long)rows.Length * p.Task.Target.Width);
    }

    private static double Mean(
        Predictions p, ReadOnlySpan<int> rows, Func<double, double, double> f)
    {
        double sum = 0;
        foreach (int row in rows)
        {
            var values = p.Values(row);
            var targets = p.Targets(row);
            for (int i = 0; i < values.Length; i++)
            {
                sum += f(values[i], targets[i]);
            }
        }
        return sum / ((long)rows.Length * p.Task.Target.Width);
    }

    /// <summary>1 - residual / total sum of squares; mean over the targets.</summary>
    private static double ComputeR2(Predictions p, ReadOnlySpan<int> rows)
    {
        int width = p.Task.Target.Width;
        double result = 0;
        for (int j = 0; j < width; j++)
        {
            double sum = 0, residual = 0, total = 0;
            foreach (int row in rows)
            {
                sum += p.Targets(row)[j];
            }
            double mean = sum / rows.Length;
            foreach (int row in rows)
            {
                double target = p.Targets(row)[j], error = p.Values(row)[j] - target;
                residual += error * error;
                total += (target - mean) * (target - mean);
            }
            result += total > 0 ? 1 - (residual / total) : residual > 0 ? 0 : 1;
        }
        return result / width;
    }
}
