// The picture of a range test: the loss over the learning rate on a logarithmic axis, every update
// as a dot, the smoothed course as a line, and the rate that was chosen.
using System.Globalization;
using Dl.Data.Images;
using Dl.Files;

namespace Dl.Training;

internal static class RatePlot
{
    private const int Width = 800;
    private const int Height = 460;
    private const float Left = 86, Right = Width - 26, Top = 78, Bottom = Height - 66;
    private const float TextSize = 10;
    private static readonly Rgb Ink = new(40, 40, 40);
    private static readonly Rgb Faint = new(226, 226, 226);
    private static readonly Rgb Frame = new(130, 130, 130);
    private static readonly Rgb Dots = new(160, 190, 214);
    private static readonly Rgb Course = new(0, 114, 178);
    private static readonly Rgb Chosen = new(213, 94, 0);

    /// <summary>Writes a PNG file, atomically.</summary>
    /// <exception cref="DlException">It cannot be written.</exception>
    public static void Write(string path, string title, RateSearch search)
    {
        byte[] png = PngWriter.Encode(Draw(title, search));
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    internal static Image Draw(string title, RateSearch search)
    {
        var canvas = new CurvesCanvas(Width, Height);
        var scale = new Scale(search);
        canvas.Text($"{Fit(title)}: range test", Width / 2f, 34, 13, Ink, 0.5f);
        Grid(canvas, scale);
        foreach (var point in search.Points)
        {
            if (point.Loss >= scale.Low && point.Loss <= scale.High)
            {
                canvas.Dot(scale.X(point.Rate), scale.Y(point.Loss), 2.5f, Dots);
            }
        }
        var line = new List<(float, float)>();
        for (int i = 0; i < search.Smooth.Count && search.Smooth[i] <= scale.High; i++)
        {
            line.Add((scale.X(search.Points[i].Rate), scale.Y(search.Smooth[i])));
        }
        canvas.Line(line.ToArray(), Course, 2.4f);
        Mark(canvas, scale, search);
        return canvas.ToImage();
    }

    private static void Mark(CurvesCanvas canvas, Scale scale, RateSearch search)
    {
        float x = scale.X(search.Rate);
        for (float y = Top; y < Bottom; y += 9)
        {
            canvas.Line([(x, y), (x, Math.Min(y + 4, Bottom))], Chosen, 1.5f);
        }
        canvas.Dot(x, scale.Y(Math.Min(LossAt(search), scale.High)), 5, Chosen);
        float from = Left;
        from = Legend(canvas, from, "each update", Dots);
        from = Legend(canvas, from, "smoothed", Course);
        Legend(canvas, from, $"chosen: {Number(search.Rate)}", Chosen);
    }

    /// <summary>The smoothed loss at the chosen rate, between two points of the sweep.</summary>
    private static double LossAt(RateSearch search)
    {
        int at = 0;
        while (at < search.Points.Count - 2 && search.Points[at + 1].Rate <= search.Rate)
        {
            at++;
        }
        var (low, high) = (search.Points[at].Rate, search.Points[at + 1].Rate);
        double share = Math.Clamp(Math.Log(search.Rate / low) / Math.Log(high / low), 0, 1);
        return search.Smooth[at] + (share * (search.Smooth[at + 1] - search.Smooth[at]));
    }

    private static float Legend(CurvesCanvas canvas, float x, string text, Rgb color)
    {
        canvas.Line([(x + 2, Top - 18), (x + 22, Top - 18)], color, 3);
        canvas.Text(text, x + 30, Top - 14, TextSize, Ink);
        return x + 54 + CurvesCanvas.TextWidth(text, TextSize);
    }

    private static void Grid(CurvesCanvas canvas, Scale scale)
    {
        foreach (double tick in Ticks(scale.Low, scale.High))
        {
            float y = scale.Y(tick);
            canvas.Line([(Left, y), (Right, y)], Faint, 1);
            canvas.Text(
                tick.ToString("0.####", CultureInfo.InvariantCulture), Left - 8, y + 4.5f,
                TextSize, Ink, 1);
        }
        for (int power = scale.FirstPower; power <= scale.LastPower; power++)
        {
            double rate = Math.Pow(10, power);
            float x = scale.X(rate);
            if (x >= Left - 0.5f && x <= Right + 0.5f)
            {
                canvas.Line([(x, Top), (x, Bottom)], Faint, 1);
                canvas.Text(Number(rate), x, Bottom + 21, TextSize, Ink, 0.5f);
            }
        }
        canvas.Line([(Left, Top), (Left, Bottom), (Right, Bottom)], Frame, 1);
        canvas.Text("learning rate", (Left + Right) / 2, Bottom + 44, TextSize, Ink, 0.5f);
        canvas.Text("loss", Right, Top - 14, TextSize + 1, Ink, 1);
    }

    /// <summary>Multiples of 1, 2 or 5 times a power of ten, at most about six.</summary>
    private static IEnumerable<double> Ticks(double low, double high)
    {
        double rough = (high - low) / 6, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double factor = rough / power;
        double step = power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
        for (double i = Math.Ceiling(low / step); i * step <= high; i++)
        {
            yield return i * step;
        }
    }

    private static string Fit(string title)
    {
        const int Most = 40;
        return title.Length <= Most ? title : title[..Most] + "...";
    }

    private static string Number(double rate) => rate is >= 1e-3 and < 1000
        ? rate.ToString("0.#####", CultureInfo.InvariantCulture)
        : rate.ToString("0.##e0", CultureInfo.InvariantCulture);

    /// <summary>Where rates and losses lie, in pixels.</summary>
    private sealed class Scale
    {
        private readonly double _first;
        private readonly double _last;

        /// <summary>
        /// Losses up to a little above the highest on the way down, which need not be the first:
        /// what runs away behind the lowest leaves the picture, and the line ends there.
        /// </summary>
        public Scale(RateSearch search)
        {
            (_first, _last) = (Math.Log10(search.Points[0].Rate),
                Math.Log10(search.Points[^1].Rate));
            double low = search.Smooth.Min(), start = low + 1e-6;
            for (int i = 0; search.Smooth[i] > low; i++)
            {
                start = Math.Max(start, search.Smooth[i]);
            }
            High = start + (0.35 * (start - low));
            Low = low - (0.35 * (start - low));
        }

        public double Low { get; }

        public double High { get; }

        public int FirstPower => (int)Math.Ceiling(_first - 1e-9);

        public int LastPower => (int)Math.Floor(_last + 1e-9);

        public float X(double rate) => (float)(Left
            + ((Math.Log10(rate) - _first) / Math.Max(1e-9, _last - _first) * (Right - Left)));

        public float Y(double loss) => (float)Math.Clamp(
            Bottom - ((loss - Low) / (High - Low) * (Bottom - Top)), Top, Bottom);
    }
}
