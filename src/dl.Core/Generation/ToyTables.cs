// Toy tables: points of the plane in classes, and two regressions.
using Dl.Data.Formats.Output;
using Dl.Tensors;

namespace Dl.Generation;

/// <summary>One row each, from the row's number and its own generator.</summary>
internal static class ToyTables
{
    public static readonly string[] Plane = ["x1", "x2", "label"];

    public static readonly string[] Crowded =
        [.. Enumerable.Range(1, 20).Select(i => $"x{i}"), "label"];

    private static readonly string[] Groups = ["a", "b", "c", "d", "e"];

    private static readonly string[] Arms = ["a", "b", "c"];

    private static readonly string[] Clouds = ["blob0", "blob1", "blob2", "blob3"];

    /// <summary>Radius below 1, or from 1.2 to 2: a ring with a gap, which noise closes.</summary>
    public static void Circle(int i, Rng rng, float noise, RowWriter row)
    {
        bool inside = i % 2 == 0;
        double radius = inside ? Math.Sqrt(rng.NextFloat()) : 1.2 + (0.8 * rng.NextFloat());
        double angle = 2 * Math.PI * rng.NextFloat();
        double spread = 0.08 * noise;
        Write(row,
            (radius * Math.Cos(angle)) + (spread * rng.NextNormal()),
            (radius * Math.Sin(angle)) + (spread * rng.NextNormal()));
        row.Text(inside ? "inside" : "outside");
    }

    /// <summary>Label 1 where the signs of the coordinates differ.</summary>
    public static void Xor(int i, Rng rng, float noise, RowWriter row)
    {
        int label = i % 2;
        double x = 0.1 + (0.9 * rng.NextFloat());
        double y = 0.1 + (0.9 * rng.NextFloat());
        double sign = rng.NextInt(2) == 0 ? 1 : -1;
        double spread = 0.05 * noise;
        Write(row,
            (sign * x) + (spread * rng.NextNormal()),
            (label == 0 ? sign * y : -sign * y) + (spread * rng.NextNormal()));
        row.Number((long)label);
    }

    /// <summary>Arm k of three: angle = 2 pi k / 3 + 1.25 turns along the arm.</summary>
    public static void Spiral(int i, Rng rng, float noise, RowWriter row)
    {
        int arm = i % 3;
        double along = 0.05 + (0.95 * rng.NextFloat());
        double angle = (2 * Math.PI * arm / 3) + (2.5 * Math.PI * along);
        double spread = 0.03 * noise;
        Write(row,
            (along * Math.Cos(angle)) + (spread * rng.NextNormal()),
            (along * Math.Sin(angle)) + (spread * rng.NextNormal()));
        row.Text(Arms[arm]);
    }

    /// <summary>An upper half circle around (0, 0) and a lower one around (1, 1/2).</summary>
    public static void Moons(int i, Rng rng, float noise, RowWriter row)
    {
        bool upper = i % 2 == 0;
        double angle = Math.PI * rng.NextFloat();
        double spread = 0.12 * noise;
        double x = upper ? Math.Cos(angle) : 1 - Math.Cos(angle);
        double y = upper ? Math.Sin(angle) : 0.5 - Math.Sin(angle);
        Write(row, x + (spread * rng.NextNormal()), y + (spread * rng.NextNormal()));
        row.Text(upper ? "upper" : "lower");
    }

    public static void Blobs(int i, Rng rng, float noise, RowWriter row)
    {
        (double x, double y) = (i % 4) switch
        {
            0 => (-2.0, -1.0),
            1 => (2.0, -1.5),
            2 => (0.0, 2.0),
            _ => (3.0, 2.5),
        };
        double spread = 0.6 * noise;
        Write(row, x + (spread * rng.NextNormal()), y + (spread * rng.NextNormal()));
        row.Text(Clouds[i % 4]);
    }

    public static void Linear(int i, Rng rng, float noise, RowWriter row)
    {
        double x1 = rng.NextNormal(), x2 = rng.NextNormal(), x3 = rng.NextNormal();
        double y = (3 * x1) - (2 * x2) + (0.5 * x3) + 1 + (0.1 * noise * rng.NextNormal());
        Write(row, x1, x2, x3, y);
    }

    public static void Sines(int i, Rng rng, float noise, RowWriter row)
    {
        double x = -3 + (6 * rng.NextFloat());
        double y = Math.Sin(2 * x) + (Math.Sin(5 * x) / 2) + (0.05 * noise * rng.NextNormal());
        Write(row, x, y);
    }

    /// <summary>
    /// Twenty numbers, even around a corner of a cube: near enough to the others' that one number
    /// tells little and all of them much. Made for long tables, so a number costs one draw.
    /// </summary>
    public static void Crowd(int i, Rng rng, float noise, RowWriter row)
    {
        int group = rng.NextInt(Groups.Length);
        for (int x = 0; x < 20; x++)
        {
            double corner = (((group + 1) * (x + 3)) % 7 / 3.0) - 1;
            row.Number(Math.Round(corner + (4 * noise * (rng.NextFloat() - 0.5)), 6));
        }
        row.Text(Groups[group]);
    }

    /// <summary>To six decimals: the same numbers in every form of table.</summary>
    private static void Write(RowWriter row, params ReadOnlySpan<double> values)
    {
        foreach (double value in values)
        {
            row.Number(Math.Round(value, 6, MidpointRounding.AwayFromZero));
        }
    }
}
