// Running averages of weights.
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class AveragingCases
{
    private static readonly int[] Sizes = [1, 15, 16, 17, 255, 256, 257, 10_007];

    public static IEnumerable<Case> All()
    {
        foreach (int n in Sizes)
        {
            yield return Blend(n, 0.001f);
            yield return Blend(n, 1);
        }
        yield return Blend(3_211_264, 0.001f).TimedByBytes();
    }

    private static Case Blend(int n, float t) => new("Blend", $"n {n} t {t}", 1e-6,
        [In(n), Both(n)], (d, s) => d.Blend(s[0], s[1], n, t),
        v =>
        {
            for (int i = 0; i < n; i++)
            {
                v[1][i] += t * (v[0][i] - v[1][i]);
            }
        });
}
