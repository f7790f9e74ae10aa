// Lengths of padded sequences: ids, and values of several features, with padding in the middle and
// at the end.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class SequenceCases
{
    private static readonly (int Batch, int Steps, int Features)[] Sizes =
        [(1, 1, 1), (3, 7, 1), (40, 5, 1), (17, 12, 3), (2, 100, 16), (300, 3, 2)];

    public static IEnumerable<Case> All()
    {
        foreach (var (batch, steps, features) in Sizes)
        {
            yield return Lengths(batch, steps, features, DType.I32, 0);
            yield return Lengths(batch, steps, features, DType.I32, 2);
            yield return Lengths(batch, steps, features, DType.F32, 0);
        }
        // All of it is read where all of it is padding.
        yield return Lengths(4096, 64, 4, DType.F32, 0, values: 1).TimedByBytes();
    }

    /// <summary>Few different values, so that steps are padding by chance.</summary>
    private static Case Lengths(
        int batch, int steps, int features, DType type, int padding, int values = 3) =>
        new("SequenceLengths", $"{type} {batch}x{steps}x{features} padding {padding}", 0,
            [
                new Operand(
                    type, batch * steps * features, Role.Input, rng => rng.NextInt(values)),
                Out(batch),
            ],
            (d, s) => d.SequenceLengths(s[0], s[1], batch, steps, features, padding),
            v =>
            {
                for (int i = 0; i < v[0].Length; i++)
                {
                    if (v[0][i] != padding)
                    {
                        v[1][i / (steps * features)] = (i / features % steps) + 1;
                    }
                }
            });
}
