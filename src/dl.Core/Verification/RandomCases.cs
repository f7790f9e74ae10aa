// Random fills against Philox on the host: every device must draw the same numbers. Unit uniforms
// are exact; a scaled one may round once or twice; normals pass through log, cos and sin.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class RandomCases
{
    private static readonly int[] Sizes = [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1023, 4099];

    /// <summary>A seed and a stream that use both words; a block number that carries.</summary>
    private static readonly RngSpan Span =
        new(0x1234_5678_9ABC_DEF0, 0x0FED_CBA9_8765_4321, uint.MaxValue - 3);

    private const int Large = 3_211_264;

    public static IEnumerable<Case> All()
    {
        foreach (int n in Sizes)
        {
            yield return Uniform(n, 0, 1, 0);
            yield return Uniform(n, -0.3f, 0.7f, 2e-7);
            yield return Normal(n);
            foreach (float rate in (float[])[0, 0.25f, 0.9f])
            {
                yield return Dropout(n, rate, 0);
                yield return Dropout(n, rate, 1);
            }
        }
        yield return Uniform(Large, 0, 1, 0).TimedByBytes();
        yield return Normal(Large).TimedByBytes();
        yield return Dropout(Large, 0.5f, 0).TimedByBytes();
    }

    private static Case Uniform(int n, float low, float high, double bound) =>
        new("FillUniform", $"n {n} in [{low}, {high})", bound, [Out(n)],
            (d, s) => d.FillUniform(s[0], n, low, high, Span),
            v =>
            {
                for (int i = 0; i < n; i++)
                {
                    v[0][i] = low + (((double)high - low) * U(i));
                }
            });

    private static Case Normal(int n) =>
        new("FillNormal", $"n {n}", 1e-6, [Out(n)],
            (d, s) => d.FillNormal(s[0], n, 0.5f, 2, Span),
            v =>
            {
                for (int i = 0; i < n; i++)
                {
                    double radius = Math.Sqrt(-2 * Math.Log(1 - U(i & ~1)));
                    double angle = 2 * Math.PI * U(i | 1);
                    v[0][i] = 0.5 + (2 * radius
                        * (i % 2 == 0 ? Math.Cos(angle) : Math.Sin(angle)));
                }
            });

    private static Case Dropout(int n, float rate, float beta) =>
        new("Dropout", $"n {n} rate {rate} beta {beta}", 1e-6, [In(n), Out(n, beta)],
            (d, s) => d.Dropout(s[0], s[1], n, rate, Span, beta),
            v =>
            {
                for (int i = 0; i < n; i++)
                {
                    v[1][i] += U(i) >= rate ? v[0][i] / (1 - (double)rate) : 0;
                }
            });

    private static double U(int i)
    {
        var (a, b, c, d) = Rng.Block(Span.Seed, Span.Stream, Span.FirstBlock + (ulong)(i / 4));
        uint word = (i % 4) switch { 0 => a, 1 => b, 2 => c, _ => d };
        return (word >> 8) / 16_777_216.0;
    }
}
