// The charts of the report, each a function from numbers to an SVG picture.
using System.Globalization;

namespace Dl.Training.Watching;

internal static class ReportCharts
{
    private const double Width = 520, Height = 300;

    /// <summary>A quantity by epoch for training and validation, the kept epoch marked.</summary>
    public static string Curves(
        string name, IReadOnlyList<EpochRecord> history, Func<EpochRecord, double?> train,
        Func<EpochRecord, double?> validation, int best)
    {
        var first = Points(history, train);
        var second = Points(history, validation);
        var axes = new ChartAxes(
            Width, Height, history.Select(h => (double)h.Epoch),
            first.Concat(second).Select(p => p.Y));
        var svg = new Svg(Width, Height, $"{name} by epoch");
        axes.Draw(svg, "epoch", name, wholeX: true);
        if (best > 0)
        {
            svg.Line(axes.X(best), 26, axes.X(best), axes.Floor, "best");
        }
        foreach (var (points, style) in new[] { (first, "train"), (second, "val") })
        {
            svg.Polyline(points.Select(p => (axes.X(p.X), axes.Y(p.Y))), "curve " + style);
            if (points.Count <= 60)
            {
                foreach (var (x, y) in points)
                {
                    svg.Dot(axes.X(x), axes.Y(y), 2.6, "dot " + style, string.Create(
                        CultureInfo.InvariantCulture, $"epoch {x:0}: {name} {y:0.#####}"));
                }
            }
        }
        return svg.ToString();
    }

    /// <summary>Lines by epoch, one a name: gradient norms of layers, on a log scale.</summary>
    public static string LogCourses(
        string about, IReadOnlyList<(string Name, IReadOnlyList<double> Values)> courses)
    {
        var logs = courses.Select(c => (c.Name, Values: c.Values.Select(
            v => v > 0 ? Math.Log10(v) : double.NaN).ToArray())).ToArray();
        int epochs = logs.Max(c => c.Values.Length);
        var axes = new ChartAxes(
            Width, Height, [1, Math.Max(2, epochs)], logs.SelectMany(c => c.Values));
        var svg = new Svg(Width, Height, about);
        axes.Draw(svg, "epoch", about, wholeX: true);
        for (int i = 0; i < logs.Length; i++)
        {
            var points = logs[i].Values.Select((v, e) => (X: axes.X(e + 1), Y: v))
                .Where(p => double.IsFinite(p.Y)).Select(p => (p.X, axes.Y(p.Y))).ToArray();
            svg.Polyline(points, $"curve c{i % 8}");
            if (points.Length > 0)
            {
                svg.Dot(points[^1].X, points[^1].Item2, 3, $"dot c{i % 8}", logs[i].Name);
            }
        }
        return svg.ToString();
    }

    /// <summary>Rows are the true labels; shades are shares of a row.</summary>
    public static string Confusion(string[] labels, long[,] counts)
    {
        int n = labels.Length;
        double cell = Math.Clamp(520.0 / n, 16, 56);
        double left = 20 + (7 * Math.Min(18, labels.Max(l => l.Length)));
        double top = 30, size = cell * n;
        var svg = new Svg(left + size + 10, top + size + left, "confusion matrix");
        svg.Text(left + (size / 2), 14, "predicted", "middle", "label strong");
        for (int i = 0; i < n; i++)
        {
            long total = 0;
            for (int j = 0; j < n; j++)
            {
                total += counts[i, j];
            }
            svg.Text(left - 6, top + (cell * (i + 0.5)) + 4, Cut(labels[i]), "end");
            svg.Text(
                left + (cell * (i + 0.5)) + 4, top + size + 6, Cut(labels[i]), "end", "label",
                turned: true);
            for (int j = 0; j < n; j++)
            {
                double share = total == 0 ? 0 : (double)counts[i, j] / total;
                string tip = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{labels[i]} taken for {labels[j]}: {counts[i, j]} of {total}");
                double x = left + (cell * j), y = top + (cell * i);
                svg.Box(x, y, cell - 1, cell - 1, "cell empty", 1, tip);
                // The square root lets rare confusions be seen.
                svg.Box(
                    x, y, cell - 1, cell - 1, i == j ? "cell good" : "cell bad", Math.Sqrt(share),
                    tip);
                if (cell >= 30 && counts[i, j] > 0)
                {
                    svg.Text(
                        x + (cell / 2), y + (cell / 2) + 4,
                        counts[i, j].ToString(CultureInfo.InvariantCulture), "middle",
                        share > 0.35 ? "label over" : "label");
                }
            }
        }
        return svg.ToString();
    }

