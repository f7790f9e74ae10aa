// The weights by which one axis of a picture changes its length: a triangle as wide as two output
// samples where it shrinks, which keeps out aliasing, and as two input samples where it grows,
// which is linear interpolation. Pixel centres lie at (i + 1/2). Libraries call this bilinear with
// antialiasing.
namespace Dl.Data.Images;

/// <summary>
/// Output i is the sum over k of weight(i, k) x input(start(i) + k), in units of 2^-14.
/// </summary>
internal sealed class ResampleAxis
{
    /// <summary>Bits of a weight behind the point; all weights of an output add up to 1.</summary>
    public const int Bits = 14;

    private readonly int[] _starts;
    private readonly int[] _counts;

    /// <param name="from">Input samples, at least 1.</param>
    /// <param name="to">Output samples, at least 1.</param>
    /// <param name="group">Weights of an output are filled up to a multiple of this.</param>
    public ResampleAxis(int from, int to, int group)
    {
        double scale = (double)from / to;
        double reach = Math.Max(scale, 1);
        (_starts, _counts) = (new int[to], new int[to]);
        int most = 1;
        for (int i = 0; i < to; i++)
        {
            double centre = (i + 0.5) * scale;
            int start = Math.Max(0, (int)(centre - reach + 0.5));
            int end = Math.Min(from, (int)(centre + reach + 0.5));
            (_starts[i], _counts[i]) = (start, Math.Max(1, end - start));
            most = Math.Max(most, _counts[i]);
        }
        MostTaps = most;
        Stride = (most + group - 1) / group * group;
        Weights = new short[checked(to * Stride)];
        var exact = new double[most];
        for (int i = 0; i < to; i++)
        {
            Span<double> weights = exact.AsSpan(0, _counts[i]);
            for (int k = 0; k < weights.Length; k++)
            {
                double distance = Math.Abs(_starts[i] + k + 0.5 - ((i + 0.5) * scale)) / reach;
                weights[k] = Math.Max(0, 1 - distance);
            }
            Round(weights, Weights.AsSpan(i * Stride, weights.Length));
        }
    }

    /// <summary>Outputs x Stride; zeros behind the last tap of each.</summary>
    public short[] Weights { get; }

    /// <summary>Weights from one output to the next.</summary>
    public int Stride { get; }

    /// <summary>Inputs of the output that has most.</summary>
    public int MostTaps { get; }

    /// <summary>The first input of each output; these never decrease.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    public ReadOnlySpan<int> Counts => _counts;

    /// <summary>
    /// Sums are rounded, not weights: so the weights add up to 1 exactly, a flat picture stays as
    /// it is, and a thousand small weights do not all become nothing.
    /// </summary>
    private static void Round(ReadOnlySpan<double> weights, Span<short> rounded)
    {
        double total = 0;
        foreach (double weight in weights)
        {
            total += weight;
        }
        double sum = 0;
        int before = 0;
        for (int k = 0; k < weights.Length; k++)
        {
            sum += weights[k];
            int upTo = (int)Math.Round(sum / total * (1 << Bits));
            rounded[k] = (short)(upTo - before);
            before = upTo;
        }
    }
}
