// Gather is exact; scatter-add meets repeated, missing and out-of-order rows; arg-max meets ties.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class IndexCases
{
    /// <summary>Rows read, their width, rows of the table.</summary>
    private static readonly (int Rows, int Width, int TableRows)[] Sizes =
    [
        (1, 1, 1), (5, 1, 3), (17, 16, 40), (64, 33, 8), (3, 257, 1000), (500, 5, 11),
        (129, 64, 129), (1000, 7, 1),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (rows, width, tableRows) in Sizes)
        {
            foreach (bool some in (bool[])[false, true])
            {
                yield return Gather(rows, width, tableRows, some);
                yield return ScatterAdd(rows, width, tableRows, 0, some);
                yield return ScatterAdd(rows, width, tableRows, 1, some);
            }
        }
        foreach (var (rows, columns) in ((int, int)[])
            [(1, 1), (7, 1), (3, 15), (16, 16), (65, 10), (33, 257), (2, 5000), (257, 100)])
        {
            yield return ArgMax(rows, columns, 4);
            yield return ArgMax(rows, columns, 1_000_000);
        }
        foreach (int n in (int[])[1, 3, 15, 16, 17, 100, 4099])
        {
            yield return ToIndices(n, 40, -1);
            yield return ToIndices(n, 7, 0);
        }
        yield return ToIndices(1 << 20, 5000, 0).TimedByBytes();
        // Tokens of a batch of 32 x 128 in a vocabulary of 5000; a batch of 4096 in 100 classes.
        yield return Gather(4096, 256, 5000, false).TimedByBytes();
        yield return ScatterAdd(4096, 256, 5000, 0, false).TimedByBytes();
        yield return ArgMax(4096, 100, 1_000_000).TimedByBytes();
    }

    /// <summary>Whole numbers, numbers between and around them, and what is none.</summary>
    private static Case ToIndices(int n, int bound, int padding) =>
        new("ToIndices", $"n {n} below {bound} but {padding}", 0,
            [
                new Operand(DType.F32, n, Role.Input, rng => rng.NextInt(8) switch
                {
                    0 => double.NaN,
                    1 => 1e30 * (rng.NextFloat() - 0.5),
                    2 => (rng.NextInt(bound + 6) - 3) + 0.25,
                    3 => double.PositiveInfinity,
                    _ => rng.NextInt(bound + 4) - 2,
                }),
                OutIds(n),
            ],
            (d, s) => d.ToIndices(s[0], s[1], n, bound, padding),
            v =>
            {
                for (int i = 0; i < n; i++)
                {
                    double id = Math.Floor(v[0][i] + 0.5);
                    v[1][i] = id >= 0 && id < bound && id != padding ? id : -1;
                }
            });

    /// <summary>Ids, a third of them -1 where only some are rows.</summary>
    private static Operand Rows(int rows, int tableRows, bool some) =>
        new(DType.I32, rows, Role.Input,
            rng => some && rng.NextInt(3) == 0 ? -1 : rng.NextInt(tableRows));

    private static Case Gather(int rows, int width, int tableRows, bool some) =>
        new("Gather", $"{rows} of {tableRows}x{width}{(some ? " some" : "")}", 0,
            [In(tableRows * width), Rows(rows, tableRows, some), Out(rows * width)],
            (d, s) => d.Gather(s[0], s[1], s[2], rows, width),
            v => EachElement(v[1], width, (i, at) => v[2][i] = v[0][at]));

    private static Case ScatterAdd(int rows, int width, int tableRows, float beta, bool some) =>
        new("ScatterAdd",
            $"{rows} into {tableRows}x{width}{(some ? " some" : "")} beta {beta}", 2e-6,
            [
                In(rows * width, -0.5, 1), Rows(rows, tableRows, some),
                Out(tableRows * width, beta),
            ],
            (d, s) => d.ScatterAdd(s[0], s[1], s[2], rows, width, tableRows, beta),
            v => EachElement(v[1], width, (i, at) => v[2][at] += v[0][i]));

    /// <summary>Calls with each element of the rows and its place in the table.</summary>
    private static void EachElement(double[] ids, int width, Action<int, int> visit)
    {
        for (int i = 0; i < ids.Length * width; i++)
        {
            if (ids[i / width] >= 0)
            {
                visit(i, ((int)ids[i / width] * width) + (i % width));
            }
        }
    }

    /// <summary>Few distinct values make ties; all are negative, so 0 is no safe start.</summary>
    private static Case ArgMax(int rows, int columns, int distinct) =>
        new("ArgMax", $"{rows}x{columns} of {distinct} values", 0,
            [
                new Operand(DType.F32, rows * columns, Role.Input,
                    rng => -1 - rng.NextInt(distinct)),
                OutIds(rows),
            ],
            (d, s) => d.ArgMax(s[0], s[1], rows, columns),
            v =>
            {
                for (int r = 0; r < rows; r++)
                {
                    int best = 0;
                    for (int c = 1; c < columns; c++)
                    {
                        best = v[0][(r * columns) + c] > v[0][(r * columns) + best] ? c : best;
                    }
                    v[1][r] = best;
                }
            });
}
