// A frame with ticks for charts of the report: where values lie in it, and round numbers along it.
using System.Globalization;

namespace Dl.Training.Watching;

/// <summary>Linear axes within a picture.</summary>
internal sealed class ChartAxes
{
    private const double Left = 62, Top = 26, Right = 14, Bottom = 40;
    private readonly double _width, _height, _lowX, _highX, _lowY, _highY;

    public ChartAxes(
        double width, double height, IEnumerable<double> xs, IEnumerable<double> ys,
        double margin = 0.04)
    {
        (_width, _height) = (width, height);
        (_lowX, _highX) = Range(xs, 0);
        (_lowY, _highY) = Range(ys, margin);
    }

    public double Floor => _height - Bottom;

    public double X(double value) =>
        Left + ((value - _lowX) / (_highX - _lowX) * (_width - Left - Right));

    public double Y(double value) =>
        Floor - ((value - _lowY) / (_highY - _lowY) * (Floor - Top));

    /// <summary>Grid, numbers and names of both axes.</summary>
    public void Draw(Svg svg, string xName, string yName, bool wholeX = false)
    {
        foreach (double tick in Ticks(_lowY, _highY, 5))
        {
            svg.Line(Left, Y(tick), _width - Right, Y(tick), "grid");
            svg.Text(Left - 8, Y(tick) + 4, Number(tick), "end");
        }
        foreach (double tick in Ticks(_lowX, _highX, 7))
        {
            if (!wholeX || tick == Math.Floor(tick))
            {
                svg.Text(X(tick), Floor + 17, Number(tick), "middle");
            }
        }
        svg.Line(Left, Floor, _width - Right, Floor, "axis");
        svg.Text((Left + _width - Right) / 2, _height - 6, xName, "middle");
        svg.Text(Left, Top - 10, yName, "start", "label strong");
    }

    public static string Number(double value)
    {
        // Six digits: as many as a float carries.
        double size = Math.Abs(value);
        string format = size is >= 1e6 or (< 1e-3 and > 0) ? "0.##e0"
            : size >= 1000 ? "0.#" : size >= 10 ? "0.###" : "0.####";
        return value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>Multiples of 1, 2 or 5 times a power of ten, about n of them.</summary>
    public static IEnumerable<double> Ticks(double low, double high, int n)
    {
        double rough = (high - low) / n;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double factor = rough / power;
        double step = power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
        for (double i = Math.Ceiling(low / step); i * step <= high + (step * 1e-9); i++)
        {
            // Not 0.30000000000000004, and no minus in front of nothing.
            yield return Math.Round(i * step, 12) + 0.0;
        }
    }

    private static (double Low, double High) Range(IEnumerable<double> values, double margin)
    {
        double low = double.MaxValue, high = double.MinValue;
        foreach (double value in values)
        {
            if (double.IsFinite(value))
            {
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
            }
        }
        if (low > high)
        {
            return (0, 1);
        }
        double room = high > low ? (high - low) * margin : Math.Max(Math.Abs(high) * 0.1, 1e-6);
        return (low - room, high + room);
    }
}