    /// <summary>How often the likeliest label was right, by the probability it was given.</summary>
    /// <param name="bins">Mean confidence, share right and count of each bin.</param>
    public static string Calibration(
        IReadOnlyList<(double Confidence, double Right, int Count)> bins)
    {
        var axes = new ChartAxes(Width, Height, [0, 1], [0, 1], 0);
        var svg = new Svg(Width, Height, "calibration");
        axes.Draw(svg, "probability given", "share right");
        svg.Line(axes.X(0), axes.Y(0), axes.X(1), axes.Y(1), "best");
        double all = Math.Max(1, bins.Sum(b => b.Count));
        for (int i = 0; i < bins.Count; i++)
        {
            var (confidence, right, count) = bins[i];
            double from = (double)i / bins.Count, to = (double)(i + 1) / bins.Count;
            double height = axes.Floor - axes.Y(count / all);
            svg.Box(
                axes.X(from) + 1, axes.Floor - height, axes.X(to) - axes.X(from) - 2, height,
                "cell share", 0.35, $"{count} samples");
            if (count > 0)
            {
                svg.Dot(axes.X(confidence), axes.Y(right), 4.5, "dot train", string.Create(
                    CultureInfo.InvariantCulture,
                    $"{count} samples given {confidence:0.000}: {right:0.000} right"));
            }
        }
        svg.Polyline(
            bins.Where(b => b.Count > 0).Select(b => (axes.X(b.Confidence), axes.Y(b.Right))),
            "curve train");
        return svg.ToString();
    }

    /// <summary>Predicted against true numbers.</summary>
    public static string Scatter(string name, IReadOnlyList<(double True, double Given)> points)
    {
        var values = points.SelectMany(p => new[] { p.True, p.Given }).ToArray();
        var axes = new ChartAxes(Width, Width * 0.8, values, values);
        var svg = new Svg(Width, Width * 0.8, $"{name}: predicted against true");
        axes.Draw(svg, $"true {name}", $"predicted {name}");
        double low = values.Min(), high = values.Max();
        svg.Line(axes.X(low), axes.Y(low), axes.X(high), axes.Y(high), "best");
        foreach (var (x, y) in points)
        {
            svg.Dot(axes.X(x), axes.Y(y), 2.2, "dot train thin");
        }
        return svg.ToString();
    }

    /// <summary>A distribution in a small picture, for a table's cell.</summary>
    public static string Small(Histogram histogram, string style)
    {
        const double W = 190, H = 46;
        var svg = new Svg(W, H, string.Create(
            CultureInfo.InvariantCulture, $"from {histogram.Min:g3} to {histogram.Max:g3}"));
        double bar = W / histogram.Counts.Length;
        double top = Math.Max(1, histogram.Counts.Max());
        for (int i = 0; i < histogram.Counts.Length; i++)
        {
            double height = (H - 14) * histogram.Counts[i] / top;
            svg.Box(i * bar, H - 13 - height, bar - 0.6, height, style);
        }
        svg.Text(0, H - 1, ChartAxes.Number(Short(histogram.Min)), "start", "label small");
        svg.Text(W, H - 1, ChartAxes.Number(Short(histogram.Max)), "end", "label small");
        return svg.ToString();
    }

    private static double Short(double value) => double.Parse(
        value.ToString("g3", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Cut(string label) => label.Length <= 18 ? label : label[..17] + "\u2026";

    private static List<(double X, double Y)> Points(
        IReadOnlyList<EpochRecord> history, Func<EpochRecord, double?> value)
    {
        var points = new List<(double, double)>();
        foreach (var record in history)
        {
            if (value(record) is { } v && double.IsFinite(v))
            {
                points.Add((record.Epoch, v));
            }
        }
        return points;
    }
}
