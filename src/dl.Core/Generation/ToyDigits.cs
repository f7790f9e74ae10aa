// Drawn digits: each is a few strokes in the unit square, bent by a random smooth warp, turned,
// slanted, scaled and moved, drawn with a random pen, and roughened with noise and stray marks.
using System.Numerics;
using Dl.Data.Images;
using Dl.Files;
using Dl.Tensors;

namespace Dl.Generation;

/// <summary>28x28 grey digits in folders 0 to 9.</summary>
internal static class ToyDigits
{
    private const int Size = 28;

    /// <summary>Every fifth picture goes to test/.</summary>
    public const int TestEvery = 5;

    /// <summary>Strokes of each digit; x to the right, y down.</summary>
    private static readonly Vector2[][][] Strokes =
    [
        [Arc(0.5f, 0.5f, 0.28f, 0.4f, 0, 360)],
        [Line(0.34f, 0.28f, 0.54f, 0.1f, 0.54f, 0.9f)],
        [[.. Arc(0.5f, 0.34f, 0.25f, 0.24f, -170, 35), .. Line(0.26f, 0.9f, 0.78f, 0.9f)]],
        [
            [
                .. Arc(0.47f, 0.3f, 0.24f, 0.2f, -150, 90),
                .. Arc(0.47f, 0.7f, 0.28f, 0.2f, -90, 150),
            ],
        ],
        [Line(0.56f, 0.1f, 0.2f, 0.64f, 0.82f, 0.64f), Line(0.64f, 0.4f, 0.64f, 0.92f)],
        [
            [
                .. Line(0.74f, 0.1f, 0.34f, 0.1f, 0.3f, 0.46f),
                .. Arc(0.47f, 0.66f, 0.27f, 0.24f, -120, 150),
            ],
        ],
        [
            [.. Line(0.66f, 0.08f, 0.44f, 0.28f), .. Arc(0.5f, 0.66f, 0.23f, 0.24f, -170, 190)],
        ],
        [Line(0.22f, 0.12f, 0.78f, 0.12f, 0.42f, 0.9f)],
        [Arc(0.5f, 0.3f, 0.21f, 0.19f, 90, 450), Arc(0.5f, 0.7f, 0.25f, 0.21f, -90, 270)],
        [[.. Arc(0.5f, 0.33f, 0.23f, 0.22f, 0, -360), .. Line(0.7f, 0.6f, 0.58f, 0.92f)]],
    ];

    public static void Write(
        int n, string folder, Rng rng, float noise, ParallelOptions parallel)
    {
        for (int digit = 0; digit < 10; digit++)
        {
            Directory.CreateDirectory(Path.Combine(folder, "train", digit.ToString()));
            Directory.CreateDirectory(Path.Combine(folder, "test", digit.ToString()));
        }
        Parallel.For(0, n, parallel, i =>
        {
            int digit = i % 10;
            // Counted in rounds of ten, so that every digit is in both parts alike.
            string part = i / 10 % TestEvery == TestEvery - 1 ? "test" : "train";
            AtomicFile.WritePart(
                Path.Combine(folder, part, digit.ToString(), $"{i:D6}.png"),
                PngWriter.Encode(Draw(digit, rng.Fork((ulong)i), noise)));
        });
        RemoveEmpty(folder);
    }

    /// <summary>A part without pictures (a tiny set) would be no part.</summary>
    public static void RemoveEmpty(string folder)
    {
        foreach (string part in Directory.GetDirectories(folder))
        {
            foreach (string name in Directory.GetDirectories(part))
            {
                if (!Directory.EnumerateFileSystemEntries(name).Any())
                {
                    Directory.Delete(name);
                }
            }
            if (!Directory.EnumerateFileSystemEntries(part).Any())
            {
                Directory.Delete(part);
            }
        }
    }

    internal static Image Draw(int digit, Rng rng, float noise)
    {
        Func<Vector2, Vector2> place = Place(rng);
        Vector2[][] strokes = Array.ConvertAll(
            Strokes[digit], stroke => Array.ConvertAll(stroke, p => place(p)));
        float half = rng.Between(0.7f, 1.7f);
        float ink = rng.Between(0.65f, 1);
        float paper = rng.Between(0, 0.12f) * noise;
        float grain = rng.Between(0.02f, 0.1f) * noise;
        Vector2[] stray = [RandomPoint(rng), RandomPoint(rng)];
        stray[1] = Vector2.Lerp(stray[0], stray[1], 0.35f);
        float strayInk = rng.NextFloat() < 0.3f * noise ? rng.Between(0.2f, 0.6f) : 0;
        var pixels = new byte[Size * Size];
        for (int i = 0; i < pixels.Length; i++)
        {
            var p = new Vector2((i % Size) + 0.5f, (i / Size) + 0.5f);
            float distance = float.MaxValue;
            foreach (Vector2[] stroke in strokes)
            {
                distance = MathF.Min(distance, Drawing.DistanceToStroke(p, stroke));
            }
            float cover = ink * Drawing.Coverage(distance - half);
            float mark = strayInk
                * Drawing.Coverage(Drawing.DistanceToStroke(p, stray) - 0.5f);
            float value = MathF.Max(MathF.Max(cover, mark), paper) + (grain * rng.NextNormal());
            pixels[i] = (byte)(255 * Math.Clamp(value, 0, 1));
        }
        return new Image(Size, Size, 1, pixels);
    }

    /// <summary>A random way from the unit square to pixels: warp, then an affine map.</summary>
    private static Func<Vector2, Vector2> Place(Rng rng)
    {
        float angle = rng.Between(-0.3f, 0.3f);
        float slant = rng.Between(-0.3f, 0.3f);
        float width = rng.Between(0.6f, 1) * 22;
        float height = rng.Between(0.75f, 1) * 24;
        var centre = new Vector2(14 + rng.Between(-2.5f, 2.5f), 14 + rng.Between(-2, 2));
        float bendX = rng.Between(-0.06f, 0.06f), bendY = rng.Between(-0.06f, 0.06f);
        float phaseX = rng.Between(0, 6.28f), phaseY = rng.Between(0, 6.28f);
        return p =>
        {
            float x = p.X - 0.5f + (bendX * MathF.Sin((4 * p.Y) + phaseX));
            float y = p.Y - 0.5f + (bendY * MathF.Sin((4 * p.X) + phaseY));
            var scaled = new Vector2((x - (slant * y)) * width, y * height);
            return centre + Vector2.Transform(scaled, Matrix3x2.CreateRotation(angle));
        };
    }

    private static Vector2 RandomPoint(Rng rng) =>
        new(rng.NextFloat() * Size, rng.NextFloat() * Size);

    /// <summary>Points of an ellipse's arc; degrees, clockwise from the right.</summary>
    private static Vector2[] Arc(float x, float y, float rx, float ry, float from, float to)
    {
        const int pieces = 14;
        var points = new Vector2[pieces + 1];
        for (int i = 0; i <= pieces; i++)
        {
            float angle = (from + ((to - from) * i / pieces)) * MathF.PI / 180;
            points[i] = new Vector2(x + (rx * MathF.Cos(angle)), y + (ry * MathF.Sin(angle)));
        }
        return points;
    }

    private static Vector2[] Line(params ReadOnlySpan<float> coordinates)
    {
        var points = new Vector2[coordinates.Length / 2];
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = new Vector2(coordinates[2 * i], coordinates[(2 * i) + 1]);
        }
        return points;
    }
}
