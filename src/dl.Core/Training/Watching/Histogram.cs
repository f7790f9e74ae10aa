// A distribution of numbers in a fixed count of bins of equal width, with the moments that
// TensorBoard's histograms carry beside them.
namespace Dl.Training.Watching;

/// <summary>How the elements of a weight, or of its gradient, are spread.</summary>
/// <param name="Counts">Elements in each of the bins, which divide [Min, Max] evenly.</param>
/// <param name="NotFinite">NaN and infinite elements; they are in no bin and no moment.</param>
public sealed record Histogram(
    double Min, double Max, double Sum, double SumOfSquares, long[] Counts, long NotFinite)
{
    private const int Bins = 40;

    public long Count => Counts.Sum();

    public double Mean => Count == 0 ? double.NaN : Sum / Count;

    public double Deviation => Count == 0
        ? double.NaN
        : Math.Sqrt(Math.Max(0, (SumOfSquares / Count) - (Mean * Mean)));

    /// <summary>Upper end of a bin.</summary>
    public double Limit(int bin) => bin == Counts.Length - 1
        ? Max
        : Min + ((Max - Min) * (bin + 1) / Counts.Length);

    public static Histogram Of(ReadOnlySpan<float> values)
    {
        double min = double.MaxValue, max = double.MinValue, sum = 0, squares = 0;
        long bad = 0;
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                bad++;
                continue;
            }
            (min, max) = (Math.Min(min, value), Math.Max(max, value));
            sum += value;
            squares += (double)value * value;
        }
        if (min > max)
        {
            return new Histogram(0, 0, 0, 0, new long[1], bad);
        }
        var counts = new long[max > min ? Bins : 1];
        double scale = max > min ? counts.Length / (max - min) : 0;
        foreach (float value in values)
        {
            if (float.IsFinite(value))
            {
                counts[Math.Min((int)((value - min) * scale), counts.Length - 1)]++;
            }
        }
        return new Histogram(min, max, sum, squares, counts, bad);
    }
}
