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
            yield return Gather(rows, width, tableRows);
            yield return ScatterAdd(rows, width, tableRows, 0);
            yield return ScatterAdd(rows, width, tableRows, 1);
        }
        foreach (var (rows, columns) in ((int, int)[])
            [(1, 1), (7, 1), (3, 15), (16, 16), (65, 10), (33, 257), (2, 5000), (257, 100)])
        {
            yield return ArgMax(rows, columns, 4);
            yield return ArgMax(rows, columns, 1_000_000);
        }
        // Tokens of a batch of 32 x 128 in a vocabulary of 5000; a batch of 4096 in 100 classes.
        yield return Gather(4096, 256, 5000).TimedByBytes();
        yield return ScatterAdd(4096, 256, 5000, 0).TimedByBytes();
        yield return ArgMax(4096, 100, 1_000_000).TimedByBytes();
    }

    private static Case Gather(int rows, int width, int tableRows) =>
        new("Gather", $"{rows} of {tableRows}x{width}", 0,
            [In(tableRows * width), Ids(rows, tableRows), Out(rows * width)],
            (d, s) => d.Gather(s[0], s[1], s[2], rows, width),
            v =>
            {
                for (int i = 0; i < rows * width; i++)
                {
                    v[2][i] = v[0][((int)v[1][i / width] * width) + (i % width)];
                }
            });

    private static Case ScatterAdd(int rows, int width, int tableRows, float beta) =>
        new("ScatterAdd", $"{rows} into {tableRows}x{width} beta {beta}", 2e-6,
            [In(rows * width, -0.5, 1), Ids(rows, tableRows), Out(tableRows * width, beta)],
            (d, s) => d.ScatterAdd(s[0], s[1], s[2], rows, width, tableRows, beta),
            v =>
            {
                for (int i = 0; i < rows * width; i++)
                {
                    v[2][((int)v[1][i / width] * width) + (i % width)] += v[0][i];
                }
            });

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
