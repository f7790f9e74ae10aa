// Softmax, its logarithm and the fused cross-entropy, from their definitions; rows with large
// values check that the maximum is taken out.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class SoftmaxCases
{
    private const double Bound = 2e-6;
    private const int Ignore = -100;

    private static readonly (int Rows, int Columns)[] Sizes =
    [
        (1, 1), (3, 2), (1, 15), (16, 16), (17, 17), (128, 10), (65, 257), (5, 1000), (2, 5003),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (rows, columns) in Sizes)
        {
            foreach (double scale in (double[])[1, 10, 300])
            {
                yield return Softmax(rows, columns, scale);
                yield return LogSoftmax(rows, columns, scale);
            }
            yield return SoftmaxInPlace(rows, columns);
            foreach (float beta in (float[])[0, 1])
            {
                yield return SoftmaxGradient(rows, columns, beta);
                yield return LogSoftmaxGradient(rows, columns, beta);
            }
            foreach (var (weighted, smoothing, ignore) in ((bool, float, bool)[])
                [(false, 0, false), (true, 0, true), (false, 0.1f, true), (true, 0.2f, false)])
            {
                yield return CrossEntropy(rows, columns, weighted, smoothing, ignore);
                yield return CrossEntropyGradient(rows, columns, weighted, smoothing, ignore, 0);
                yield return CrossEntropyGradient(rows, columns, weighted, smoothing, ignore, 1);
            }
        }
        const int Rows = 4096, Classes = 256;
        yield return Softmax(Rows, Classes, 3).TimedByBytes();
        yield return LogSoftmax(Rows, Classes, 3).TimedByBytes();
        yield return SoftmaxGradient(Rows, Classes, 0).TimedByBytes();
        yield return LogSoftmaxGradient(Rows, Classes, 0).TimedByBytes();
        yield return CrossEntropy(Rows, Classes, false, 0, false).TimedByBytes();
        yield return CrossEntropyGradient(Rows, Classes, false, 0, false, 0).TimedByBytes();
    }

    private static Case Softmax(int rows, int columns, double scale) =>
        new("Softmax", $"{rows}x{columns} in +-{scale}", Bound,
            [In(rows * columns, -scale, scale), Out(rows * columns)],
            (d, s) => d.Softmax(s[0], s[1], rows, columns),
            v => EachRow(rows, columns, v[0], (i, logP) => v[1][i] = Math.Exp(logP)));

    private static Case SoftmaxInPlace(int rows, int columns) =>
        new("Softmax", $"{rows}x{columns} in place", Bound, [Both(rows * columns)],
            (d, s) => d.Softmax(s[0], s[0], rows, columns),
            v => EachRow(rows, columns, (double[])v[0].Clone(),
                (i, logP) => v[0][i] = Math.Exp(logP)));

    private static Case LogSoftmax(int rows, int columns, double scale) =>
        new("LogSoftmax", $"{rows}x{columns} in +-{scale}", Bound,
            [In(rows * columns, -scale, scale), Out(rows * columns)],
            (d, s) => d.LogSoftmax(s[0], s[1], rows, columns),
            v => EachRow(rows, columns, v[0], (i, logP) => v[1][i] = logP));

    private static Case SoftmaxGradient(int rows, int columns, float beta) =>
        new("SoftmaxGradient", $"{rows}x{columns} beta {beta}", Bound,
            [In(rows * columns, 0, 1), In(rows * columns), Out(rows * columns, beta)],
            (d, s) => d.SoftmaxGradient(s[0], s[1], s[2], rows, columns, beta),
            v =>
            {
                for (int i = 0; i < rows * columns; i++)
                {
                    double dot = 0;
                    for (int j = i / columns * columns; j < (i / columns * columns) + columns; j++)
                    {
                        dot += v[0][j] * v[1][j];
                    }
                    v[2][i] += v[0][i] * (v[1][i] - dot);
                }
            });

    private static Case LogSoftmaxGradient(int rows, int columns, float beta) =>
        new("LogSoftmaxGradient", $"{rows}x{columns} beta {beta}", Bound,
            [In(rows * columns, -6, 0), In(rows * columns), Out(rows * columns, beta)],
            (d, s) => d.LogSoftmaxGradient(s[0], s[1], s[2], rows, columns, beta),
            v =>
            {
                for (int i = 0; i < rows * columns; i++)
                {
                    double sum = 0;
                    for (int j = i / columns * columns; j < (i / columns * columns) + columns; j++)
                    {
                        sum += v[1][j];
                    }
                    v[2][i] += v[1][i] - (Math.Exp(v[0][i]) * sum);
                }
            });

    private static Case CrossEntropy(
        int rows, int columns, bool weighted, float smoothing, bool ignore) =>
        new("SoftmaxCrossEntropy", Text(rows, columns, weighted, smoothing, ignore), Bound,
            [
                In(rows * columns, -5, 5), Targets(rows, columns, ignore), In(columns, 0.5, 2),
                Out(1), Out(1),
            ],
            (d, s) => d.SoftmaxCrossEntropy(
                s[0], s[1], weighted ? s[2] : null, s[3], s[4], rows, columns, smoothing, Ignore),
            v =>
            {
                EachTarget(rows, columns, v, weighted, smoothing,
                    (i, logP, share) => v[3][0] -= share * logP);
                v[4][0] = Total(v, weighted);
                v[3][0] /= v[4][0];
            });

    /// <summary>d(-sum of share_c log p_c)/dx_j = p_j * (sum of shares) - share_j.</summary>
    private static Case CrossEntropyGradient(
        int rows, int columns, bool weighted, float smoothing, bool ignore, float beta) =>
        new("SoftmaxCrossEntropyGradient",
            $"{Text(rows, columns, weighted, smoothing, ignore)} beta {beta}", Bound,
            [
                In(rows * columns, -5, 5), Targets(rows, columns, ignore), In(columns, 0.5, 2),
                In(1, 0.5, 2), Out(1), Out(1), Out(rows * columns, beta),
            ],
            (d, s) =>
            {
                var weight = weighted ? s[2] : null;
                d.SoftmaxCrossEntropy(
                    s[0], s[1], weight, s[4], s[5], rows, columns, smoothing, Ignore);
                d.SoftmaxCrossEntropyGradient(
                    s[0], s[1], weight, s[3], s[5], s[6], rows, columns, smoothing, Ignore, beta);
            },
            v =>
            {
                double total = v[5][0] = Total(v, weighted);
                var shares = new double[rows];
                EachTarget(rows, columns, v, weighted, smoothing, (i, logP, share) =>
                {
                    v[4][0] -= share * logP / total;
                    shares[i / columns] += share;
                });
                EachTarget(rows, columns, v, weighted, smoothing, (i, logP, share) =>
                    v[6][i] += v[3][0] / total * ((Math.Exp(logP) * shares[i / columns]) - share));
            });

    /// <summary>
    /// Calls with the element, its log-probability and its share of the smoothed, weighted target.
    /// </summary>
    private static void EachTarget(
        int rows, int columns, double[][] v, bool weighted, float smoothing,
        Action<int, double, double> visit) =>
        EachRow(rows, columns, v[0], (i, logP) =>
        {
            int target = (int)v[1][i / columns], c = i % columns;
            if (target != Ignore)
            {
                double share = ((c == target ? 1 - (double)smoothing : 0)
                    + ((double)smoothing / columns)) * (weighted ? v[2][c] : 1);
                visit(i, logP, share);
            }
        });

    /// <summary>Calls with each element and its log-probability within its row.</summary>
    private static void EachRow(
        int rows, int columns, double[] x, Action<int, double> visit)
    {
        for (int r = 0; r < rows; r++)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int c = 0; c < columns; c++)
            {
                max = Math.Max(max, x[(r * columns) + c]);
            }
            for (int c = 0; c < columns; c++)
            {
                sum += Math.Exp(x[(r * columns) + c] - max);
            }
            for (int c = 0; c < columns; c++)
            {
                visit((r * columns) + c, x[(r * columns) + c] - max - Math.Log(sum));
            }
        }
    }

    private static double Total(double[][] v, bool weighted)
    {
        double total = 0;
        foreach (double target in v[1])
        {
            total += target == Ignore ? 0 : weighted ? v[2][(int)target] : 1;
        }
        return total;
    }

    /// <summary>About a third of many rows carries no label.</summary>
    private static Operand Targets(int rows, int columns, bool ignore) =>
        new(DType.I32, rows, Role.Input, rng =>
            ignore && rows > 10 && rng.NextInt(3) == 0 ? Ignore : rng.NextInt(columns));

    private static string Text(
        int rows, int columns, bool weighted, float smoothing, bool ignore) =>
        $"{rows}x{columns}{(weighted ? " weighted" : "")}{(ignore ? " ignoring" : "")} "
        + $"smoothing {smoothing}";
}
