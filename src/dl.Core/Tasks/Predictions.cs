// Predictions with their targets, collected batch by batch, and what metrics work out from them
// once a row.
using System.Runtime.InteropServices;
using Dl.Data;

namespace Dl.Tasks;

/// <summary>Predictions with their targets, in the order of the rows.</summary>
public sealed class Predictions(LearningTask task)
{
    private readonly List<float> _values = [];
    private readonly List<float> _targets = [];
    private readonly Dictionary<string, double[]> _columns = [];
    private readonly Dictionary<int, Ranking> _rankings = [];
    private int[]? _best;
    private int[]? _classes;
    private int[] _ones = [];
    private Draw? _whole;

    public LearningTask Task { get; } = task;

    public int Count { get; private set; }

    /// <summary>
    /// Interpreted values of a row: probabilities, or numbers in their own units.
    /// </summary>
    public ReadOnlySpan<float> Values(int row) => Interpreted(row)[..Task.Target.Width];

    /// <summary>Deviations of a row's numbers, where the task has them.</summary>
    public ReadOnlySpan<float> Deviations(int row) => Interpreted(row)[Task.Target.Width..];

    /// <summary>All that the task reads from a row's outputs.</summary>
    public ReadOnlySpan<float> Interpreted(int row)
    {
        int width = Task.InterpretedWidth;
        return CollectionsMarshal.AsSpan(_values).Slice(row * width, width);
    }

    /// <summary>
    /// Targets of a row: a class index, 0/1 labels, or numbers in their own units.
    /// </summary>
    public ReadOnlySpan<float> Targets(int row)
    {
        int width = TargetWidth;
        return CollectionsMarshal.AsSpan(_targets).Slice(row * width, width);
    }

    private int TargetWidth => Task.Target.Kind == TargetKind.Classes ? 1 : Task.Target.Width;

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

    /// <summary>For classes: index of the true label of each row.</summary>
    public ReadOnlySpan<int> Classes
    {
        get
        {
            if (_classes is null)
            {
                _classes = new int[Count];
                for (int i = 0; i < Count; i++)
                {
                    _classes[i] = (int)_targets[i];
                }
            }
            return _classes;
        }
    }

    /// <summary>
    /// Adds raw outputs (rows x Task.Outputs) and targets as the dataset gives them.
    /// </summary>
    public void Add(ReadOnlySpan<float> outputs, ReadOnlySpan<float> targets, int rows)
    {
        Forget();
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

    /// <summary>One row as people read it, its targets in the same units.</summary>
    public void AddRow(ReadOnlySpan<float> values, ReadOnlySpan<float> targets)
    {
        Forget();
        _values.AddRange(values);
        _targets.AddRange(targets);
        Count++;
    }

    /// <summary>Forgets the rows, keeps the memory.</summary>
    public void Clear()
    {
        Forget();
        _values.Clear();
        _targets.Clear();
        Count = 0;
    }

    /// <summary>One metric over all rows; NaN when there are none.</summary>
    public double Compute(Metric metric) => Count == 0 ? double.NaN : metric.Compute(Whole());

    /// <summary>Some metrics over all rows, by name.</summary>
    /// <param name="metrics">Null: the task's few.</param>
    public IReadOnlyDictionary<string, double> Compute(IReadOnlyList<Metric>? metrics = null)
    {
        var result = new Dictionary<string, double>();
        foreach (var metric in metrics ?? Task.Metrics)
        {
            result[metric.Name] = Compute(metric);
        }
        return result;
    }

    /// <summary>A number a row, worked out when it is first asked for.</summary>
    /// <param name="name">Unique to <paramref name="value"/>.</param>
    internal double[] Column(string name, Func<Predictions, int, double> value) =>
        Column(name, predictions =>
        {
            var column = new double[predictions.Count];
            for (int i = 0; i < column.Length; i++)
            {
                column[i] = value(predictions, i);
            }
            return column;
        });

    /// <summary>As many numbers as rows, made together.</summary>
    internal double[] Column(string name, Func<Predictions, double[]> make)
    {
        if (!_columns.TryGetValue(name, out double[]? column))
        {
            _columns[name] = column = make(this);
        }
        return column;
    }

    /// <summary>The rows by falling probability of a label; <see cref="Ranking.Micro"/>: all
    /// labels in one order.</summary>
    internal Ranking Ranked(int label)
    {
        if (!_rankings.TryGetValue(label, out var ranking))
        {
            _rankings[label] = ranking = Ranking.Of(this, label);
        }
        return ranking;
    }

    /// <summary>Every row once.</summary>
    private Draw Whole()
    {
        if (_whole is null)
        {
            if (_ones.Length != Count)
            {
                _ones = new int[Count];
                Array.Fill(_ones, 1);
            }
            _whole = new Draw(this, _ones);
        }
        return _whole;
    }

    private void Forget()
    {
        (_best, _classes, _whole) = (null, null, null);
        _columns.Clear();
        _rankings.Clear();
    }
}
