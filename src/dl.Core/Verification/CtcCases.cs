// CTC from its definition with probabilities in double: alpha and beta over the blank-extended
// labels, without logarithms and without taking maxima out. Labels repeat, lengths differ, and
// some samples have no alignment.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class CtcCases
{
    private const double Bound = 1e-5;

    private static readonly CtcShape[] Shapes =
    [
        new(1, 1, 2, 1, 0), new(3, 4, 3, 2, 0), new(5, 20, 9, 5, 8), new(2, 40, 3, 17, 1),
        new(33, 7, 30, 3, 0), new(4, 120, 5, 40, 2), new(3, 6, 4, 6, 0),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var shape in Shapes)
        {
            foreach (bool zero in (bool[])[false, true])
            {
                yield return Forward(shape, zero);
            }
            yield return Gradient(shape, 0);
            yield return Gradient(shape, 1);
        }
        // A second of speech is about 50 frames; 64 utterances of 4 seconds.
        var large = new CtcShape(64, 200, 32, 50, 0);
        yield return Forward(large, false).TimedByBytes();
        yield return Gradient(large, 0).TimedByBytes();
    }

    private static Case Forward(CtcShape shape, bool zeroInfinity) =>
        new("Ctc", $"{Text(shape)}{(zeroInfinity ? " zero infinity" : "")}", Bound,
            [.. Inputs(shape), Out(shape.Batch)],
            (d, s) =>
            {
                var alpha = d.Rent(DType.F32, shape.AlphaCount);
                d.Ctc(s[0], s[1], s[2], s[3], s[4], alpha, shape, zeroInfinity);
                d.Return(alpha);
            },
            v =>
            {
                for (int n = 0; n < shape.Batch; n++)
                {
                    double loss = -Math.Log(Sample(shape, v, n, null));
                    v[4][n] += zeroInfinity && double.IsPositiveInfinity(loss) ? 0 : loss;
                }
            });

    private static Case Gradient(CtcShape shape, float beta) =>
        new("CtcGradient", $"{Text(shape)} beta {beta}", Bound,
            [
                .. Inputs(shape), In(shape.Batch),
                Out(shape.Batch * shape.Time * shape.Classes, beta),
            ],
            (d, s) =>
            {
                var alpha = d.Rent(DType.F32, shape.AlphaCount);
                var losses = d.Rent(DType.F32, shape.Batch);
                d.Ctc(s[0], s[1], s[2], s[3], losses, alpha, shape, true);
                d.CtcGradient(s[0], s[1], s[2], s[3], alpha, s[4], s[5], shape, beta);
                d.Return(losses);
                d.Return(alpha);
            },
            v =>
            {
                for (int n = 0; n < shape.Batch; n++)
                {
                    int sample = n;
                    Sample(shape, v, n, (t, label, share) =>
                        v[5][(((sample * shape.Time) + t) * shape.Classes) + label] -=
                            v[4][sample] * share);
                }
            });

    /// <summary>Log-probabilities, labels, frames and labels of each sample.</summary>
    private static Operand[] Inputs(CtcShape shape) =>
    [
        // The formulas do not need the classes to add up to 1.
        In(shape.Batch * shape.Time * shape.Classes, -3, 0),
        new Operand(DType.I32, shape.Batch * shape.Labels, Role.Input, rng =>
            (shape.Blank + 1 + rng.NextInt(shape.Classes - 1)) % shape.Classes),
        new Operand(DType.I32, shape.Batch, Role.Input, rng =>
            rng.NextInt(3) == 0 ? 1 + rng.NextInt(shape.Time) : shape.Time),
        new Operand(DType.I32, shape.Batch, Role.Input, rng => rng.NextInt(shape.Labels + 1)),
    ];

    /// <summary>Probability of a sample's labels; visits each state's share of a frame.</summary>
    private static double Sample(
        CtcShape shape, double[][] v, int n, Action<int, int, double>? visit)
    {
        int frames = (int)v[2][n], count = (int)v[3][n], states = (2 * count) + 1;
        int Label(int s) => s % 2 == 0
            ? shape.Blank : (int)v[1][(n * shape.Labels) + (s / 2)];
        double P(int t, int s) => Math.Exp(
            v[0][(((n * shape.Time) + t) * shape.Classes) + Label(s)]);
        bool Over(int s) => s % 2 == 1 && s >= 2 && Label(s) != Label(s - 2);
        var alpha = new double[frames, states];
        var beta = new double[frames, states];
        for (int t = 0; t < frames; t++)
        {
            for (int s = 0; s < states; s++)
            {
                double sum = t == 0 ? (s < 2 ? 1 : 0)
                    : alpha[t - 1, s] + (s > 0 ? alpha[t - 1, s - 1] : 0)
                        + (Over(s) ? alpha[t - 1, s - 2] : 0);
                alpha[t, s] = sum * P(t, s);
            }
        }
        for (int t = frames - 1; t >= 0; t--)
        {
            for (int s = 0; s < states; s++)
            {
                beta[t, s] = t == frames - 1 ? (s >= states - 2 ? 1 : 0)
                    : (beta[t + 1, s] * P(t + 1, s))
                        + (s + 1 < states ? beta[t + 1, s + 1] * P(t + 1, s + 1) : 0)
                        + (s + 2 < states && Over(s + 2)
                            ? beta[t + 1, s + 2] * P(t + 1, s + 2) : 0);
            }
        }
        double total = 0;
        for (int s = Math.Max(0, states - 2); s < states && frames > 0; s++)
        {
            total += alpha[frames - 1, s];
        }
        for (int t = 0; t < frames && total > 0; t++)
        {
            for (int s = 0; s < states; s++)
            {
                visit?.Invoke(t, Label(s), alpha[t, s] * beta[t, s] / total);
            }
        }
        return total;
    }

    private static string Text(CtcShape shape) =>
        $"{shape.Batch}x{shape.Time}x{shape.Classes} labels {shape.Labels}";
}
