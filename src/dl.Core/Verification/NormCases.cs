// Normalisation from its definition (Ops/Norm.cs), with shapes of every kind: rows (layer norm),
// columns (batch norm), samples by channel and by group. Values far from 0 check that no digits
// cancel in the variance. Gradients are those of the formula for any statistics, consistent or not;
// that it is the derivative is checked by finite differences and by the reference cases.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class NormCases
{
    private const double Bound = 2e-6;
    private const float Epsilon = 1e-5f;

    private static readonly NormShape[] Shapes =
    [
        // Rows.
        new(3, 1, 5, 1), new(17, 1, 16, 1), new(65, 1, 17, 1), new(700, 1, 33, 1),
        new(130, 1, 64, 1), new(5, 1, 1000, 1), new(2, 1, 5003, 1),
        // Columns.
        new(1, 37, 1, 1), new(1, 5, 3, 3), new(1, 33, 16, 16), new(1, 65, 17, 17),
        new(1, 1025, 5, 5), new(1, 2100, 70, 70), new(1, 300, 64, 64), new(1, 5, 1030, 1030),
        // Channels and groups of samples.
        new(3, 20, 6, 6), new(2, 33, 40, 40), new(3, 20, 6, 2), new(2, 9, 32, 8),
        new(4, 1, 12, 3), new(2, 50, 7, 1), new(2, 1100, 36, 2),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var shape in Shapes)
        {
            yield return Norm(shape, true, true, 0);
            yield return Norm(shape, true, false, 0);
            yield return Norm(shape, false, false, 0);
            yield return Norm(shape, true, true, 1000);
            yield return Apply(shape, true);
            yield return Apply(shape, false);
            foreach (float beta in (float[])[0, 1])
            {
                yield return Gradient(shape, true, beta, false);
                yield return Gradient(shape, false, beta, false);
                yield return Gradient(shape, true, beta, true);
            }
            if (!shape.IsRows)
            {
                var relu = shape with { Relu = true };
                yield return Norm(relu, true, true, 0);
                yield return Apply(relu, true);
                yield return Gradient(relu, true, 0, false);
                yield return Gradient(relu, true, 1, true);
                yield return Gradient(relu, false, 0, false);
            }
            yield return DataGradient(shape);
            yield return InPlace(shape);
            if (shape.IsRows)
            {
                yield return Rms(shape);
                yield return RmsGradient(shape);
            }
        }
        var large = new NormShape(1, 25_088, 64, 64);
        yield return Norm(large, true, true, 0).TimedByBytes();
        yield return Apply(large, true).TimedByBytes();
        yield return Gradient(large, true, 0, false).TimedByBytes();
    }

    private static Case Norm(NormShape shape, bool scaled, bool shifted, float far) =>
        new("Norm", $"{Text(shape)}{(scaled ? " w" : "")}{(shifted ? " b" : "")} at {far}",
            far == 0 ? Bound : 1e-5,
            [
                In(shape.Count, far - 1, far + 2), In(shape.Channels, 0.5, 2), In(shape.Channels),
                Out(shape.Statistics), Out(shape.Statistics), Out(shape.Count),
            ],
            (d, s) => d.Norm(
                s[0], scaled ? s[1] : null, shifted ? s[2] : null, s[3], s[4], s[5], shape,
                Epsilon),
            v =>
            {
                Measure(shape, v[0], v[3], v[4]);
                Normalize(shape, v, scaled, shifted, v[3], v[4], v[5]);
            });

    private static Case Apply(NormShape shape, bool affine) =>
        new("NormApply", $"{Text(shape)}{(affine ? " w b" : "")}", Bound,
            [
                In(shape.Count), In(shape.Channels, 0.5, 2), In(shape.Channels),
                In(shape.Statistics), In(shape.Statistics, 0.1, 2), Out(shape.Count),
            ],
            (d, s) => d.NormApply(
                s[0], affine ? s[1] : null, affine ? s[2] : null, s[3], s[4], s[5], shape,
                Epsilon),
            v => Normalize(shape, v, affine, affine, v[3], v[4], v[5]));

    private static Case Rms(NormShape shape) =>
        new("Norm", $"{Text(shape)} RMS", Bound,
            [
                In(shape.Count), In(shape.Channels, 0.5, 2), Out(shape.Statistics),
                Out(shape.Count),
            ],
            (d, s) => d.Norm(s[0], s[1], null, null, s[2], s[3], shape, Epsilon),
            v =>
            {
                Each(shape, (i, s, c) => v[2][s] += v[0][i] * v[0][i] / shape.Channels);
                Normalize(
                    shape, [v[0], v[1], []], true, false, new double[shape.Statistics], v[2], v[3]);
            });

    private static Case Gradient(NormShape shape, bool scaled, float beta, bool given) =>
        new("NormGradient",
            $"{Text(shape)}{(scaled ? " w" : "")}{(given ? " given" : "")} beta {beta}", Bound,
            [
                In(shape.Count), In(shape.Channels, 0.5, 2), In(shape.Statistics, -0.5, 0.5),
                In(shape.Statistics, 0.1, 2), In(shape.Count), Out(shape.Count, beta),
                Out(shape.Channels, beta), Out(shape.Channels, beta), In(shape.Channels),
            ],
            (d, s) => d.NormGradient(
                s[0], scaled ? s[1] : null, s[8], s[2], s[3], s[4],
                new NormGradients(s[5], beta, s[6], beta, s[7], beta), shape, Epsilon, given),
            v =>
            {
                if (shape.Relu)
                {
                    Cut(shape, v, scaled);
                }
                Differentiate(
                    shape, v[0], scaled ? v[1] : null, v[2], v[3], v[4], v[5], v[6], v[7], given);
            });

    /// <summary>dy becomes 0 where the normalised value is below 0.</summary>
    /// <param name="v">x, w, mean, variance, dy, and b as the last.</param>
    private static void Cut(NormShape shape, double[][] v, bool scaled)
    {
        var y = new double[shape.Count];
        Normalize(shape with { Relu = false }, [v[0], v[1], v[8]], scaled, true, v[2], v[3], y);
        for (int i = 0; i < y.Length; i++)
        {
            v[4][i] = y[i] > 0 ? v[4][i] : 0;
        }
    }

    /// <summary>Scale and shift that want no gradient.</summary>
    private static Case DataGradient(NormShape shape) =>
        new("NormGradient", $"{Text(shape)} dx only", Bound,
            [
                In(shape.Count), In(shape.Statistics, -0.5, 0.5), In(shape.Statistics, 0.1, 2),
                In(shape.Count), Out(shape.Count),
            ],
            (d, s) => d.NormGradient(
                s[0], null, null, s[1], s[2], s[3], new NormGradients(s[4], 0, null, 0, null, 0),
                shape, Epsilon, false),
            v => Differentiate(shape, v[0], null, v[1], v[2], v[3], v[4], null, null, false));

    /// <summary>dx takes the place of dy.</summary>
    private static Case InPlace(NormShape shape) =>
        new("NormGradient", $"{Text(shape)} in place", Bound,
            [
                In(shape.Count), In(shape.Channels, 0.5, 2), In(shape.Statistics, -0.5, 0.5),
                In(shape.Statistics, 0.1, 2), Out(shape.Count, 1), Out(shape.Channels),
                Out(shape.Channels),
            ],
            (d, s) => d.NormGradient(
                s[0], s[1], null, s[2], s[3], s[4],
                new NormGradients(s[4], 0, s[5], 0, s[6], 0), shape, Epsilon, false),
            v =>
            {
                var dx = new double[shape.Count];
                Differentiate(
                    shape, v[0], v[1], v[2], v[3], v[4], dx, v[5], v[6], false);
                dx.CopyTo(v[4], 0);
            });

    private static Case RmsGradient(NormShape shape) =>
        new("NormGradient", $"{Text(shape)} RMS", Bound,
            [
                In(shape.Count), In(shape.Channels, 0.5, 2), In(shape.Statistics, 0.1, 2),
                In(shape.Count), Out(shape.Count), Out(shape.Channels),
            ],
            (d, s) => d.NormGradient(
                s[0], s[1], null, null, s[2], s[3], new NormGradients(s[4], 0, s[5], 0, null, 0),
                shape, Epsilon, false),
            v => Differentiate(shape, v[0], v[1], null, v[2], v[3], v[4], v[5], null, false));

    private static void Measure(NormShape shape, double[] x, double[] mean, double[] variance)
    {
        double n = (double)shape.N * shape.GroupChannels;
        Each(shape, (i, s, c) => mean[s] += x[i] / n);
        Each(shape, (i, s, c) => variance[s] += Math.Pow(x[i] - mean[s], 2) / n);
    }

    /// <param name="v">x, w, b.</param>
    private static void Normalize(
        NormShape shape, double[][] v, bool scaled, bool shifted, double[] mean, double[] variance,
        double[] y) =>
        Each(shape, (i, s, c) =>
        {
            double z = (v[0][i] - mean[s]) / Math.Sqrt(variance[s] + (double)Epsilon);
            y[i] = (z * (scaled ? v[1][c] : 1)) + (shifted ? v[2][c] : 0);
            y[i] = shape.Relu ? Math.Max(y[i], 0) : y[i];
        });

    private static void Differentiate(
        NormShape shape, double[] x, double[]? w, double[]? mean, double[] variance, double[] dy,
        double[] dx, double[]? dw, double[]? db, bool given)
    {
        double n = (double)shape.N * shape.GroupChannels;
        var sums = new double[shape.Statistics];
        var products = new double[shape.Statistics];
        double Z(int i, int s) =>
            (x[i] - (mean is null ? 0 : mean[s])) / Math.Sqrt(variance[s] + (double)Epsilon);
        double G(int i, int c) => dy[i] * (w is null ? 1 : w[c]);
        Each(shape, (i, s, c) =>
        {
            sums[s] += mean is null || given ? 0 : G(i, c) / n;
            products[s] += given ? 0 : G(i, c) * Z(i, s) / n;
            if (dw is not null)
            {
                dw[c] += dy[i] * Z(i, s);
            }
            if (db is not null)
            {
                db[c] += dy[i];
            }
        });
        Each(shape, (i, s, c) => dx[i] += (G(i, c) - sums[s] - (Z(i, s) * products[s]))
            / Math.Sqrt(variance[s] + (double)Epsilon));
    }

    /// <summary>Calls with each element, its statistic and its channel.</summary>
    private static void Each(NormShape shape, Action<int, int, int> visit)
    {
        for (int i = 0; i < shape.Count; i++)
        {
            int outer = i / (shape.N * shape.Channels), c = i % shape.Channels;
            visit(i, (outer * shape.Groups) + (c / shape.GroupChannels), c);
        }
    }

    private static string Text(NormShape shape) =>
        $"{shape.Outer}x{shape.N}x{shape.Channels} in {shape.Groups}{(shape.Relu ? " relu" : "")}";
}
