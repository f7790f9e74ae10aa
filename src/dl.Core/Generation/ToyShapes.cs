// Coloured shapes on a shaded ground: one in the picture to classify, several to find or cut out.
using System.Globalization;
using System.Numerics;
using System.Text;
using Dl.Data.Images;
using Dl.Files;
using Dl.Tensors;

namespace Dl.Generation;

/// <summary>64x64 RGB pictures of six shapes.</summary>
internal static class ToyShapes
{
    private const int Size = 64;

    private static readonly string[] Names =
        ["circle", "cross", "ring", "square", "star", "triangle"];

    /// <summary>One shape somewhere; <c>Distance</c> is negative inside, in pixels.</summary>
    private sealed record Figure(
        int Kind, Vector3 Color, Vector2 Centre, float Radius, Func<Vector2, float> Distance);

    /// <summary>What is to be seen, and which pixels belong to a shape.</summary>
    private sealed record Scene(Image Image, Image Mask, (int Kind, Vector4 Box)[] Boxes);

    public static void Write(
        int n, string folder, Rng rng, float noise, ParallelOptions parallel)
    {
        foreach (string name in Names)
        {
            Directory.CreateDirectory(Path.Combine(folder, "train", name));
            Directory.CreateDirectory(Path.Combine(folder, "test", name));
        }
        Parallel.For(0, n, parallel, i =>
        {
            Rng own = rng.Fork((ulong)i);
            int kind = i % Names.Length;
            string part = i / Names.Length % ToyDigits.TestEvery == ToyDigits.TestEvery - 1
                ? "test"
                : "train";
            Scene scene = Draw([RandomShape(own, kind, 10, 24)], own, noise);
            AtomicFile.WritePart(
                Path.Combine(folder, part, Names[kind], $"{i:D6}.png"),
                PngWriter.Encode(scene.Image));
        });
        ToyDigits.RemoveEmpty(folder);
    }

