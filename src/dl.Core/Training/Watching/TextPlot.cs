// Curves for a terminal. A line is drawn in braille characters, two dots wide and four high each;
// points of a second series are letters on top of it, so the two are told apart without colour.
using System.Globalization;
using System.Text;

namespace Dl.Training.Watching;

/// <summary>One panel of text: axis, line, points, and what they are.</summary>
public static class TextPlot
{
    private const int LabelWidth = 10;

    // Dots of a braille character by (row, column), Unicode 2800.
    private static readonly int[,] Dots =
        { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

    /// <summary>Losses above, the metric below, and a line on how it went.</summary>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="plain">ASCII only.</param>
    public static string Draw(TrainingLog log, int width, bool plain)
    {
        if (log.Epochs.Count == 0)
        {
            return "no epoch has ended yet\n";
        }
        var text = new StringBuilder();
        Panel(text, "loss", log, r => r.TrainLoss, r => r.ValLoss, width, plain);
        text.Append('\n');
        Panel(text, log.Metric, log, r => r.TrainMetric, r => r.ValMetric, width, plain);
        var last = log.Epochs[^1];
        text.Append('\n').Append(string.Create(
            CultureInfo.InvariantCulture,
            $"{log.Epochs.Count} epochs, {log.Epochs.Sum(e => e.Seconds):0.0} s, learning rate "
            + $"{last.LearningRate:0.###e0} at the end\n"));
        return text.ToString();
    }

    private static void Panel(
        StringBuilder text, string name, TrainingLog log, Func<EpochRecord, double?> line,
        Func<EpochRecord, double?> points, int width, bool plain)
    {
        const int Rows = 10;
        int columns = Math.Clamp(width - LabelWidth - 3, 16, 160);
        var train = Finite(log.Epochs, line);
        var validation = Finite(log.Epochs, points);
        var all = train.Concat(validation).Select(p => p.Value).DefaultIfEmpty(0).ToArray();
        double low = all.Min(), high = all.Max();
        high = high > low ? high : low + Math.Max(Math.Abs(low) * 0.1, 1e-6);
        int first = log.Epochs[0].Epoch, span = Math.Max(1, log.Epochs[^1].Epoch - first);
        var grid = new char[Rows, columns];
        DrawLine(grid, train.ConvertAll(p => (
            (double)(p.Epoch - first) / span, (p.Value - low) / (high - low))), plain);
        foreach (var (epoch, value) in validation)
        {
            int x = (int)Math.Round((double)(epoch - first) / span * (columns - 1));
            grid[Row(Rows, (value - low) / (high - low)), x] = 'o';
        }
        text.Append(Legend(name, train, validation, plain));
        for (int row = 0; row < Rows; row++)
        {
            string label = row == 0 ? Number(high) : row == Rows - 1 ? Number(low) : "";
            var cells = new StringBuilder();
            for (int x = 0; x < columns; x++)
            {
                cells.Append(grid[row, x] == 0 ? ' ' : grid[row, x]);
            }
            text.Append($"{label,LabelWidth} {(plain ? '|' : '\u2502')}")
                .Append(cells.ToString().TrimEnd()).Append('\n');
        }
        string end = $"epoch {log.Epochs[^1].Epoch}";
        string begin = first.ToString(CultureInfo.InvariantCulture);
        text.Append(' ', LabelWidth + 1).Append(plain ? '+' : '\u2514')
            .Append(plain ? '-' : '\u2500', columns).Append('\n')
            .Append(' ', LabelWidth + 2).Append(begin)
            .Append(end.PadLeft(Math.Max(end.Length + 1, columns - begin.Length))).Append('\n');
    }

    private static string Legend(
        string name, List<(int Epoch, double Value)> train,
        List<(int Epoch, double Value)> validation, bool plain)
    {
        var text = new StringBuilder(name.PadLeft(LabelWidth));
        if (train.Count > 0)
        {
            text.Append($"   {(plain ? '.' : '\u2812')} training {Number(train[^1].Value)}");
        }
        if (validation.Count > 0)
        {
            text.Append($"   o validation {Number(validation[^1].Value)}");
        }
        return text.Append('\n').ToString();
    }

    private static List<(int Epoch, double Value)> Finite(
        IReadOnlyList<EpochRecord> epochs, Func<EpochRecord, double?> value)
    {
        var result = new List<(int, double)>();
        foreach (var epoch in epochs)
        {
            if (value(epoch) is { } v && double.IsFinite(v))
            {
                result.Add((epoch.Epoch, v));
            }
        }
        return result;
    }

    /// <summary>Joins points given in [0, 1] x [0, 1] dot by dot.</summary>
    private static void DrawLine(char[,] grid, List<(double X, double Y)> points, bool plain)
    {
        int wide = grid.GetLength(1) * 2, high = grid.GetLength(0) * 4;
        for (int i = 0; i < points.Count; i++)
        {
            var (from, to) = (points[Math.Max(0, i - 1)], points[i]);
            int steps = 1 + (int)(Math.Max(
                Math.Abs(to.X - from.X) * wide, Math.Abs(to.Y - from.Y) * high) * 2);
            for (int s = 0; s <= steps; s++)
            {
                double t = (double)s / steps;
                int x = (int)Math.Round((from.X + ((to.X - from.X) * t)) * (wide - 1));
                int y = high - 1 - (int)Math.Round((from.Y + ((to.Y - from.Y) * t)) * (high - 1));
                ref char cell = ref grid[y / 4, x / 2];
                cell = plain ? '.' : (char)((cell == 0 ? 0x2800 : cell) | Dots[y % 4, x % 2]);
            }
        }
    }

    private static int Row(int rows, double share) =>
        rows - 1 - (int)Math.Round(share * (rows - 1));

    private static string Number(double value) => value.ToString(
        Math.Abs(value) is >= 1e5 or (< 1e-4 and > 0) ? "0.###e0" : "0.####",
        CultureInfo.InvariantCulture);
}
