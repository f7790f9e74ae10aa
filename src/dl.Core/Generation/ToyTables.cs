// Toy tables: points of the plane in classes, and two regressions.
using System.Globalization;
using Dl.Tensors;

namespace Dl.Generation;

/// <summary>One row each, from the row's number and its own generator.</summary>
internal static class ToyTables
{
    public static readonly string[] Plane = ["x1", "x2", "label"];

    /// <summary>Radius below 1, or from 1.2 to 2: a ring with a gap, which noise closes.</summary>
    public static string[] Circle(int i, Rng rng, float noise)
    {
        bool inside = i % 2 == 0;
        double radius = inside ? Math.Sqrt(rng.NextFloat()) : 1.2 + (0.8 * rng.NextFloat());
        double angle = 2 * Math.PI * rng.NextFloat();
        double spread = 0.08 * noise;
        return Row(
            inside ? "inside" : "outside",
            (radius * Math.Cos(angle)) + (spread * rng.NextNormal()),
            (radius * Math.Sin(angle)) + (spread * rng.NextNormal()));
    }

    /// <summary>Label 1 where the signs of the coordinates differ.</summary>
    public static string[] Xor(int i, Rng rng, float noise)
    {
        int label = i % 2;
        double x = 0.1 + (0.9 * rng.NextFloat());
        double y = 0.1 + (0.9 * rng.NextFloat());
        double sign = rng.NextInt(2) == 0 ? 1 : -1;
        double spread = 0.05 * noise;
        return Row(
            label.ToString(),
            (sign * x) + (spread * rng.NextNormal()),
            (label == 0 ? sign * y : -sign * y) + (spread * rng.NextNormal()));
    }

    /// <summary>Arm k of three: angle = 2 pi k / 3 + 1.25 turns along the arm.</summary>
    public static string[] Spiral(int i, Rng rng, float noise)
    {
        int arm = i % 3;
        double along = 0.05 + (0.95 * rng.NextFloat());
        double angle = (2 * Math.PI * arm / 3) + (2.5 * Math.PI * along);
        double spread = 0.03 * noise;
        return Row(
            ((char)('a' + arm)).ToString(),
            (along * Math.Cos(angle)) + (spread * rng.NextNormal()),
            (along * Math.Sin(angle)) + (spread * rng.NextNormal()));
    }

    /// <summary>An upper half circle around (0, 0) and a lower one around (1, 1/2).</summary>
    public static string[] Moons(int i, Rng rng, float noise)
    {
        bool upper = i % 2 == 0;
        double angle = Math.PI * rng.NextFloat();
        double spread = 0.12 * noise;
        double x = upper ? Math.Cos(angle) : 1 - Math.Cos(angle);
        double y = upper ? Math.Sin(angle) : 0.5 - Math.Sin(angle);
        return Row(
            upper ? "upper" : "lower",
            x + (spread * rng.NextNormal()), y + (spread * rng.NextNormal()));
    }

    public static string[] Blobs(int i, Rng rng, float noise)
    {
        (double x, double y) = (i % 4) switch
        {
            0 => (-2.0, -1.0),
            1 => (2.0, -1.5),
            2 => (0.0, 2.0),
            _ => (3.0, 2.5),
        };
        double spread = 0.6 * noise;
        return Row(
            $"blob{i % 4}", x + (spread * rng.NextNormal()), y + (spread * rng.NextNormal()));
    }

    public static string[] Linear(int i, Rng rng, float noise)
    {
        double x1 = rng.NextNormal(), x2 = rng.NextNormal(), x3 = rng.NextNormal();
        double y = (3 * x1) - (2 * x2) + (0.5 * x3) + 1 + (0.1 * noise * rng.NextNormal());
        return Row(Number(y), x1, x2, x3);
    }

    public static string[] Sines(int i, Rng rng, float noise)
    {
        double x = -3 + (6 * rng.NextFloat());
        double y = Math.Sin(2 * x) + (Math.Sin(5 * x) / 2) + (0.05 * noise * rng.NextNormal());
        return Row(Number(y), x);
    }

    private static string[] Row(string target, params ReadOnlySpan<double> inputs)
    {
        var row = new string[inputs.Length + 1];
        for (int i = 0; i < inputs.Length; i++)
        {
            row[i] = Number(inputs[i]);
        }
        row[^1] = target;
        return row;
    }

    private static string Number(double value) =>
        value.ToString("0.######", CultureInfo.InvariantCulture);
}
