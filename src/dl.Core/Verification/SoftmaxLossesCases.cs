// Cross-entropy against shares of classes and the focal loss, from their definitions.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class SoftmaxLossesCases
{
    private const double Bound = 3e-6;

    private static readonly (int Rows, int Columns)[] Sizes =
        [(1, 1), (3, 2), (16, 16), (17, 17), (128, 10), (65, 257), (2, 5003)];

    public static IEnumerable<Case> All()
    {
        foreach (var (rows, columns) in Sizes)
        {
            foreach (var (weighted, smoothing) in ((bool, float)[])[(false, 0), (true, 0.2f)])
            {
                yield return SoftCrossEntropy(rows, columns, weighted, smoothing);
                yield return SoftCrossEntropyGradient(rows, columns, weighted, smoothing, 0);
                yield return SoftCrossEntropyGradient(rows, columns, weighted, smoothing, 1);
            }
            foreach (float gamma in (float[])[0, 0.5f, 2])
            {
                // One class is certain: its loss is exactly 0, and rounding is no error of it.
                if (columns > 1)
                {
                    yield return Focal(rows, columns, gamma, 5);
                    yield return Focal(rows, columns, gamma, 30);
                    yield return FocalGradient(rows, columns, gamma, 0);
                    yield return FocalGradient(rows, columns, gamma, 1);
                }
            }
        }
        const int Rows = 4096, Classes = 256;
        yield return SoftCrossEntropy(Rows, Classes, false, 0).TimedByBytes();
        yield return SoftCrossEntropyGradient(Rows, Classes, false, 0, 0).TimedByBytes();
        yield return Focal(Rows, Classes, 2, 5).TimedByBytes();
        yield return FocalGradient(Rows, Classes, 2, 0).TimedByBytes();
    }

    private static Case SoftCrossEntropy(int rows, int columns, bool weighted, float smoothing) =>
        new("SoftCrossEntropy", Text(rows, columns, weighted, smoothing), Bound,
            [
                In(rows * columns, -5, 5), In(rows * columns, 0, 1), In(columns, 0.5, 2),
                Out(rows),
            ],
            (d, s) => d.SoftCrossEntropy(
                s[0], s[1], weighted ? s[2] : null, s[3], rows, columns, smoothing),
            v =>
            {
                for (int i = 0; i < rows * columns; i++)
                {
                    v[3][i / columns] -= Share(v, i, columns, weighted, smoothing)
                        * LogP(v[0], i, columns);
                }
            });

    private static Case SoftCrossEntropyGradient(
        int rows, int columns, bool weighted, float smoothing, float beta) =>
        new("SoftCrossEntropyGradient",
            $"{Text(rows, columns, weighted, smoothing)} beta {beta}", Bound,
            [
                In(rows * columns, -5, 5), In(rows * columns, 0, 1), In(columns, 0.5, 2),
                In(rows), Out(rows * columns, beta),
            ],
            (d, s) => d.SoftCrossEntropyGradient(
                s[0], s[1], weighted ? s[2] : null, s[3], s[4], rows, columns, smoothing, beta),
            v =>
            {
                var mass = new double[rows];
                for (int i = 0; i < rows * columns; i++)
                {
                    mass[i / columns] += Share(v, i, columns, weighted, smoothing);
                }
                for (int i = 0; i < rows * columns; i++)
                {
                    double p = Math.Exp(LogP(v[0], i, columns));
                    v[4][i] += v[3][i / columns]
                        * ((mass[i / columns] * p) - Share(v, i, columns, weighted, smoothing));
                }
            });

    private static Case Focal(int rows, int columns, float gamma, double scale) =>
        new("SoftmaxFocal", $"{rows}x{columns} gamma {gamma} in +-{scale}", Bound,
            [In(rows * columns, -scale, scale), Ids(rows, columns), Out(rows)],
            (d, s) => d.SoftmaxFocal(s[0], s[1], s[2], rows, columns, gamma),
            v =>
            {
                for (int r = 0; r < rows; r++)
                {
                    double log = LogP(v[0], (r * columns) + (int)v[1][r], columns);
                    v[2][r] -= Math.Pow(1 - Math.Exp(log), gamma) * log;
                }
            });

    private static Case FocalGradient(int rows, int columns, float gamma, float beta) =>
        new("SoftmaxFocalGradient", $"{rows}x{columns} gamma {gamma} beta {beta}", Bound,
            [
                In(rows * columns, -5, 5), Ids(rows, columns), In(rows),
                Out(rows * columns, beta),
            ],
            (d, s) => d.SoftmaxFocalGradient(
                s[0], s[1], s[2], s[3], rows, columns, gamma, beta),
            v =>
            {
                for (int i = 0; i < rows * columns; i++)
                {
                    int row = i / columns, target = (int)v[1][row];
                    double log = LogP(v[0], (row * columns) + target, columns);
                    double p = Math.Exp(log), own = Math.Exp(LogP(v[0], i, columns));
                    double g = (gamma * Math.Pow(1 - p, gamma - 1) * p * log)
                        - Math.Pow(1 - p, gamma);
                    v[3][i] += v[2][row] * g * ((i % columns == target ? 1 : 0) - own);
                }
            });

    private static double Share(
        double[][] v, int i, int columns, bool weighted, double smoothing) =>
        (((1 - smoothing) * v[1][i]) + (smoothing / columns)) * (weighted ? v[2][i % columns] : 1);

    /// <summary>Log-probability of element i within its row.</summary>
    private static double LogP(double[] x, int i, int columns)
    {
        int start = i / columns * columns;
        double max = double.NegativeInfinity, sum = 0;
        for (int c = start; c < start + columns; c++)
        {
            max = Math.Max(max, x[c]);
        }
        for (int c = start; c < start + columns; c++)
        {
            sum += Math.Exp(x[c] - max);
        }
        return x[i] - max - Math.Log(sum);
    }

    private static string Text(int rows, int columns, bool weighted, float smoothing) =>
        $"{rows}x{columns}{(weighted ? " weighted" : "")} smoothing {smoothing}";
}
