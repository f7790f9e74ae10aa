// `--curves` of a comparison: the validation loss of every variant on the left, its main metric on
// the right, one colour each, with the kept epochs marked. Without validation data, the training's.
using Dl.Data.Images;
using Dl.Files;

namespace Dl.Training;

internal static class ComparisonCurves
{
    private const int Width = 1200;
    private const int PanelHeight = 464;
    private const float LegendTop = 64, LegendStep = 24, Margin = 20;

    /// <summary>
    /// Values beyond this many times what most variants reach are of one that went astray: they do
    /// not stretch the axis.
    /// </summary>
    private const double Reach = 20;

    /// <summary>Writes the picture, atomically.</summary>
    /// <exception cref="DlException">It cannot be written.</exception>
    public static void Write(string path, string title, IReadOnlyList<VariantResult> variants)
    {
        string metric = variants[0].Setup.Task.Metrics[0].Name;
        var courses = variants.Select(v => (
            v.Result is null ? $"{v.Name} (failed)" : v.Name, v.History, v.Result?.BestEpoch))
            .ToList();
        byte[] png = PngWriter.Encode(Draw(title, courses, metric));
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    internal static Image Draw(
        string title,
        IReadOnlyList<(string Name, IReadOnlyList<EpochRecord> History, int? Best)> courses,
        string metric)
    {
        var places = PlaceLegend(courses.Select(c => c.Name).ToList());
        int rows = (int)((places[^1].Y - LegendTop) / LegendStep);
        var canvas = new CurvesCanvas(Width, PanelHeight + (int)((rows + 1) * LegendStep));
        bool validated = courses.Any(c => c.History.Any(r => r.ValLoss is not null));
        string part = validated ? "validation" : "training";
        CurvesAxes.Title(canvas, $"{title}: {part} of {courses.Count} variants");
        for (int i = 0; i < courses.Count; i++)
        {
            var (x, y, text) = places[i];
            Line(canvas, [(x, y - 4), (x + 28, y - 4)], i, 3);
            canvas.Text(text, x + 36, y, CurvesAxes.TextSize, CurvesAxes.Ink);
        }
        Panel(canvas, 0, "loss", courses.Select(c => (
            Curves.Series(c.History, r => validated ? r.ValLoss : r.TrainLoss), c.Best)).ToList());
        Panel(canvas, Width / 2, metric, courses.Select(c => (
            Curves.Series(c.History, r => validated ? r.ValMetric : r.TrainMetric), c.Best))
            .ToList());
        return canvas.ToImage();
    }

    /// <summary>Entries side by side, in as many rows as they need.</summary>
    private static List<(float X, float Y, string Text)> PlaceLegend(List<string> names)
    {
        var places = new List<(float X, float Y, string Text)>();
        float x = Margin, y = LegendTop;
        foreach (string name in names)
        {
            string text = CurvesAxes.Cut(name, CurvesAxes.TextSize, Width - 80);
            float width = 36 + CurvesCanvas.TextWidth(text, CurvesAxes.TextSize);
            if (x > Margin && x + width > Width - Margin)
            {
                (x, y) = (Margin, y + LegendStep);
            }
            places.Add((x, y, text));
            x += width + 28;
        }
        return places;
    }

    private static void Panel(
        CurvesCanvas canvas, int left, string name,
        List<(List<(float Epoch, double Value)> Values, int? Best)> curves)
    {
        var axes = new CurvesAxes(
            left + 78, canvas.Height - PanelHeight + 78, left + (Width / 2) - 24,
            canvas.Height - 62);
        var all = curves.Select(c => c.Values).ToArray();
        axes.Fit(all);
        if (Bounds(all) is var (low, high))
        {
            axes.Fit(low, high);
        }
        axes.Grid(canvas, name);
        for (int i = 0; i < curves.Count; i++)
        {
            // The first is the widest, so that it shows under others that take the same course.
            float width = 4 - (1.8f * i / Math.Max(1, curves.Count - 1));
            axes.Curve(canvas, curves[i].Values, Palette.Of(i), width, i >= Palette.Count);
            foreach (var (epoch, value) in curves[i].Values)
            {
                if (epoch == curves[i].Best)
                {
                    canvas.Dot(axes.X(epoch), axes.Y(value), 5, Palette.Of(i));
                }
            }
        }
    }

    private static void Line(
        CurvesCanvas canvas, (float, float)[] points, int variant, float width)
    {
        if (variant < Palette.Count)
        {
            canvas.Line(points, Palette.Of(variant), width);
        }
        else
        {
            canvas.Dashes(points, Palette.Of(variant), width, 7);
        }
    }

    /// <summary>Smallest and largest value within <see cref="Reach"/>; null: no values.</summary>
    private static (double Low, double High)? Bounds(List<(float Epoch, double Value)>[] all)
    {
        double[] peaks = [.. all.Where(s => s.Count > 0)
            .Select(s => s.Max(p => Math.Abs(p.Value))).Order()];
        if (peaks.Length == 0)
        {
            return null;
        }
        double reach = Reach * peaks[(peaks.Length - 1) / 2];
        var near = all.SelectMany(s => s.Select(p => p.Value))
            .Where(v => Math.Abs(v) <= reach).ToList();
        return (near.Min(), near.Max());
    }
}
