// A picture to draw on: anti-aliased lines of any width, and text made of them. How much of a pixel
// a line covers is taken from the distance of the pixel's centre to the line: half width + 1/2 -
// distance, cut to [0, 1].
using Dl.Data.Images;

namespace Dl.Training;

/// <summary>Colours as red, green, blue, 0 to 255.</summary>
internal readonly record struct Rgb(byte Red, byte Green, byte Blue);

/// <summary>
/// Okabe and Ito's colours, which people with any kind of colour vision tell apart; their black is
/// grey here, and their yellow darker, to stand out from white.
/// </summary>
internal static class Palette
{
    private static readonly Rgb[] Colors =
    [
        new(0, 114, 178), new(213, 94, 0), new(0, 158, 115), new(204, 121, 167),
        new(230, 159, 0), new(86, 180, 233), new(120, 120, 120), new(184, 169, 0),
    ];

    public static int Count => Colors.Length;

    /// <summary>A colour for each number from 0; after <see cref="Count"/> they recur.</summary>
    public static Rgb Of(int index) => Colors[index % Colors.Length];
}

/// <summary>An RGB picture, white at first. Coordinates are pixels from the top left.</summary>
internal sealed class CurvesCanvas
{
    private readonly byte[] _pixels;
    private readonly float[] _cover;

    public CurvesCanvas(int width, int height)
    {
        (Width, Height) = (width, height);
        _pixels = new byte[width * height * 3];
        _pixels.AsSpan().Fill(255);
        _cover = new float[width * height];
    }

    public int Width { get; }

    public int Height { get; }

    public Image ToImage() => new(Width, Height, 3, _pixels);

    /// <summary>A line through points; its joints are round and are not painted twice.</summary>
    public void Line(ReadOnlySpan<(float X, float Y)> points, Rgb color, float width)
    {
        int top = Height, bottom = -1;
        for (int i = 0; i < points.Length; i++)
        {
            var (from, to) = (points[Math.Max(0, i - 1)], points[i]);
            if (i > 0 || points.Length == 1)
            {
                Cover(from, to, width / 2, ref top, ref bottom);
            }
        }
        Blend(color, top, bottom);
    }

    /// <summary>A line through points in dashes, and gaps as long.</summary>
    /// <param name="dash">Length in pixels.</param>
    public void Dashes(
        ReadOnlySpan<(float X, float Y)> points, Rgb color, float width, float dash)
    {
        var piece = new List<(float X, float Y)>();
        float left = dash;
        bool drawn = true;
        for (int i = 0; i < points.Length; i++)
        {
            var (x, y) = points[Math.Max(0, i - 1)];
            float dx = points[i].X - x, dy = points[i].Y - y;
            float length = MathF.Sqrt((dx * dx) + (dy * dy)), done = 0;
            for (; length - done > left; left = dash, drawn = !drawn)
            {
                done += left;
                (float X, float Y) cut = (x + (dx * done / length), y + (dy * done / length));
                piece.Add(cut);
                Line(drawn ? piece.ToArray() : [], color, width);
                piece.Clear();
                piece.Add(cut);
            }
            left -= length - done;
            piece.Add(points[i]);
        }
        Line(drawn ? piece.ToArray() : [], color, width);
    }

    public void Pixel(int x, int y, Rgb color)
    {
        int at = 3 * ((y * Width) + x);
        (_pixels[at], _pixels[at + 1], _pixels[at + 2]) = (color.Red, color.Green, color.Blue);
    }

    /// <summary>A filled disc.</summary>
    public void Dot(float x, float y, float radius, Rgb color) =>
        Line([(x, y)], color, 2 * radius);

    /// <summary>Text whose capitals are <paramref name="size"/> pixels high.</summary>
    /// <param name="y">The base line.</param>
    /// <param name="align">0: starts at x; 0.5: centred; 1: ends at x.</param>
    public void Text(string text, float x, float y, float size, Rgb color, float align = 0)
    {
        float unit = size / 6, left = x - (align * TextWidth(text, size));
        float weight = Math.Max(1.1f, size * 0.13f);
        foreach (char character in text)
        {
            foreach (var stroke in CurvesFont.Strokes(character))
            {
                for (int i = 0; i < stroke.Length; i++)
                {
                    stroke[i] = (
                        left + (stroke[i].X * unit * 0.9f), y - ((6 - stroke[i].Y) * unit));
                }
                Line(stroke, color, weight);
            }
            left += CurvesFont.Advance * unit * 0.9f;
        }
    }

    /// <summary>Pixels from the start of a text to its end.</summary>
    public static float TextWidth(string text, float size) =>
        ((text.Length * CurvesFont.Advance) - 2) * size / 6 * 0.9f;

    private void Cover(
        (float X, float Y) a, (float X, float Y) b, float half, ref int top, ref int bottom)
    {
        float dx = b.X - a.X, dy = b.Y - a.Y, length = (dx * dx) + (dy * dy);
        int left = Math.Max(0, (int)(Math.Min(a.X, b.X) - half - 1));
        int right = Math.Min(Width - 1, (int)(Math.Max(a.X, b.X) + half + 1));
        int first = Math.Max(0, (int)(Math.Min(a.Y, b.Y) - half - 1));
        int last = Math.Min(Height - 1, (int)(Math.Max(a.Y, b.Y) + half + 1));
        (top, bottom) = (Math.Min(top, first), Math.Max(bottom, last));
        for (int y = first; y <= last; y++)
        {
            for (int x = left; x <= right; x++)
            {
                float px = x + 0.5f - a.X, py = y + 0.5f - a.Y;
                float t = length == 0
                    ? 0 : Math.Clamp(((px * dx) + (py * dy)) / length, 0, 1);
                float ex = px - (t * dx), ey = py - (t * dy);
                float cover = half + 0.5f - MathF.Sqrt((ex * ex) + (ey * ey));
                ref float pixel = ref _cover[(y * Width) + x];
                pixel = Math.Max(pixel, Math.Min(cover, 1));
            }
        }
    }

    /// <summary>
    /// Paints what is covered in rows top to bottom, and clears it for the next line.
    /// </summary>
    private void Blend(Rgb color, int top, int bottom)
    {
        for (int i = top * Width; i < (bottom + 1) * Width; i++)
        {
            float cover = _cover[i];
            if (cover > 0)
            {
                Mix(ref _pixels[3 * i], color.Red, cover);
                Mix(ref _pixels[(3 * i) + 1], color.Green, cover);
                Mix(ref _pixels[(3 * i) + 2], color.Blue, cover);
                _cover[i] = 0;
            }
        }
    }

    private static void Mix(ref byte pixel, byte color, float cover) =>
        pixel = (byte)MathF.Round(pixel + ((color - pixel) * cover));
}
