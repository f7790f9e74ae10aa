// Count, mean and the sums of squared and cubed deviations, joined part by part. Each part is
// summed around its own mean, so nothing large is ever taken from something large (Chan, Golub and
// LeVeque 1979; the cubes after Pebay, "Formulas for robust, one-pass parallel computation of
// covariances and arbitrary-order statistical moments", 2008).
namespace Dl.Data.Tables.Storage;

/// <summary>Moments of numbers that come in parts.</summary>
internal struct RunningMoments
{
    public double Count { get; private set; }

    public double Mean { get; private set; }

    /// <summary>Sum of (x - Mean)^2.</summary>
    public double Squares { get; private set; }

    /// <summary>Sum of (x - Mean)^3.</summary>
    public double Cubes { get; private set; }

    /// <summary>Third central moment over the cube of the deviation.</summary>
    public readonly double Skewness
    {
        get
        {
            double std = TableFit.Deviation(Mean, Squares / Count);
            return Cubes / Count / (std * std * std);
        }
    }

    /// <summary>Adds numbers, none of them NaN.</summary>
    public void Add(ReadOnlySpan<double> values)
    {
        if (values.Length == 0)
        {
            return;
        }
        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }
        double mean = sum / values.Length;
        double squares = 0, cubes = 0;
        foreach (double value in values)
        {
            double d = value - mean, square = d * d;
            squares += square;
            cubes += square * d;
        }
        Join(values.Length, mean, squares, cubes);
    }

    /// <summary>Mean and deviation (1 for a constant), with repeated fillers.</summary>
    public readonly (double Mean, double Std) With(double fillers, double fill)
    {
        RunningMoments all = this;
        if (fillers > 0)
        {
            all.Join(fillers, fill, 0, 0);
        }
        return (all.Mean, TableFit.Deviation(all.Mean, all.Squares / all.Count));
    }

    private void Join(double count, double mean, double squares, double cubes)
    {
        double all = Count + count, d = mean - Mean;
        double product = Count * count / all;
        Cubes += cubes + (d * d * d * product * (Count - count) / all)
            + (3 * d * ((Count * squares) - (count * Squares)) / all);
        Squares += squares + (d * d * product);
        Mean += d * count / all;
        Count = all;
    }
}
