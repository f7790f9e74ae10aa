// Chains of multiply-adds.
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class PeakCases
{
    public static IEnumerable<Case> All()
    {
        foreach (int blocks in (int[])[1, 2, 7, 65])
        {
            yield return Chain(blocks, 1);
            yield return Chain(blocks, 5);
        }
        const int Blocks = 64, Rounds = 20_000;
        yield return Chain(Blocks, Rounds) with
        {
            Flops = 2.0 * Blocks * Device.ChainBlock * Rounds,
        };
    }

    private static Case Chain(int blocks, int rounds) =>
        new("MultiplyAddChain", $"{blocks} blocks {rounds} rounds", 1e-6,
            [Both(blocks * Device.ChainBlock)],
            (d, s) => d.MultiplyAddChain(s[0], blocks * Device.ChainBlock, rounds, 0.5f, 0.25f),
            v =>
            {
                foreach (ref double x in v[0].AsSpan())
                {
                    for (int i = 0; i < rounds; i++)
                    {
                        x = (x * 0.5) + 0.25;
                    }
                }
            });
}
