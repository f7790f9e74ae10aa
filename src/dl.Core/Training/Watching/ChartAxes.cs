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
        foreach (double tick in CurvesAxes.Ticks(_lowY, _highY, 5))
        {
            svg.Line(Left, Y(tick), _width - Right, Y(tick), "grid");
            svg.Text(Left - 8, Y(tick) + 4, Number(tick), "end");
        }
        foreach (double tick in CurvesAxes.Ticks(_lowX, _highX, 7))
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
