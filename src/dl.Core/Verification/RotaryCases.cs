// Rotary positions from the definition: each pair turned by its angle, there and back.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class RotaryCases
{
    /// <summary>Samples, times, numbers of a row, heads that turn, their size.</summary>
    private static readonly (int Batch, int Time, int Width, int Heads, int Size)[] Sizes =
    [
        (1, 1, 2, 1, 2), (2, 3, 1, 1, 1), (2, 5, 12, 3, 4), (3, 7, 50, 2, 17), (1, 9, 99, 2, 33),
        (2, 4, 40, 1, 16), (1, 33, 300, 2, 128),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (batch, time, width, heads, size) in Sizes)
        {
            yield return Rotate(batch, time, width, heads, size, false, 0);
            yield return Rotate(batch, time, width, heads, size, false, 1);
            yield return Rotate(batch, time, width, heads, size, true, 0);
            yield return Rotate(batch, time, width, heads, size, true, 1);
        }
        yield return Rotate(8, 256, 3 * 512, 16, 64, false, 0).TimedByBytes();
    }

    private static Case Rotate(
        int batch, int time, int width, int heads, int size, bool inverse, float beta) =>
        new("Rotate", $"{batch}x{time}x{width} heads {heads} of {size} {inverse} beta {beta}", 1e-6,
            [
                In(batch * time * width), In(Math.Max(1, time * (size / 2) * 2)),
                Out(batch * time * width, beta),
            ],
            (d, s) => d.Rotate(
                s[0], s[1], s[2], batch * time, time, width, heads, size, inverse, beta),
            v =>
            {
                int pairs = size / 2;
                for (int i = 0; i < v[0].Length; i++)
                {
                    int column = i % width, t = i / width % time, c = column % size;
                    if (column >= heads * size || c >= 2 * pairs)
                    {
                        v[2][i] += v[0][i];
                        continue;
                    }
                    int angle = ((t * pairs) + (c / 2)) * 2;
                    double cos = v[1][angle], sin = inverse ? -v[1][angle + 1] : v[1][angle + 1];
                    v[2][i] += (v[0][i] * cos)
                        + (c % 2 == 0 ? -v[0][i + 1] * sin : v[0][i - 1] * sin);
                }
            });
}
