// Reference curves of learning rates: the rate before each step, of a schedule whose name is the
// case's and whose arguments are not told. A few points give the arguments; then every point has to
// lie on our schedule with them, read from text as a training reads it. One step is one epoch.
//   three points 0, k, 2k of half a cosine: (y0 - y2k) / (y0 - yk) = 2 (1 + cos(k pi / T))
using System.Globalization;
using Dl.Training;

namespace Dl.Verification;

internal static class GoldenSchedules
{
    /// <summary>Two rates this close, relatively, are the same: f32 keeps 6e-8.</summary>
    private const double Same = 1e-6;

    public static readonly GoldenRow[] Rows =
    [
        Row("constant", rates => new(rates[0], "constant")),
        Row("exponential", Exponential),
        Row("step", Steps),
        Row("multistep", MultiStep),
        Row("cosine_restarts", CosineRestarts),
        Row("cosine", Cosine),
        Row("one_cycle", OneCycle),
        Row("linear_warmup", Warmup),
        Row("polynomial", Polynomial),
    ];

    /// <summary>What a curve turned out to be.</summary>
    /// <param name="Steps">Of the training; 0: as many as there are points.</param>
    private sealed record Found(
        double Rate, string Schedule, double Steps = 0, string? Warmup = null);

    private static GoldenRow Row(string name, Func<double[], Found> identify) =>
        new(name, "lr", test => Compare(test, identify));

    private static void Compare(GoldenCase test, Func<double[], Found> identify)
    {
        double stated = test.Number("base_lr", 0);
        double[] rates = Array.ConvertAll(
            test.Raw("lr").Floats ?? throw new NotBuiltException("lr is no curve"),
            rate => (double)rate);
        if (rates.Length < 4)
        {
            throw new NotBuiltException($"{rates.Length} points do not show a schedule");
        }
        var found = identify(rates);
        var schedule = Schedules.Find(found.Schedule);
        var curve = new RateCurve(
            schedule, RateCurve.Choose(schedule, found.Warmup),
            found.Steps > 0 ? found.Steps : rates.Length, 1);
        // The stated rate is exact, one read off the curve is not; a peak may be another rate.
        double rate = Math.Abs(found.Rate - stated) < 1e-4 * stated ? stated : found.Rate;
        var ours = new float[rates.Length];
        for (int t = 0; t < ours.Length; t++)
        {
            ours[t] = (float)(rate * curve.Factor(t));
        }
        test.FinishValues("lr", ours);
    }

    private static Found Exponential(double[] y)
    {
        int last = y.Length - 1;
        return new(y[0], Text($"exponential:gamma={Math.Pow(y[last] / y[0], 1.0 / last)}"));
    }

    private static Found Steps(double[] y)
    {
        var drops = Drops(y);
        return drops.Count == 0 ? new(y[0], Text($"step:every={y.Length + 1}"))
            : new(y[0], Text($"step:every={drops[0].At},gamma={Gamma(y, drops)}"));
    }

    /// <summary>A milestone that is listed twice counts twice, where the rate falls further.
    /// </summary>
    private static Found MultiStep(double[] y)
    {
        var drops = Drops(y);
        double gamma = Gamma(y, drops);
        string at = string.Join(",", drops.SelectMany(d => Enumerable.Repeat(d.At, d.Times)));
        return drops.Count == 0 ? new(y[0], "constant")
            : new(y[0], Text($"multistep:at={at};gamma={gamma}"));
    }

    /// <summary>Where the rate falls, and by how many times the smallest fall.</summary>
    private static List<(int At, int Times)> Drops(double[] y)
    {
        var falls = new List<(int At, double Log)>();
        for (int t = 1; t < y.Length; t++)
        {
            if (Math.Abs(y[t] - y[t - 1]) > Same * y[0] * (y[t - 1] / y[0]))
            {
                falls.Add((t, Math.Log(y[t - 1] / y[t])));
            }
        }
        double smallest = falls.Count == 0 ? 1 : falls.Min(f => f.Log);
        return [.. falls.Select(f => (f.At, (int)Math.Round(f.Log / smallest)))];
    }

    private static double Gamma(double[] y, List<(int At, int Times)> drops) =>
        drops.Count == 0 ? 1 : Math.Pow(y[^1] / y[0], 1.0 / drops.Sum(d => d.Times));

    private static Found Cosine(double[] y)
    {
        var (length, floor) = HalfCosine(y, 0, Lowest(y, 0, y.Length));
        return new(y[0], Text($"cosine:floor={floor / y[0]},cycles={y.Length / (2 * length)}"));
    }