    /// <summary>
    /// YOLO: a line `class x y width height` for each shape, in shares of the picture.
    /// </summary>
    public static void WriteBoxes(
        int n, string folder, Rng rng, float noise, ParallelOptions parallel)
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        Directory.CreateDirectory(Path.Combine(folder, "labels"));
        Parallel.For(0, n, parallel, i =>
        {
            Scene scene = DrawSeveral(rng.Fork((ulong)i), noise);
            Put(folder, "images", i, scene.Image);
            var lines = new StringBuilder();
            foreach ((int kind, Vector4 box) in scene.Boxes)
            {
                lines.Append(
                    CultureInfo.InvariantCulture,
                    $"{kind} {box.X:0.######} {box.Y:0.######} "
                    + $"{box.Z:0.######} {box.W:0.######}\n");
            }
            AtomicFile.WritePart(
                Path.Combine(folder, "labels", $"{i:D6}.txt"),
                Encoding.UTF8.GetBytes(lines.ToString()));
        });
        AtomicFile.WritePart(
            Path.Combine(folder, "data.yaml"),
            Encoding.UTF8.GetBytes($"train: images\nval: images\nnc: {Names.Length}\nnames: "
                + $"[{string.Join(", ", Names)}]\n"));
    }

    public static void WriteMasks(
        int n, string folder, Rng rng, float noise, ParallelOptions parallel)
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        Directory.CreateDirectory(Path.Combine(folder, "masks"));
        Parallel.For(0, n, parallel, i =>
        {
            Scene scene = DrawSeveral(rng.Fork((ulong)i), noise);
            Put(folder, "images", i, scene.Image);
            Put(folder, "masks", i, scene.Mask);
        });
    }

    private static void Put(string folder, string part, int i, Image image) =>
        AtomicFile.WritePart(
            Path.Combine(folder, part, $"{i:D6}.png"), PngWriter.Encode(image));

    /// <summary>One to four shapes that do not overlap.</summary>
    private static Scene DrawSeveral(Rng rng, float noise)
    {
        var shapes = new List<Figure>();
        int wanted = 1 + rng.NextInt(4);
        for (int attempt = 0; attempt < 40 && shapes.Count < wanted; attempt++)
        {
            Figure shape = RandomShape(rng, rng.NextInt(Names.Length), 6, 13);
            bool free = shapes.TrueForAll(
                s => Vector2.Distance(s.Centre, shape.Centre) > s.Radius + shape.Radius + 1);
            if (free)
            {
                shapes.Add(shape);
            }
        }
        return Draw(shapes, rng, noise);
    }

    private static Figure RandomShape(Rng rng, int kind, float smallest, float largest)
    {
        float radius = rng.Between(smallest, largest);
        var centre = new Vector2(
            rng.Between(radius + 1, Size - radius - 1), rng.Between(radius + 1, Size - radius - 1));
        float angle = rng.Between(0, 2 * MathF.PI);
        return new Figure(
            kind, RandomColor(rng), centre, radius, Outline(kind, centre, radius, angle));
    }

    private static Func<Vector2, float> Outline(
        int kind, Vector2 centre, float radius, float angle)
    {
        switch (Names[kind])
        {
            case "circle":
                return p => Vector2.Distance(p, centre) - radius;
            case "ring":
                float width = radius * 0.28f;
                return p => MathF.Abs(Vector2.Distance(p, centre) - radius + width) - width;
            case "square":
                return Polygon([1, 1, 1, 1]);
            case "triangle":
                return Polygon([1, 1, 1]);
            case "star":
                return Polygon([1, 0.42f, 1, 0.42f, 1, 0.42f, 1, 0.42f, 1, 0.42f]);
            default:
                return Cross();
        }

        // Corners at equal angles, each at its share of the radius.
        Func<Vector2, float> Polygon(float[] radii)
        {
            var corners = new Vector2[radii.Length];
            for (int i = 0; i < corners.Length; i++)
            {
                float a = angle + (2 * MathF.PI * i / corners.Length);
                corners[i] = centre + (radius * radii[i] * new Vector2(MathF.Cos(a), MathF.Sin(a)));
            }
            return p => Drawing.DistanceToPolygon(p, corners);
        }

        Func<Vector2, float> Cross()
        {
            const float arm = 0.28f;
            float tip = MathF.Sqrt(1 - (arm * arm));
            (float, float)[] unit =
            [
                (arm, tip), (arm, arm), (tip, arm), (tip, -arm), (arm, -arm), (arm, -tip),
                (-arm, -tip), (-arm, -arm), (-tip, -arm), (-tip, arm), (-arm, arm), (-arm, tip),
            ];
            Matrix3x2 turn = Matrix3x2.CreateRotation(angle);
            Vector2[] corners = Array.ConvertAll(
                unit, u => centre + Vector2.Transform(
                    radius * new Vector2(u.Item1, u.Item2), turn));
            return p => Drawing.DistanceToPolygon(p, corners);
        }
    }

    private static Scene Draw(List<Figure> shapes, Rng rng, float noise)
    {
        Vector3 ground = RandomColor(rng);
        // A shape in the colour of its ground cannot be seen: move the ground away from all.
        for (int attempt = 0; attempt < 100; attempt++)
        {
            if (!shapes.Exists(s => Vector3.Distance(s.Color, ground) < 0.45f))
            {
                break;
            }
            ground = RandomColor(rng);
        }
        var slope = new Vector2(rng.Between(-0.3f, 0.3f), rng.Between(-0.3f, 0.3f));
        float grain = rng.Between(0.02f, 0.08f) * noise;
        var pixels = new byte[Size * Size * 3];
        var mask = new byte[Size * Size];
        var low = new Vector2[shapes.Count];
        var high = new Vector2[shapes.Count];
        Array.Fill(low, new Vector2(Size));
        for (int i = 0; i < mask.Length; i++)
        {
            var p = new Vector2((i % Size) + 0.5f, (i / Size) + 0.5f);
            float shade = 1 + Vector2.Dot(slope, (p / Size) - new Vector2(0.5f));
            Vector3 color = ground * shade;
            for (int s = 0; s < shapes.Count; s++)
            {
                float cover = Drawing.Coverage(shapes[s].Distance(p));
                color = Vector3.Lerp(color, shapes[s].Color, cover);
                if (cover >= 0.5f)
                {
                    mask[i] = 255;
                    low[s] = Vector2.Min(low[s], p - new Vector2(0.5f));
                    high[s] = Vector2.Max(high[s], p + new Vector2(0.5f));
                }
            }
            for (int c = 0; c < 3; c++)
            {
                float value = color[c] + (grain * rng.NextNormal());
                pixels[(i * 3) + c] = (byte)(255 * Math.Clamp(value, 0, 1));
            }
        }
        var boxes = new (int, Vector4)[shapes.Count];
        for (int s = 0; s < boxes.Length; s++)
        {
            Vector2 centre = (low[s] + high[s]) / (2 * Size);
            Vector2 extent = (high[s] - low[s]) / Size;
            boxes[s] = (shapes[s].Kind, new Vector4(centre, extent.X, extent.Y));
        }
        return new Scene(
            new Image(Size, Size, 3, pixels), new Image(Size, Size, 1, mask), boxes);
    }

    private static Vector3 RandomColor(Rng rng) =>
        new(rng.NextFloat(), rng.NextFloat(), rng.NextFloat());
}
