// Training curves as a PNG picture: the loss on the left, the main metric on the right, each over
// the epochs for training and validation, with the kept epoch marked. Colours are Okabe and Ito's
// blue and vermilion, which people with any kind of colour vision tell apart.
using System.Globalization;
using Dl.Data.Images;
using Dl.Files;

namespace Dl.Training;

/// <summary>Draws what a training went through.</summary>
public static class Curves
{
    private const int Width = 1200;
    private const int Height = 460;
    private const float TextSize = 10;
    private const float TitleSize = 13;
    private static readonly Rgb Ink = new(40, 40, 40);
    private static readonly Rgb Faint = new(226, 226, 226);
    private static readonly Rgb Frame = new(130, 130, 130);
    private static readonly Rgb Train = new(0, 114, 178);
    private static readonly Rgb Val = new(213, 94, 0);
    private static readonly Rgb Best = new(0, 130, 95);

    /// <summary>Writes the picture, atomically.</summary>
    /// <param name="metricName">Name of the metric in the history.</param>
    /// <param name="bestEpoch">The epoch that was kept, from 1; null: not marked.</param>
    /// <exception cref="DlException">It cannot be written.</exception>
    public static void Write(
        string path, string title, IReadOnlyList<EpochRecord> history, string metricName,
        int? bestEpoch = null)
    {
        byte[] png = PngWriter.Encode(Draw(title, history, metricName, bestEpoch));
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    internal static Image Draw(
        string title, IReadOnlyList<EpochRecord> history, string metricName, int? bestEpoch)
    {
        var canvas = new CurvesCanvas(Width, Height);
        string shown = title;
        for (int length = title.Length;
            CurvesCanvas.TextWidth(shown, TitleSize) > Width - 40; length--)
        {
            shown = title[..length] + "...";
        }
        canvas.Text(shown, Width / 2f, 34, TitleSize, Ink, 0.5f);
        Panel(canvas, 0, "loss", Series(history, r => r.TrainLoss), Series(history, r => r.ValLoss),
            bestEpoch);
        Panel(canvas, Width / 2, metricName, Series(history, r => r.TrainMetric),
            Series(history, r => r.ValMetric), bestEpoch);
        return canvas.ToImage();
    }

    /// <summary>Epochs with their values; epochs without one, or with NaN, are left out.</summary>
    private static List<(float Epoch, double Value)> Series(
        IReadOnlyList<EpochRecord> history, Func<EpochRecord, double?> value)
    {
        var series = new List<(float, double)>();
        foreach (var record in history)
        {
            if (value(record) is { } v && double.IsFinite(v))
            {
                series.Add((record.Epoch, v));
            }
        }
        return series;
    }

    private static void Panel(
        CurvesCanvas canvas, int left, string name, List<(float Epoch, double Value)> train,
        List<(float Epoch, double Value)> val, int? best)
    {
        var axes = new Axes(left + 78, 74, left + (Width / 2) - 24, Height - 62);
        axes.Fit(train, val);
        Grid(canvas, axes, name);
        if (best is { } epoch && epoch >= axes.FirstEpoch && epoch <= axes.LastEpoch)
        {
            float x = axes.X(epoch);
            for (float y = axes.Top; y < axes.Bottom; y += 9)
            {
                canvas.Line([(x, y), (x, Math.Min(y + 4, axes.Bottom))], Best, 1.5f);
            }
        }
        Curve(canvas, axes, train, Train);
        Curve(canvas, axes, val, Val);
        foreach (var (at, value) in val.Count > 0 ? val : train)
        {
            if (at == best)
            {
                canvas.Dot(axes.X(at), axes.Y(value), 5, Best);
            }
        }
        float legend = axes.Left;
        legend = Legend(canvas, legend, axes.Top - 14, "train", train.Count > 0, Train);
        legend = Legend(canvas, legend, axes.Top - 14, "validation", val.Count > 0, Val);
        Legend(canvas, legend, axes.Top - 14, $"kept: epoch {best}", best is > 0, Best);
    }

    private static float Legend(
        CurvesCanvas canvas, float x, float y, string text, bool shown, Rgb color)
    {
        if (!shown)
        {
            return x;
        }
        canvas.Line([(x + 2, y - 4), (x + 22, y - 4)], color, 3);
        canvas.Text(text, x + 30, y, TextSize, Ink);
        return x + 54 + CurvesCanvas.TextWidth(text, TextSize);
    }

    private static void Curve(
        CurvesCanvas canvas, Axes axes, List<(float Epoch, double Value)> series, Rgb color)
    {
        var points = new (float, float)[series.Count];
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = (axes.X(series[i].Epoch), axes.Y(series[i].Value));
        }
        canvas.Line(points, color, 2.2f);
        // Few epochs: show that they are points, not a course.
        for (int i = 0; i < points.Length && points.Length <= 25; i++)
        {
            canvas.Dot(points[i].Item1, points[i].Item2, 3, color);
        }
    }

    private static void Grid(CurvesCanvas canvas, Axes axes, string name)
    {
        foreach (double tick in Axes.Ticks(axes.Low, axes.High, 6))
        {
            float y = axes.Y(tick);
            canvas.Line([(axes.Left, y), (axes.Right, y)], Faint, 1);
            canvas.Text(
                Axes.Label(tick, axes.Low, axes.High), axes.Left - 8, y + 4.5f, TextSize, Ink, 1);
        }
        foreach (double tick in Axes.Ticks(axes.FirstEpoch, axes.LastEpoch, 8))
        {
            if (tick == Math.Floor(tick))
            {
                float x = axes.X((float)tick);
                canvas.Line([(x, axes.Bottom), (x, axes.Bottom + 5)], Frame, 1);
                canvas.Text(
                    tick.ToString(CultureInfo.InvariantCulture), x, axes.Bottom + 21, TextSize,
                    Ink, 0.5f);
            }
        }
        canvas.Line(
            [(axes.Left, axes.Top), (axes.Left, axes.Bottom), (axes.Right, axes.Bottom)], Frame, 1);
        float middle = (axes.Left + axes.Right) / 2;
        canvas.Text("epoch", middle, axes.Bottom + 42, TextSize, Ink, 0.5f);
        canvas.Text(name, axes.Right, axes.Top - 14, TextSize + 1, Ink, 1);
    }

    /// <summary>Where values lie within a panel, in pixels.</summary>
    private sealed class Axes(float left, float top, float right, float bottom)
    {
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

        public float Y(double value) =>
            (float)(bottom - ((value - Low) / (High - Low) * (bottom - top)));

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
            double margin = high > low
                ? (high - low) * 0.05 : Math.Max(Math.Abs(high) * 0.05, 1e-6);
            (Low, High) = (low - margin, high + margin);
            (FirstEpoch, LastEpoch) = (first, Math.Max(last, first + 1));
        }

        /// <summary>Multiples of 1, 2 or 5 times a power of ten, at most about n of them.</summary>
        public static IEnumerable<double> Ticks(double low, double high, int n)
        {
            double step = Step(low, high, n);
            for (double i = Math.Ceiling(low / step); i * step <= high + (step * 1e-9); i++)
            {
                yield return i * step;
            }
        }

        /// <summary>A tick with as many digits as its neighbours differ by.</summary>
        public static string Label(double tick, double low, double high)
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
}
