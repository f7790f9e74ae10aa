// Sums and broadcasts over (outer, n, inner). Inputs have a positive mean, so that a sum is not a
// small difference of large numbers and the relative error means something.
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class ReduceCases
{
    private static readonly (int Outer, int N, int Inner)[] Sizes =
    [
        (1, 1, 1), (1, 15, 1), (1, 16, 1), (1, 17, 1), (1, 257, 1), (1, 100_003, 1), (33, 65, 1),
        (1000, 10, 1), (1, 128, 10), (1, 1025, 64), (1, 3001, 33), (1, 2, 4097), (4, 49, 64),
        (3, 7, 5), (128, 49, 64), (5, 1, 7), (1, 25_088, 32),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (outer, n, inner) in Sizes)
        {
            foreach (float beta in (float[])[0, 1])
            {
                yield return Sum(outer, n, inner, 0.5f, beta);
                yield return Broadcast(outer, n, inner, 0.25f, beta);
            }
        }
        // The bias gradient of a first convolution, and undoing it.
        yield return Sum(1, 100_352, 32, 1, 0).TimedByBytes();
        yield return Broadcast(128, 784, 32, 1, 0).TimedByBytes();
    }

    private static Case Sum(int outer, int n, int inner, float scale, float beta) =>
        new("ReduceSum", $"{outer}x{n}x{inner} beta {beta}", 2e-6,
            [In(outer * n * inner, -0.5, 1), Out(outer * inner, beta)],
            (d, s) => d.ReduceSum(s[0], s[1], outer, n, inner, scale, beta),
            v => Visit(outer, n, inner, (x, y) => v[1][y] += scale * v[0][x]));

    private static Case Broadcast(int outer, int n, int inner, float scale, float beta) =>
        new("Broadcast", $"{outer}x{n}x{inner} beta {beta}", beta == 0 ? 0 : 2e-7,
            [In(outer * inner), Out(outer * n * inner, beta)],
            (d, s) => d.Broadcast(s[0], s[1], outer, n, inner, scale, beta),
            v => Visit(outer, n, inner, (y, x) => v[1][y] += scale * v[0][x]));

    /// <summary>Calls with the index into the full and into the reduced array.</summary>
    private static void Visit(int outer, int n, int inner, Action<int, int> visit)
    {
        for (int o = 0; o < outer; o++)
        {
            for (int j = 0; j < n; j++)
            {
                for (int i = 0; i < inner; i++)
                {
                    visit((((o * n) + j) * inner) + i, (o * inner) + i);
                }
            }
        }
    }
}
