// One step of each update rule, with weights as small as the step, so that an error in the step
// is not hidden by the weight; then the norm and clipping of gradients, and Adafactor's direction.
using Dl.Ops;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class OptimizerStepCases
{
    private static readonly int[] Sizes = [1, 15, 16, 17, 255, 256, 257, 10_007];

    /// <summary>All weights of the cnn with its dense layer of 64 x 7 x 7 x 1024.</summary>
    private const int Large = 3_211_264;

    /// <summary>A rule on one weight: changes the state s, returns the new weight.</summary>
    private delegate double Rule(double w, double g, double[] s, UpdateNumbers k);

    private static readonly (UpdateRule Rule, Rule Reference)[] Rules =
    [
        (UpdateRules.Sgd, (w, g, s, k) => w - (k.Rate * g)),
        (UpdateRules.Momentum, (w, g, s, k) => w - (k.Rate * Velocity(g, s, k))),
        (UpdateRules.Nesterov, (w, g, s, k) => w - (k.Rate * (g + (k.Beta1 * Velocity(g, s, k))))),
        (UpdateRules.Adagrad, (w, g, s, k) =>
            w - (k.Rate * g / (Math.Sqrt(s[0] += g * g) + k.Epsilon))),
        (UpdateRules.Adadelta, (w, g, s, k) =>
        {
            double size = Square(0, g, s, k) + k.Epsilon;
            double d = Math.Sqrt((s[1] + k.Epsilon) / size) * g;
            s[1] = (k.Beta2 * s[1]) + (k.Take2 * d * d);
            return w - (k.Rate * d);
        }),
        (UpdateRules.RmsProp, (w, g, s, k) =>
            w - (k.Rate * g / (Math.Sqrt(Square(0, g, s, k)) + k.Epsilon))),
        (UpdateRules.RmsPropMomentum, (w, g, s, k) =>
        {
            double d = g / (Math.Sqrt(Square(0, g, s, k)) + k.Epsilon);
            return w - (k.Rate * (s[1] = (k.Beta1 * s[1]) + d));
        }),
        (UpdateRules.RmsPropCentered, (w, g, s, k) => w - (k.Rate * g / Deviation(g, s, k))),
        (UpdateRules.RmsPropCenteredMomentum, (w, g, s, k) =>
            w - (k.Rate * (s[2] = (k.Beta1 * s[2]) + (g / Deviation(g, s, k))))),
        (UpdateRules.Adam, (w, g, s, k) =>
        {
            double m = Velocity(g, s, k), v = Square(1, g, s, k);
            return w - (k.Rate * m / ((k.Root * Math.Sqrt(v)) + k.Epsilon));
        }),
        (UpdateRules.Amsgrad, (w, g, s, k) =>
        {
            double m = Velocity(g, s, k), v = Square(1, g, s, k);
            s[2] = Math.Max(s[2], v);
            return w - (k.Rate * m / ((k.Root * Math.Sqrt(s[2])) + k.Epsilon));
        }),
        (UpdateRules.Adamax, (w, g, s, k) =>
        {
            s[1] = Math.Max(k.Beta2 * s[1], Math.Abs(g) + k.Epsilon);
            return w - (k.Rate * Velocity(g, s, k) / s[1]);
        }),
        (UpdateRules.Nadam, (w, g, s, k) =>
        {
            double size = (k.Root * Math.Sqrt(Square(1, g, s, k))) + k.Epsilon;
            return w - (((k.Rate * Velocity(g, s, k)) + (k.Rate2 * g)) / size);
        }),
        (UpdateRules.Radam, (w, g, s, k) =>
        {
            double size = Math.Sqrt(Square(1, g, s, k)) + k.Epsilon;
            return w - ((k.Rate + (k.Rate2 / size)) * Velocity(g, s, k));
        }),
        (UpdateRules.Lion, (w, g, s, k) =>
        {
            double d = (k.Beta1 * (double)s[0]) + (k.Take1 * g);
            s[0] = (k.Beta2 * s[0]) + (k.Take2 * g);
            return w - (k.Rate * Math.Sign(d));
        }),
        (UpdateRules.Ftrl, (w, g, s, k) =>
        {
            double before = k.Rate2 * (k.Epsilon + Math.Sqrt(s[1]));
            double now = k.Rate * (k.Epsilon + Math.Sqrt(s[1] += g * g));
            double z = s[0] += g - ((now - before) * w);
            return -Math.Sign(z) * Math.Max(Math.Abs(z) - k.Take1, 0) / (now + k.Take2);
        }),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (rule, reference) in Rules)
        {
            foreach (int n in Sizes)
            {
                yield return Update(rule, reference, n, Plain);
            }
            yield return Update(rule, reference, 999, Plain with { Scale = -1, Decay = 0.3f });
            yield return Update(
                rule, reference, 1000, Plain with { Keep = 0.8f, Threshold = 0.25f });
        }
        foreach (int n in Sizes)
        {
            yield return Norm(n);
            yield return ClipNorm(n, 0.4f);
            yield return ClipNorm(n, 3);
            yield return ClipValue(n);
        }
        yield return Norm(100_003);
        foreach (var (batch, rows, columns) in ((int, int, int)[])
            [(1, 1, 1), (1, 1, 700), (1, 17, 33), (9, 5, 16), (2, 300, 1), (1, 3, 2049),
                (1, 2, 1024), (4, 1, 15), (3, 3, 3)])
        {
            yield return Factored(batch, rows, columns);
        }
        yield return Update(Rules[9].Rule, Rules[9].Reference, Large, Plain).TimedByBytes();
        yield return Norm(Large).TimedByBytes();
        yield return ClipNorm(Large, 0.4f).TimedByBytes();
        yield return ClipValue(Large).TimedByBytes();
        yield return Factored(1, 3136, 1024).TimedByBytes();
    }

    /// <summary>Numbers that let every term count.</summary>
    private static UpdateNumbers Plain => new()
    {
        Rate = 0.5f,
        Rate2 = 0.2f,
        Beta1 = 0.9f,
        Take1 = 0.2f,
        Beta2 = 0.75f,
        Take2 = 0.3f,
        Epsilon = 0.01f,
        Root = 1.5f,
    };

    private static Case Update(UpdateRule rule, Rule reference, int n, UpdateNumbers k)
    {
        // State that has a square root taken is positive; so is, well above the squared mean, the
        // mean square of a centred rule.
        var operands = new List<Operand> { Both(n), In(n) };
        for (int i = 0; i < rule.States; i++)
        {
            operands.Add(Both(n, i == 0 ? 0.3 : 0, i == 0 ? 1 : 0.5));
        }
        return new("Update",
            $"{rule.Name} n {n} scale {k.Scale} decay {k.Decay} keep {k.Keep} l1 {k.Threshold}",
            2e-6, [.. operands],
            (d, s) => d.Update(rule, s[0], s[1], s.AsSpan(2), n, k),
            v =>
            {
                var state = new double[rule.States];
                for (int i = 0; i < n; i++)
                {
                    for (int j = 0; j < state.Length; j++)
                    {
                        state[j] = v[2 + j][i];
                    }
                    double w = v[0][i], g = ((double)k.Scale * v[1][i]) + (k.Decay * w);
                    w = reference(w * k.Keep, g, state, k);
                    v[0][i] = Math.Sign(w) * Math.Max(Math.Abs(w) - k.Threshold, 0);
                    for (int j = 0; j < state.Length; j++)
                    {
                        v[2 + j][i] = state[j];
                    }
                }
            });
    }

    private static double Velocity(double g, double[] s, UpdateNumbers k) =>
        s[0] = (k.Beta1 * s[0]) + (k.Take1 * g);

    private static double Square(int i, double g, double[] s, UpdateNumbers k) =>
        s[i] = (k.Beta2 * s[i]) + (k.Take2 * g * g);

    private static double Deviation(double g, double[] s, UpdateNumbers k)
    {
        s[1] = (k.Beta2 * s[1]) + (k.Take2 * g);
        return Math.Sqrt(Math.Max(Square(0, g, s, k) - (s[1] * s[1]), 0)) + k.Epsilon;
    }

    private static Case Norm(int n) => new(
        "GradientNorm", $"n {n}", 1e-6, [In(n), Out(1)],
        (d, s) => d.GradientNorm(s[0], s[1], n),
        v => v[1][0] = Math.Sqrt(v[0].Sum(x => x * x)));

    private static Case ClipNorm(int n, float limit) => new(
        "ClipNorm", $"n {n} limit {limit}", 1e-6, [Both(n), In(1, 1, 2)],
        (d, s) => d.ClipNorm(s[0], s[1], n, limit, 0.1f),
        v =>
        {
            double factor = Math.Min(1, limit / (v[1][0] + 0.1f));
            for (int i = 0; i < n; i++)
            {
                v[0][i] *= factor;
            }
        });

    private static Case ClipValue(int n) => new(
        "ClipValue", $"n {n}", 1e-7, [Both(n)],
        (d, s) => d.ClipValue(s[0], n, 0.5f),
        v =>
        {
            for (int i = 0; i < n; i++)
            {
                v[0][i] = Math.Clamp(v[0][i], -0.5, 0.5);
            }
        });

    private static Case Factored(int batch, int rows, int columns) => new(
        "FactoredDirection", $"batch {batch} rows {rows} columns {columns}", 1e-6,
        [In(batch * rows * columns), In(batch * rows, 0, 1), In(batch * columns, 0, 1),
            In(batch, 0.3, 0.7), Out(batch * rows * columns)],
        (d, s) => d.FactoredDirection(
            s[0], s[1], s[2], s[3], s[4], batch, rows, columns, 1e-3f),
        v =>
        {
            for (int i = 0; i < v[0].Length; i++)
            {
                int row = i / columns, b = row / rows;
                double r = v[1][row] + 1e-3f, mean = v[3][b] + 1e-3f;
                double c = v[2][(b * columns) + (i % columns)] + 1e-3f;
                v[4][i] = v[0][i] * Math.Sqrt(mean / (r * c));
            }
        });
}
