// From the course of a range test to a rate. The losses are smoothed over the logarithm of the rate
// by a Gaussian of a quarter decade; the lowest point is where steps are as large as they can be
// without undoing each other, and a third of a decade or so before it is safe for a whole training.
namespace Dl.Training;

internal static class RateChoice
{
    /// <summary>Standard deviation of the smoothing, in points: a tenth of a decade.</summary>
    private const double Width = 3;

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

    private static int Choose(double[] smooth)
    {
        int lowest = 0;
        for (int i = 1; i < smooth.Length; i++)
        {
            lowest = smooth[i] < smooth[lowest] ? i : lowest;
        }
        return Math.Max(0, lowest - 20);
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
