// Maximum and average pooling by visiting every (window, element inside) pair.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class PoolingCases
{
    private static readonly PoolShape[] Shapes =
    [
        new(1, 1, 1, 1, new(1, 1), new(1, 1), default),
        new(2, 8, 10, 3, new(2, 2), new(2, 2), default),
        new(2, 9, 11, 3, new(3, 3), new(2, 2), Padding.Even(1, 1)),
        new(1, 7, 7, 17, new(3, 3), new(1, 1), Padding.Even(1, 1)),
        new(2, 1, 12, 5, new(1, 3), new(1, 3), default),
        new(1, 9, 8, 16, new(2, 3), new(3, 2), new(0, 1, 1, 0)),
        new(3, 5, 5, 33, new(5, 5), new(1, 1), default),
        new(1, 6, 7, 64, new(2, 2), new(3, 3), default),
    ];

    /// <summary>Behind the first convolution of the course's network.</summary>
    private static readonly PoolShape Timed =
        new(64, 28, 28, 32, new(2, 2), new(2, 2), default);

    public static IEnumerable<Case> All()
    {
        foreach (var shape in Shapes)
        {
            // Few distinct values make ties: the first in row-major order counts.
            yield return Max(shape, 3);
            yield return Max(shape, 1_000_000);
            yield return MaxGradient(shape, 0);
            yield return MaxGradient(shape, 1);
            yield return UnpoolGradient(shape, 0);
            yield return UnpoolGradient(shape, 1);
            foreach (bool countPadding in (bool[])[false, true])
            {
                yield return Average(shape, countPadding);
                yield return AverageGradient(shape, countPadding, 0);
                yield return AverageGradient(shape, countPadding, 1);
            }
        }
        yield return Max(Timed, 1_000_000).TimedByBytes();
        yield return MaxGradient(Timed, 0).TimedByBytes();
        yield return UnpoolGradient(Timed, 0).TimedByBytes();
        yield return Average(Timed, true).TimedByBytes();
        yield return AverageGradient(Timed, true, 0).TimedByBytes();
    }

    private static Case Max(PoolShape p, int distinct) =>
        new("MaxPool", $"{Text(p)} of {distinct} values", 0,
            [Negative(p, distinct), Out(YLength(p)), OutIds(YLength(p))],
            (d, s) => d.MaxPool(s[0], s[1], s[2], p),
            v => MaxReference(p, v[0], v[1], v[2]));

    private static Case MaxGradient(PoolShape p, float beta) =>
        new("MaxPoolGradient", $"{Text(p)} beta {beta}", 1e-6,
            [
                Negative(p, 1_000_000), Out(YLength(p)), OutIds(YLength(p)), In(YLength(p)),
                Out(XLength(p), beta),
            ],
            (d, s) =>
            {
                d.MaxPool(s[0], s[1], s[2], p);
                d.MaxPoolGradient(s[3], s[2], s[4], p, beta);
            },
            v =>
            {
                MaxReference(p, v[0], v[1], v[2]);
                for (int y = 0; y < v[3].Length; y++)
                {
                    int b = y / (p.OutHeight * p.OutWidth * p.Channels);
                    int pixel = (b * p.Height * p.Width) + (int)v[2][y];
                    v[4][(pixel * p.Channels) + (y % p.Channels)] += v[3][y];
                }
            });

    private static Case UnpoolGradient(PoolShape p, float beta) =>
        new("MaxUnpoolGradient", $"{Text(p)} beta {beta}", 1e-6,
            [
                In(XLength(p)), Ids(YLength(p), p.Height * p.Width), Out(YLength(p), beta),
            ],
            (d, s) => d.MaxUnpoolGradient(s[0], s[1], s[2], p, beta),
            v =>
            {
                for (int y = 0; y < v[2].Length; y++)
                {
                    int b = y / (p.OutHeight * p.OutWidth * p.Channels);
                    int pixel = (b * p.Height * p.Width) + (int)v[1][y];
                    v[2][y] += v[0][(pixel * p.Channels) + (y % p.Channels)];
                }
            });

    private static Case Average(PoolShape p, bool countPadding) =>
        new("AveragePool", $"{Text(p)}{(countPadding ? " with padding" : "")}", 1e-6,
            [In(XLength(p)), Out(YLength(p))],
            (d, s) => d.AveragePool(s[0], s[1], p, countPadding),
            v => VisitWindows(p, (x, y, inside) =>
                v[1][y] += v[0][x] / (countPadding ? p.Window.Height * p.Window.Width : inside)));

    private static Case AverageGradient(PoolShape p, bool countPadding, float beta) =>
        new("AveragePoolGradient",
            $"{Text(p)}{(countPadding ? " with padding" : "")} beta {beta}", 1e-6,
            [In(YLength(p)), Out(XLength(p), beta)],
            (d, s) => d.AveragePoolGradient(s[0], s[1], p, countPadding, beta),
            v => VisitWindows(p, (x, y, inside) =>
                v[1][x] += v[0][y] / (countPadding ? p.Window.Height * p.Window.Width : inside)));

    private static void MaxReference(PoolShape p, double[] x, double[] y, double[] indices)
    {
        Array.Fill(y, double.NegativeInfinity);
        VisitWindows(p, (from, to, _) =>
        {
            if (x[from] > y[to])
            {
                y[to] = x[from];
                indices[to] = from / p.Channels % (p.Height * p.Width);
            }
        });
    }

    /// <summary>
    /// Calls with the index into x, into y, and the number of elements of that window in the image.
    /// </summary>
    private static void VisitWindows(PoolShape p, Action<int, int, int> visit)
    {
        for (int y = 0; y < YLength(p); y++)
        {
            int channel = y % p.Channels, pixel = y / p.Channels;
            int b = pixel / (p.OutHeight * p.OutWidth);
            int top = (pixel / p.OutWidth % p.OutHeight * p.Stride.Height) - p.Padding.Top;
            int left = (pixel % p.OutWidth * p.Stride.Width) - p.Padding.Left;
            int firstY = Math.Max(top, 0), lastY = Math.Min(top + p.Window.Height, p.Height);
            int firstX = Math.Max(left, 0), lastX = Math.Min(left + p.Window.Width, p.Width);
            int inside = (lastY - firstY) * (lastX - firstX);
            for (int iy = firstY; iy < lastY; iy++)
            {
                for (int ix = firstX; ix < lastX; ix++)
                {
                    int x = ((((b * p.Height) + iy) * p.Width) + ix) * p.Channels;
                    visit(x + channel, y, inside);
                }
            }
        }
    }

    /// <summary>All negative: padding must not win.</summary>
    private static Operand Negative(PoolShape p, int distinct) =>
        new(DType.F32, XLength(p), Role.Input, rng => -1 - rng.NextInt(distinct));

    private static int XLength(PoolShape p) => p.Batch * p.Height * p.Width * p.Channels;

    private static int YLength(PoolShape p) => p.Batch * p.OutHeight * p.OutWidth * p.Channels;

    private static string Text(PoolShape p) =>
        $"{p.Batch}x{p.Height}x{p.Width}x{p.Channels} by {p.Window} every {p.Stride}";
}
