// From the courses of a range test to a rate. The losses are smoothed by a Gaussian over the
// logarithm of the rate; the rate is the smallest at which the loss has gone nearly all of its way
// down (Descent), which the noise at the bottom moves less than the lowest point itself.
using System.Globalization;

namespace Dl.Training;

internal static class RateChoice
{
    /// <summary>Standard deviation of the smoothing, in points: a tenth of a decade.</summary>
    private const double Width = 3;

    /// <summary>Share of the way from the first loss to the lowest.</summary>
    private const double Descent = 0.96;

    /// <summary>Outcomes that differ by less are equal.</summary>
    private const double Tie = 0.01;

    /// <summary>Fewer points than these show nothing.</summary>
    private const int Fewest = 10;

    public static RateSearch Read(IReadOnlyList<RatePoint> points)
    {
        if (points.Count < Fewest)
        {
            throw new DlException(
                $"--lr find: the loss ran away after {points.Count} steps; look for absurd values "
                + "with `dl check DATA`, or give --lr");
        }
        double[] smooth = Smooth(points);
        return new RateSearch(points, smooth, points[Choose(smooth)].Rate);
    }

    /// <summary>Mean loss of the last third of a short training; infinite if it was cut short.
    /// </summary>
    public static double Outcome(IReadOnlyList<RatePoint> points, int updates)
    {
        if (points.Count < updates)
        {
            return double.PositiveInfinity;
        }
        double sum = 0;
        int from = updates * 2 / 3;
        for (int i = from; i < updates; i++)
        {
            sum += points[i].Loss;
        }
        return sum / (updates - from);
    }

    /// <summary>
    /// The first whose outcome is nearly the best: of equal rates, the smaller one is safer in a
    /// training that is longer.
    /// </summary>
    public static int Best(double[] outcomes)
    {
        double best = outcomes.Min(), limit = best + (Tie * Math.Abs(best));
        return Math.Max(0, Array.FindIndex(outcomes, outcome => outcome <= limit));
    }

    /// <summary>Two digits: more would feign a precision that no test has.</summary>
    public static double Rounded(double rate) => double.Parse(
        rate.ToString("G2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static int Choose(double[] smooth)
    {
        int lowest = 0;
        for (int i = 1; i < smooth.Length; i++)
        {
            lowest = smooth[i] < smooth[lowest] ? i : lowest;
        }
        double start = smooth[0], enough = start - (Descent * (start - smooth[lowest]));
        return Array.FindIndex(smooth, loss => loss <= enough);
    }

    private static double[] Smooth(IReadOnlyList<RatePoint> points)
    {
        var smooth = new double[points.Count];
        for (int i = 0; i < smooth.Length; i++)
        {
            double sum = 0, weights = 0;
            for (int j = 0; j < smooth.Length; j++)
            {
                double weight = Math.Exp(-0.5 * (i - j) * (i - j) / (Width * Width));
                sum += weight * points[j].Loss;
                weights += weight;
            }
            smooth[i] = sum / weights;
        }
        return smooth;
    }
}