    /// <summary>Restarts are where the rate is back at its first value.</summary>
    private static Found CosineRestarts(double[] y)
    {
        var starts = new List<int> { 0 };
        for (int t = 1; t < y.Length; t++)
        {
            if (Math.Abs(y[t] - y[0]) <= Same * y[0])
            {
                starts.Add(t);
            }
        }
        // The longest stretch that falls shows the floor, and the last one how long a cycle is.
        int longest = 0;
        for (int i = 0; i < starts.Count; i++)
        {
            longest = End(i) - starts[i] > End(longest) - starts[longest] ? i : longest;
        }
        int End(int i) => i + 1 < starts.Count ? starts[i + 1] : y.Length;
        if (End(longest) - starts[longest] < 3)
        {
            throw new NotBuiltException("the cycles are too short to show a cosine");
        }
        var (length, floor) = HalfCosine(y, starts[longest], End(longest) - 1);
        double first = starts.Count > 1 ? starts[1] : length, mult = 1;
        if (starts.Count > 2)
        {
            mult = (starts[2] - starts[1]) / first;
        }
        else if (starts.Count > 1 && longest == 1)
        {
            mult = Math.Round(length / first);
        }
        return new(y[0], Text(
            $"cosine_restarts:first={first}epochs,mult={mult},floor={Math.Max(0, floor / y[0])}"));
    }

    /// <summary>Steps of half a cosine, and its lowest value, from a stretch that falls.</summary>
    private static (double Length, double Floor) HalfCosine(double[] y, int from, int to)
    {
        int k = (to - from) / 2;
        if (k == 0)
        {
            return (1, y[to]);
        }
        double first = y[from] - y[from + k], both = y[from] - y[from + (2 * k)];
        double angle = Math.Acos(Math.Clamp((both / first / 2) - 1, -1, 1));
        // Counted in whole steps, so what f32 blurred is set right.
        double length = Math.Max(1, Math.Round(Math.PI * k / angle));
        double depth = first / (1 - Math.Cos(Math.PI * k / length));
        return (length, Math.Max(0, y[from] - (2 * depth)));
    }

    private static int Lowest(double[] y, int from, int to)
    {
        int lowest = from;
        for (int t = from + 1; t < to && y[t] < y[lowest]; t++)
        {
            lowest = t;
        }
        return lowest;
    }

    /// <summary>
    /// The longer of rise and fall gives the peak: three points of half a cosine that begins at
    /// the first, or ends at the last step.
    /// </summary>
    private static Found OneCycle(double[] y)
    {
        int last = y.Length - 1, top = Array.IndexOf(y, y.Max());
        double length, peak;
        if (top > last - top)
        {
            // The highest point may lie behind the top already.
            (length, peak) = Rise(y, 0, 1, top - 1);
        }
        else
        {
            (length, peak) = Rise(y, last, -1, last - top - 1);
            length = last - length;
        }
        return new(peak, Text(
            $"one_cycle:pct={(length + 1) / y.Length},div={peak / y[0]},final={y[0] / y[last]}"));
    }

    /// <summary>A rise from y[from] in a direction: steps to its top, and its height.</summary>
    private static (double Length, double Top) Rise(double[] y, int from, int sign, int within)
    {
        int k = Math.Max(1, within / 2);
        double first = y[from + (sign * k)] - y[from];
        double both = y[from + (sign * 2 * k)] - y[from];
        double angle = Math.Acos(Math.Clamp((both / first / 2) - 1, -1, 1)) / k;
        return (Math.PI / angle, y[from] + (2 * first / (1 - Math.Cos(angle * k))));
    }

    /// <summary>The rise ends where the rate no longer changes, or it goes beyond the curve.
    /// </summary>
    private static Found Warmup(double[] y)
    {
        int end = y.Length - 1;
        while (end > 0 && Math.Abs(y[end - 1] - y[^1]) <= Same * y[^1])
        {
            end--;
        }
        if (end == y.Length - 1)
        {
            throw new NotBuiltException("the rise goes on beyond the curve");
        }
        return end == 0 ? new(y[0], "constant") : new(
            y[^1], "constant", Warmup: Text($"{end}steps:from={y[0] / y[^1]}"));
    }

    /// <summary>
    /// T is the first step at 0; beyond the curve it is the one for which two points give the same
    /// power.
    /// </summary>
    private static Found Polynomial(double[] y)
    {
        int zero = Array.FindIndex(y, rate => rate <= 1e-12 * y[0]);
        int near = zero < 0 ? y.Length / 2 : Math.Max(1, zero / 2), far = y.Length - 1;
        double Power(int t, double steps) => Math.Log(y[t] / y[0]) / Math.Log(1 - (t / steps));
        double steps = zero;
        if (zero < 0)
        {
            double nearest = double.MaxValue;
            for (int candidate = y.Length; candidate <= 100 * y.Length; candidate++)
            {
                double apart = Math.Abs((Power(near, candidate) / Power(far, candidate)) - 1);
                (nearest, steps) = apart < nearest ? (apart, candidate) : (nearest, steps);
            }
        }
        return zero == 1 ? throw new NotBuiltException("one step does not show a power")
            : new(y[0], Text($"polynomial:power={Power(near, steps)}"), steps);
    }

    private static string Text(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture);
}
