// c = op(a) op(b) + bias + beta c as a triple loop, around the edges of register and cache tiles.
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class MatMulCases
{
    private const double Bound = 2e-6;

    /// <summary>
    /// One element, vectors, tiles of 12x32 and 64x64 and one to either side, inner extents beside
    /// the 256 of a cache block, batches of small matrices.
    /// </summary>
    private static readonly (int Batch, int M, int N, int K)[] Sizes =
    [
        (1, 1, 1, 1), (1, 11, 31, 7), (1, 12, 32, 8), (1, 13, 33, 9), (1, 1, 10, 784),
        (1, 63, 65, 64), (1, 64, 64, 64), (1, 65, 63, 1), (1, 129, 257, 65), (1, 300, 1, 100),
        (1, 100, 10, 513), (1, 7, 8, 2049), (1, 2, 1000, 3), (3, 17, 21, 9), (15, 5, 5, 5),
        (2, 96, 128, 257), (1, 256, 96, 31),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (batch, m, n, k) in Sizes)
        {
            foreach (var (ta, tb) in ((bool, bool)[])
                [(false, false), (true, false), (false, true), (true, true)])
            {
                yield return MatMul(batch, m, n, k, ta, tb, true, 0);
                yield return MatMul(batch, m, n, k, ta, tb, false, 1);
            }
        }
        yield return MatMul(1, 33, 47, 20, false, false, false, 0);
        yield return MatMul(2, 33, 47, 20, false, false, true, 1);
        // Several cache blocks along every side, the last ones partly filled.
        yield return MatMul(1, 391, 1061, 523, false, false, true, 0);
        yield return MatMul(1, 391, 1061, 523, true, true, false, 1);
        const int Timed = 512;
        yield return MatMul(1, Timed, Timed, Timed, false, false, true, 0) with
        {
            Flops = 2.0 * Timed * Timed * Timed,
        };
    }

    /// <summary>a is m x k or lies as k x m (ta); b is k x n or lies as n x k (tb).</summary>
    private static Case MatMul(
        int batch, int m, int n, int k, bool ta, bool tb, bool bias, float beta) =>
        new("MatMul",
            $"{batch}x({m}x{k})({k}x{n}){(ta ? " a'" : "")}{(tb ? " b'" : "")}"
            + $"{(bias ? " + bias" : "")} beta {beta}",
            Bound, [In(batch * m * k), In(batch * k * n), In(n), Out(batch * m * n, beta)],
            (d, s) => d.MatMul(s[0], s[1], bias ? s[2] : null, s[3], batch, m, n, k, ta, tb, beta),
            v =>
            {
                for (int b = 0; b < batch; b++)
                {
                    Multiply(v[0].AsSpan(b * m * k), v[1].AsSpan(b * k * n),
                        bias ? v[2] : default, v[3].AsSpan(b * m * n), m, n, k, ta, tb);
                }
            });

    private static void Multiply(
        ReadOnlySpan<double> a, ReadOnlySpan<double> b, ReadOnlySpan<double> bias,
        Span<double> c, int m, int n, int k, bool ta, bool tb)
    {
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = bias.IsEmpty ? 0 : bias[j];
                for (int p = 0; p < k; p++)
                {
                    sum += a[ta ? (p * m) + i : (i * k) + p] * b[tb ? (j * k) + p : (p * n) + j];
                }
                c[(i * n) + j] += sum;
            }
        }
    }
}
