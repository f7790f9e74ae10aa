// The axes that curves over epochs are drawn on: where values lie within a panel, its grid, and the
// curves themselves.
using System.Globalization;

namespace Dl.Training;

/// <summary>A panel of a picture, its edges in pixels.</summary>
internal sealed class CurvesAxes(float left, float top, float right, float bottom)
{
    public const float TextSize = 10;
    private const float TitleSize = 13;
    public static readonly Rgb Ink = new(40, 40, 40);
    private static readonly Rgb Faint = new(226, 226, 226);
    private static readonly Rgb Frame = new(130, 130, 130);

    public float Left => left;

    public float Top => top;

    public float Right => right;

    public float Bottom => bottom;

    public double Low { get; private set; }

    public double High { get; private set; } = 1;

    public float FirstEpoch { get; private set; } = 1;

    public float LastEpoch { get; private set; } = 2;

    public float X(float epoch) => left
        + ((epoch - FirstEpoch) / Math.Max(1, LastEpoch - FirstEpoch) * (right - left));

    /// <summary>What is off the axis lies on its end.</summary>
    public float Y(double value) => (float)(bottom
        - ((Math.Clamp(value, Low, High) - Low) / (High - Low) * (bottom - top)));

    /// <summary>Room for all values and a little around them.</summary>
    public void Fit(params ReadOnlySpan<List<(float Epoch, double Value)>> all)
    {
        double low = double.MaxValue, high = double.MinValue;
        (float first, float last) = (float.MaxValue, float.MinValue);
        foreach (var series in all)
        {
            foreach (var (epoch, value) in series)
            {
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
                (first, last) = (Math.Min(first, epoch), Math.Max(last, epoch));
            }
        }
        if (first > last)
        {
            return;
        }
        (FirstEpoch, LastEpoch) = (first, Math.Max(last, first + 1));
        Fit(low, high);
    }

    /// <summary>Room for values within bounds and a little around them.</summary>
    public void Fit(double low, double high)
    {
        double margin = high > low
            ? (high - low) * 0.05 : Math.Max(Math.Abs(high) * 0.05, 1e-6);
        (Low, High) = (low - margin, high + margin);
    }

    /// <summary>A line over the picture, cut to its width.</summary>
    public static void Title(CurvesCanvas canvas, string title) => canvas.Text(
        Cut(title, TitleSize, canvas.Width - 40), canvas.Width / 2f, 34, TitleSize, Ink, 0.5f);

    /// <summary>As much of a text as a width has room for.</summary>
    public static string Cut(string text, float size, float width)
    {
        string shown = text;
        for (int length = text.Length; CurvesCanvas.TextWidth(shown, size) > width; length--)
        {
            shown = text[..length] + "...";
        }
        return shown;
    }

    /// <param name="width">Of the line, in pixels.</param>
    /// <param name="dashed">Where colours recur, to tell two curves apart.</param>
    public void Curve(
        CurvesCanvas canvas, List<(float Epoch, double Value)> series, Rgb color,
        float width = 2.2f, bool dashed = false)
    {
        var points = new (float, float)[series.Count];
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = (X(series[i].Epoch), Y(series[i].Value));
        }
        if (dashed)
        {
            canvas.Dashes(points, color, width, 7);
        }
        else
        {
            canvas.Line(points, color, width);
        }
        // Few epochs: show that they are points, not a course.
        for (int i = 0; i < points.Length && points.Length <= 25; i++)
        {
            canvas.Dot(points[i].Item1, points[i].Item2, 1.9f + (width / 2), color);
        }
    }

    public void Grid(CurvesCanvas canvas, string name)
    {
        foreach (double tick in Ticks(Low, High, 6))
        {
            float y = Y(tick);
            canvas.Line([(left, y), (right, y)], Faint, 1);
            canvas.Text(Label(tick, Low, High), left - 8, y + 4.5f, TextSize, Ink, 1);
        }
        foreach (double tick in Ticks(FirstEpoch, LastEpoch, 8))
        {
            if (tick == Math.Floor(tick))
            {
                float x = X((float)tick);
                canvas.Line([(x, bottom), (x, bottom + 5)], Frame, 1);
                canvas.Text(
                    tick.ToString(CultureInfo.InvariantCulture), x, bottom + 21, TextSize, Ink,
                    0.5f);
            }
        }
        canvas.Line([(left, top), (left, bottom), (right, bottom)], Frame, 1);
        canvas.Text("epoch", (left + right) / 2, bottom + 42, TextSize, Ink, 0.5f);
        canvas.Text(name, right, top - 14, TextSize + 1, Ink, 1);
    }

    /// <summary>Multiples of 1, 2 or 5 times a power of ten, at most about n of them.</summary>
    internal static IEnumerable<double> Ticks(double low, double high, int n)
    {
        double step = Step(low, high, n);
        for (double i = Math.Ceiling(low / step); i * step <= high + (step * 1e-9); i++)
        {
            // The sum takes the minus from in front of nothing.
            yield return (i * step) + 0.0;
        }
    }

    /// <summary>A tick with as many digits as its neighbours differ by.</summary>
    private static string Label(double tick, double low, double high)
    {
        double largest = Math.Max(Math.Abs(low), Math.Abs(high));
        tick = Math.Abs(tick) < 1e-9 * largest ? 0 : tick;
        if (largest is >= 1e6 or < 1e-4)
        {
            return tick.ToString("0.##e0", CultureInfo.InvariantCulture);
        }
        int digits = (int)Math.Max(0, -Math.Floor(Math.Log10(Step(low, high, 6)) + 1e-9));
        return tick.ToString("F" + Math.Min(digits, 9), CultureInfo.InvariantCulture);
    }

    private static double Step(double low, double high, int n)
    {
        double rough = (high - low) / n;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double factor = rough / power;
        return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
    }
}
