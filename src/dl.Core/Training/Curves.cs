// Training curves as a PNG picture: the loss on the left, the main metric on the right, each over
// the epochs for training and validation, with the kept epoch marked. Colours are Okabe and Ito's
// blue and vermilion, which people with any kind of colour vision tell apart.
using Dl.Data.Images;
using Dl.Files;

namespace Dl.Training;

/// <summary>Draws what a training went through.</summary>
public static class Curves
{
    private const int Width = 1200;
    private const int Height = 460;
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
        CurvesAxes.Title(canvas, title);
        Panel(canvas, 0, "loss", Series(history, r => r.TrainLoss), Series(history, r => r.ValLoss),
            bestEpoch);
        Panel(canvas, Width / 2, metricName, Series(history, r => r.TrainMetric),
            Series(history, r => r.ValMetric), bestEpoch);
        return canvas.ToImage();
    }

    /// <summary>Epochs with their values; epochs without one, or with NaN, are left out.</summary>
    internal static List<(float Epoch, double Value)> Series(
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
        var axes = new CurvesAxes(left + 78, 74, left + (Width / 2) - 24, Height - 62);
        axes.Fit(train, val);
        axes.Grid(canvas, name);
        if (best is { } epoch && epoch >= axes.FirstEpoch && epoch <= axes.LastEpoch)
        {
            float x = axes.X(epoch);
            for (float y = axes.Top; y < axes.Bottom; y += 9)
            {
                canvas.Line([(x, y), (x, Math.Min(y + 4, axes.Bottom))], Best, 1.5f);
            }
        }
        axes.Curve(canvas, train, Train);
        axes.Curve(canvas, val, Val);
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
        canvas.Text(text, x + 30, y, CurvesAxes.TextSize, CurvesAxes.Ink);
        return x + 54 + CurvesCanvas.TextWidth(text, CurvesAxes.TextSize);
    }
}
