// 95 % confidence intervals: metrics of rows drawn with replacement (Efron 1979), their quantiles
// corrected for bias (Efron 1981): with z0 = quantile(share of draws below the value), the ends are
// the quantiles Phi(2 z0 -+ 1.96) of the draws. Where every draw gives the same (all rows right, or
// a single row) that would be an interval of length 0, which is falsely certain: metrics between
// two bounds then take Wilson's interval (1927), others have none.
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>Ends of a 95 % confidence interval; NaN: it is not known.</summary>
public readonly record struct Interval(double Low, double High)
{
    public static Interval Unknown { get; } = new(double.NaN, double.NaN);
}

public static class Bootstrap
{
    /// <summary>97.5 % quantile of the normal distribution.</summary>
    internal const double Z = 1.959963984540054;

    private const ulong Stream = 0xB007;

    /// <summary>
    /// A thousand draws where that is quick; 100 still give the ends of a 95 % interval.
    /// </summary>
    public static int Draws(Predictions predictions)
    {
        long work = (long)predictions.Count * (predictions.Task.Target.Width + 20);
        return (int)Math.Clamp(1_000_000_000 / Math.Max(1, work), 100, 1000);
    }

    /// <summary>An interval for each metric.</summary>
    /// <param name="threads">The result does not depend on it.</param>
    public static IReadOnlyDictionary<string, Interval> Intervals(
        Predictions predictions, IReadOnlyList<Metric> metrics, int draws, ulong seed, int threads)
    {
        var result = new Dictionary<string, Interval>();
        // Also fills what metrics keep about each row, which then is only read.
        var values = predictions.Compute(metrics);
        double[][] samples = Sample([predictions], metrics, draws, seed, threads)[0];
        for (int m = 0; m < metrics.Count; m++)
        {
            double value = values[metrics[m].Name];
            result[metrics[m].Name] = Of(metrics[m], predictions, value, samples[m]);
        }
        return result;
    }

    /// <summary>
    /// Metrics of the same draws of rows for several predictions of them:
    /// [predictions][metric][draw].
    /// </summary>
    internal static double[][][] Sample(
        Predictions[] predictions, IReadOnlyList<Metric> metrics, int draws, ulong seed,
        int threads)
    {
        var samples = Array.ConvertAll(predictions, _ => new double[metrics.Count][]);
        foreach (double[][] one in samples)
        {
            for (int m = 0; m < one.Length; m++)
            {
                one[m] = new double[draws];
            }
        }
        var rng = new Rng(seed, Stream);
        int rows = predictions[0].Count;
        // Each draw has a stream of its own, so it does not matter who makes it.
        Parallel.For(
            0, rows == 0 ? 0 : draws, new ParallelOptions { MaxDegreeOfParallelism = threads },
            () =>
            {
                var counts = new int[rows];
                return Array.ConvertAll(predictions, p => new Draw(p, counts));
            },
            (draw, _, mine) =>
            {
                mine[0].Again(rng.Fork((ulong)draw));
                for (int p = 0; p < mine.Length; p++)
                {
                    mine[p].Changed();
                    for (int m = 0; m < metrics.Count; m++)
                    {
                        samples[p][m][draw] = metrics[m].Compute(mine[p]);
                    }
                }
                return mine;
            },
            _ => { });
        return samples;
    }

    private static Interval Of(
        Metric metric, Predictions predictions, double value, double[] samples)
    {
        if (double.IsNaN(value) || metric.Spread == Spread.None)
        {
            return Interval.Unknown;
        }
        if (metric.Spread == Spread.Proportion)
        {
            return Wilson(value, predictions.Count);
        }
        var interval = BiasCorrected(samples, value);
        if (interval.Low < interval.High || metric.Spread != Spread.Bounded)
        {
            return interval.Low < interval.High ? interval : Interval.Unknown;
        }
        double range = metric.High - metric.Low;
        var (low, high) = Wilson((value - metric.Low) / range, EffectiveRows(predictions));
        return new Interval(metric.Low + (range * low), metric.Low + (range * high));
    }

    /// <summary>Wilson's score interval of a share of n.</summary>
    internal static Interval Wilson(double share, double n)
    {
        double square = Z * Z / n, scale = 1 + square;
        double centre = (share + (square / 2)) / scale;
        double half = Z / scale
            * Math.Sqrt((share * (1 - share) / n) + (square / (4 * n)));
        return new Interval(Math.Max(0, centre - half), Math.Min(1, centre + half));
    }

    /// <summary>Quantiles of the draws in which the metric is defined, around the value.</summary>
    internal static Interval BiasCorrected(double[] samples, double value)
    {
        double[] sorted = Array.FindAll(samples, s => !double.IsNaN(s));
        if (sorted.Length < samples.Length / 2 || sorted.Length == 0)
        {
            return Interval.Unknown;
        }
        Array.Sort(sorted);
        double below = 0;
        foreach (double sample in sorted)
        {
            below += sample < value ? 1 : sample == value ? 0.5 : 0;
        }
        double bias = Normal.Quantile(Math.Clamp(
            below / sorted.Length, 1.0 / (sorted.Length + 1),
            sorted.Length / (sorted.Length + 1.0)));
        double low = At(sorted, Normal.Cdf((2 * bias) - Z));
        double high = At(sorted, Normal.Cdf((2 * bias) + Z));
        return new Interval(Math.Min(low, value), Math.Max(high, value));
    }

    /// <summary>A quantile, between the two draws that it lies between.</summary>
    private static double At(double[] sorted, double share)
    {
        double at = share * (sorted.Length - 1);
        int first = (int)at;
        return first + 1 < sorted.Length
            ? sorted[first] + ((at - first) * (sorted[first + 1] - sorted[first]))
            : sorted[first];
    }

    /// <summary>
    /// Rows that a mean over the classes rests on: n_1 ... n_K rows give the mean of K shares the
    /// variance of one share of K^2 / sum(1 / n_k) rows. So a class of three rows keeps it wide.
    /// </summary>
    private static double EffectiveRows(Predictions predictions)
    {
        if (predictions.Task.Target.Kind != Data.TargetKind.Classes)
        {
            return predictions.Count;
        }
        var counts = new int[predictions.Task.Target.Labels.Length];
        foreach (int label in predictions.Classes)
        {
            counts[label]++;
        }
        double classes = 0, sum = 0;
        foreach (int count in counts)
        {
            classes += count > 0 ? 1 : 0;
            sum += count > 0 ? 1.0 / count : 0;
        }
        return classes * classes / sum;
    }
}

/// <summary>The standard normal distribution.</summary>
internal static class Normal
{
    /// <summary>
    /// Phi(z): 1/2 + density * sum z^(2k+1) / (1 3 5 ... (2k+1)) (Marsaglia 2004).
    /// </summary>
    public static double Cdf(double z)
    {
        if (Math.Abs(z) > 8)
        {
            return z > 0 ? 1 : 0;
        }
        double sum = z, term = z;
        for (int k = 3; Math.Abs(term) > 1e-17 * Math.Abs(sum) && k < 400; k += 2)
        {
            term *= z * z / k;
            sum += term;
        }
        return 0.5 + (sum * Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI));
    }

    /// <summary>The z whose Phi is a share in (0, 1), by halving.</summary>
    public static double Quantile(double share)
    {
        double low = -8, high = 8;
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Cdf(middle) < share ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }
}
