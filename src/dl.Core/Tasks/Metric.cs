// A metric is a function of a draw of rows: how often each row of the predictions counts. All rows
// once give the value itself; a bootstrap draws again and again. What can be worked out once a row
// (its loss, its place in an order) is kept by Predictions, so a draw costs additions.
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>A metric of a draw; NaN where it is not defined.</summary>
public delegate double MetricFunction(Draw draw);

/// <summary>What is known about a metric before any draw, for its confidence interval.</summary>
public enum Spread
{
    /// <summary>Any number: the bootstrap alone.</summary>
    Free,

    /// <summary>Between Low and High: where no draw differs, Wilson's interval steps in.</summary>
    Bounded,

    /// <summary>A share of the rows, each right or wrong: Wilson's interval, always.</summary>
    Proportion,

    /// <summary>An extreme, which a bootstrap cannot judge (Bickel and Freedman 1981).</summary>
    None,
}

/// <summary>A named metric.</summary>
public sealed record Metric(
    string Name, bool HigherIsBetter, string Description, MetricFunction Compute)
{
    public Spread Spread { get; init; }

    /// <summary>The ends of the scale where <see cref="Spread"/> is Bounded.</summary>
    public double Low { get; init; }

    public double High { get; init; } = 1;
}

/// <summary>How often each row of some predictions counts.</summary>
public sealed class Draw
{
    private readonly Predictions _predictions;
    private readonly int[] _counts;
    private Tally? _tally;
    private bool _tallied;

    /// <param name="counts">One a row; kept, and changed by <see cref="Again"/>.</param>
    internal Draw(Predictions predictions, int[] counts)
    {
        (_predictions, _counts) = (predictions, counts);
        foreach (int count in counts)
        {
            Total += count;
        }
    }

    public Predictions Predictions => _predictions;

    public ReadOnlySpan<int> Counts => _counts;

    /// <summary>Rows drawn, each as often as it counts.</summary>
    public long Total { get; private set; }

    /// <summary>What was given and what was right, label by label.</summary>
    internal Tally Tally
    {
        get
        {
            _tally ??= new Tally(_predictions.Task.Target.Labels.Length);
            if (!_tallied)
            {
                _tally.Fill(_predictions, _counts);
                _tallied = true;
            }
            return _tally;
        }
    }

    /// <summary>Weighted mean of a column; the column has a number a row.</summary>
    internal double Mean(ReadOnlySpan<double> column)
    {
        double sum = 0;
        for (int i = 0; i < column.Length; i++)
        {
            sum += _counts[i] * column[i];
        }
        return sum / Total;
    }

    /// <summary>Draws as many rows as there are, with replacement.</summary>
    internal void Again(Rng rng)
    {
        Array.Clear(_counts);
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[rng.NextInt(_counts.Length)]++;
        }
        (Total, _tallied) = (_counts.Length, false);
    }

    /// <summary>The counts were changed by a draw that shares them.</summary>
    internal void Changed() => (Total, _tallied) = (_counts.Length, false);
}

/// <summary>Per label: rows where it was predicted, where it was true, and where it was both.
/// </summary>
internal sealed class Tally(int labels)
{
    public long[] Hits { get; } = new long[labels];

    public long[] Predicted { get; } = new long[labels];

    public long[] Actual { get; } = new long[labels];

    /// <summary>Rows.</summary>
    public long Total { get; private set; }

    public void Fill(Predictions predictions, ReadOnlySpan<int> counts)
    {
        Array.Clear(Hits);
        Array.Clear(Predicted);
        Array.Clear(Actual);
        Total = 0;
        if (predictions.Task.Target.Kind == Data.TargetKind.Classes)
        {
            FillClasses(predictions, counts);
        }
        else
        {
            FillLabels(predictions, counts);
        }
    }

    private void FillClasses(Predictions predictions, ReadOnlySpan<int> counts)
    {
        ReadOnlySpan<int> best = predictions.Best, truth = predictions.Classes;
        for (int i = 0; i < counts.Length; i++)
        {
            int count = counts[i], label = truth[i];
            Total += count;
            Predicted[best[i]] += count;
            Actual[label] += count;
            Hits[label] += best[i] == label ? count : 0;
        }
    }

    private void FillLabels(Predictions predictions, ReadOnlySpan<int> counts)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            int count = counts[i];
            Total += count;
            if (count == 0)
            {
                continue;
            }
            ReadOnlySpan<float> values = predictions.Values(i), targets = predictions.Targets(i);
            for (int j = 0; j < values.Length; j++)
            {
                bool predicted = values[j] >= 0.5f, actual = targets[j] >= 0.5f;
                Predicted[j] += predicted ? count : 0;
                Actual[j] += actual ? count : 0;
                Hits[j] += predicted && actual ? count : 0;
            }
        }
    }
}
