// Is one model better than another on the same rows? McNemar's exact test (1947) looks at the rows
// that only one of the two gets right: were they as good, each such row would be a fair coin's.
// For every metric, rows are drawn with replacement for both models alike (Efron and Tibshirani
// 1993, chapter 16): the interval of the difference, and as p-value twice the share of draws on the
// rarer side of 0, the data themselves counted as one draw more.
using Dl.Data;

namespace Dl.Tasks;

/// <summary>First minus second, its 95 % interval, and how likely so much is by chance.</summary>
public sealed record Difference(double Value, Interval Interval, double PValue);

/// <summary>Rows that only one of two models gets right.</summary>
public sealed record McNemar(long OnlyFirst, long OnlySecond)
{
    /// <summary>Two-sided: twice the smaller tail of the binomial distribution with 1/2.</summary>
    public double PValue { get; } = Exact(OnlyFirst, OnlySecond);

    private static double Exact(long first, long second)
    {
        long n = first + second;
        double logChoose = 0, logHalf = n * Math.Log(0.5), sum = 0;
        for (long i = 0; i <= Math.Min(first, second); i++)
        {
            logChoose += i == 0 ? 0 : Math.Log((n - i + 1.0) / i);
            sum += Math.Exp(logChoose + logHalf);
        }
        return Math.Min(1, 2 * sum);
    }
}

/// <summary>Two models on the same rows.</summary>
/// <param name="McNemar">Null for numbers: they are not right or wrong.</param>
public sealed record Comparison(
    IReadOnlyDictionary<string, Difference> Differences, McNemar? McNemar);

public static class PairedTest
{
    /// <param name="first">Predictions of the same rows in the same order as the second's.</param>
    public static Comparison Of(
        Predictions first, Predictions second, IReadOnlyList<Metric> metrics, int draws, ulong seed,
        int threads)
    {
        var (a, b) = (first.Compute(metrics), second.Compute(metrics));
        double[][][] samples = Bootstrap.Sample([first, second], metrics, draws, seed, threads);
        var differences = new Dictionary<string, Difference>();
        for (int m = 0; m < metrics.Count; m++)
        {
            string name = metrics[m].Name;
            double value = a[name] - b[name];
            var drawn = new double[draws];
            for (int i = 0; i < draws; i++)
            {
                drawn[i] = samples[0][m][i] - samples[1][m][i];
            }
            differences[name] = double.IsNaN(value)
                ? new Difference(value, Interval.Unknown, double.NaN)
                : new Difference(
                    value, IntervalOf(metrics[m], value, drawn, first.Count), PValue(drawn));
        }
        return new Comparison(differences, RightAndWrong(first, second));
    }

    private static Interval IntervalOf(Metric metric, double value, double[] drawn, int rows)
    {
        var interval = metric.Spread == Spread.None
            ? Interval.Unknown
            : Bootstrap.BiasCorrected(drawn, value);
        if (interval.Low < interval.High)
        {
            return interval;
        }
        if (metric.Spread != Spread.Proportion)
        {
            return Interval.Unknown;
        }
        // All rows alike: the adjusted Wald interval for pairs (Bonett and Price 2012).
        double first = ((Math.Max(0, value) * rows) + 1) / (rows + 2);
        double second = ((Math.Max(0, -value) * rows) + 1) / (rows + 2);
        double centre = first - second;
        double half = Bootstrap.Z
            * Math.Sqrt((first + second - (centre * centre)) / (rows + 2));
        return new Interval(Math.Max(-1, centre - half), Math.Min(1, centre + half));
    }

    private static double PValue(double[] drawn)
    {
        int defined = 0, below = 0, above = 0;
        foreach (double d in drawn)
        {
            defined += double.IsNaN(d) ? 0 : 1;
            below += d <= 0 ? 1 : 0;
            above += d >= 0 ? 1 : 0;
        }
        return defined == 0
            ? double.NaN
            : Math.Min(1, 2.0 * (Math.Min(below, above) + 1) / (defined + 1));
    }

    /// <summary>Rows with the right label, or with all labels right.</summary>
    private static McNemar? RightAndWrong(Predictions first, Predictions second)
    {
        if (first.Task.Target.Kind == TargetKind.Numeric)
        {
            return null;
        }
        long onlyFirst = 0, onlySecond = 0;
        for (int i = 0; i < first.Count; i++)
        {
            bool a = IsRight(first, i), b = IsRight(second, i);
            onlyFirst += a && !b ? 1 : 0;
            onlySecond += b && !a ? 1 : 0;
        }
        return new McNemar(onlyFirst, onlySecond);
    }

    private static bool IsRight(Predictions p, int row)
    {
        if (p.Task.Target.Kind == TargetKind.Classes)
        {
            return p.Best[row] == p.Classes[row];
        }
        ReadOnlySpan<float> values = p.Values(row), targets = p.Targets(row);
        for (int i = 0; i < values.Length; i++)
        {
            if ((values[i] >= 0.5f) != (targets[i] >= 0.5f))
            {
                return false;
            }
        }
        return true;
    }
}
