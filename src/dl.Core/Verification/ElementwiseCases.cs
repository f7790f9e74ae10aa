// Elementwise primitives against scalar formulas in double precision. An op is a row: its name,
// its value, its slope(s); this is the independent statement of what Ops/Elementwise.cs and
// kernels/elementwise.cl compute. A row that is missing here fails a test.
using Dl.Ops;
using Dl.Tensors;
using static System.Math;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class ElementwiseCases
{
    private const double Bound = 1e-6;

    /// <summary>Around vector widths (16 floats, work-groups of 256), and a real one.</summary>
    private static readonly int[] Sizes = [1, 15, 16, 17, 255, 256, 257, 5003];

    /// <summary>Behind a first convolution, a batch of 128: 128 x 28 x 28 x 32.</summary>
    private const int Large = 3_211_264;

    /// <summary>y = value(x, alpha), dy/dx = slope(x, alpha); inputs from [low, high).</summary>
    internal sealed record UnaryRow(
        UnaryOp Op, Func<double, double, double> Value, Func<double, double, double> Slope,
        double Low = -6, double High = 6, float? Alpha = null);

    internal sealed record BinaryRow(
        BinaryOp Op, Func<double, double, double, double> Value,
        Func<double, double, double, double> SlopeA, Func<double, double, double, double> SlopeB);

    internal static readonly UnaryRow[] UnaryRows =
    [
        new(UnaryOps.Linear, (x, _) => x, (_, _) => 1),
        new(UnaryOps.Relu, (x, _) => x < 0 ? 0 : x, (x, _) => x > 0 ? 1 : 0),
        new(UnaryOps.Relu6, (x, _) => Clamp(x, 0, 6), (x, _) => x > 0 && x < 6 ? 1 : 0, High: 12),
        new(UnaryOps.LeakyRelu, (x, a) => x > 0 ? x : a * x, (x, a) => x > 0 ? 1 : a, Alpha: 0.2f),
        new(UnaryOps.Elu, (x, a) => x > 0 ? x : a * (Exp(x) - 1),
            (x, a) => x > 0 ? 1 : a * Exp(x), Alpha: 0.7f),
        new(UnaryOps.Selu, (x, _) => SeluScale * (x > 0 ? x : SeluAlpha * (Exp(x) - 1)),
            (x, _) => SeluScale * (x > 0 ? 1 : SeluAlpha * Exp(x))),
        new(UnaryOps.Gelu, (x, _) => x * NormalCdf(x),
            (x, _) => NormalCdf(x) + (x * Exp(-x * x / 2) / Sqrt(2 * PI))),
        new(UnaryOps.GeluTanh, (x, _) => x * (1 + Tanh(GeluInner(x))) / 2, (x, _) => Slope(
            z => z * (1 + Tanh(GeluInner(z))) / 2, x)),
        new(UnaryOps.Silu, (x, _) => x * Sigmoid(x),
            (x, _) => Sigmoid(x) * (1 + (x * Sigmoid(-x)))),
        new(UnaryOps.Sigmoid, (x, _) => Sigmoid(x), (x, _) => Sigmoid(x) * Sigmoid(-x)),
        new(UnaryOps.HardSigmoid, (x, _) => Clamp(x + 3, 0, 6) / 6,
            (x, _) => x > -3 && x < 3 ? 1.0 / 6 : 0),
        new(UnaryOps.Tanh, (x, _) => Tanh(x), (x, _) => 1 / (Cosh(x) * Cosh(x))),
        new(UnaryOps.HardTanh, (x, _) => Clamp(x, -1, 1), (x, _) => x > -1 && x < 1 ? 1 : 0),
        new(UnaryOps.Softplus, (x, _) => Softplus(x), (x, _) => Sigmoid(x)),
        new(UnaryOps.Softsign, (x, _) => x / (1 + Abs(x)), (x, _) => 1 / Pow(1 + Abs(x), 2)),
        new(UnaryOps.HardSwish, (x, _) => x * Min(Max(x + 3, 0), 6) / 6,
            (x, _) => x <= -3 ? 0 : x > 3 ? 1 : (x / 3) + 0.5),
        new(UnaryOps.Mish, (x, _) => x * Tanh(Softplus(x)), (x, _) => Slope(
            z => z * Tanh(Softplus(z)), x)),
        new(UnaryOps.Step, (x, _) => x >= 0 ? 1 : 0, (_, _) => 0),
        new(UnaryOps.Exp, (x, _) => Exp(x), (x, _) => Exp(x)),
        new(UnaryOps.Log, (x, _) => Log(x), (x, _) => 1 / x, Low: 0.01),
        new(UnaryOps.Abs, (x, _) => Abs(x), (x, _) => x > 0 ? 1 : x < 0 ? -1 : 0),
        new(UnaryOps.Square, (x, _) => x * x, (x, _) => 2 * x),
        new(UnaryOps.Sqrt, (x, _) => Sqrt(x), (x, _) => 0.5 / Sqrt(x), Low: 0.01),
        new(UnaryOps.Scale, (x, a) => a * x, (_, a) => a, Alpha: -1.5f),
    ];

    internal static readonly BinaryRow[] BinaryRows =
    [
        new(BinaryOps.Add, (a, b, _) => a + b, (_, _, _) => 1, (_, _, _) => 1),
        new(BinaryOps.AddRelu, (a, b, _) => Max(a + b, 0), (a, b, _) => a + b > 0 ? 1 : 0,
            (a, b, _) => a + b > 0 ? 1 : 0),
        new(BinaryOps.Subtract, (a, b, _) => a - b, (_, _, _) => 1, (_, _, _) => -1),
        new(BinaryOps.Multiply, (a, b, _) => a * b, (_, b, _) => b, (a, _, _) => a),
        new(BinaryOps.Divide, (a, b, _) => a / b, (_, b, _) => 1 / b, (a, b, _) => -a / b / b),
        new(BinaryOps.SquaredError, (a, b, _) => Pow(a - b, 2), (a, b, _) => 2 * (a - b),
            (a, b, _) => 2 * (b - a)),
        new(BinaryOps.AbsoluteError, (a, b, _) => Abs(a - b), (a, b, _) => Sign(a - b),
            (a, b, _) => Sign(b - a)),
        new(BinaryOps.Huber,
            (a, b, d) => Abs(a - b) < d ? Pow(a - b, 2) / 2 : d * (Abs(a - b) - (d / 2)),
            (a, b, d) => Clamp(a - b, -d, d), (a, b, d) => Clamp(b - a, -d, d)),
        new(BinaryOps.LogCosh, (a, b, _) => Log(Cosh(a - b)), (a, b, _) => Tanh(a - b),
            (a, b, _) => Tanh(b - a)),
        new(BinaryOps.Pinball, (a, b, q) => b > a ? q * (b - a) : (1 - q) * (a - b),
            (a, b, q) => b > a ? -q : 1 - q, (a, b, q) => b > a ? q : q - 1),
        new(BinaryOps.PoissonNll, (a, b, _) => Exp(a) - (b * a), (a, b, _) => Exp(a) - b,
            (a, _, _) => -a),
        new(BinaryOps.SigmoidCrossEntropy,
            (a, b, _) => -(b * Log(Sigmoid(a))) - ((1 - b) * Log(Sigmoid(-a))),
            (a, b, _) => Sigmoid(a) - b, (a, _, _) => -a),
        new(BinaryOps.ProbabilityCrossEntropy,
            (a, b, _) => -(b * Log(a)) - ((1 - b) * Log(1 - a)),
            (a, b, _) => (a - b) / (a * (1 - a)), (a, _, _) => Log(1 - a) - Log(a)),
        new(BinaryOps.SigmoidFocal, Focal,
            (a, b, g) => Slope(z => Focal(z, b, g), a), (a, b, g) => Slope(z => Focal(a, z, g), b)),
        new(BinaryOps.KlDivergence, (a, b, _) => b * (Log(b) - a), (_, b, _) => -b,
            (a, b, _) => Log(b) + 1 - a),
        new(BinaryOps.Hinge, (a, b, _) => Max(0, 1 - (a * b)), (a, b, _) => a * b <= 1 ? -b : 0,
            (a, b, _) => a * b <= 1 ? -a : 0),
        new(BinaryOps.PerceptronCriterion, (a, b, _) => Max(0, -a * b),
            (a, b, _) => a * b <= 0 ? -b : 0, (a, b, _) => a * b <= 0 ? -a : 0),
        new(BinaryOps.Robust, Robust, (a, b, _) => Pow((a / (2 - b)) + 1, (b / 2) - 1) / 2,
            (a, b, _) => Slope(z => Robust(a, z, 0), b)),
        new(BinaryOps.PRelu, (a, b, _) => a > 0 ? a : b * a, (a, b, _) => a > 0 ? 1 : b,
            (a, _, _) => a > 0 ? 0 : a),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var row in UnaryRows)
        {
            foreach (int n in Sizes)
            {
                yield return Unary(row, $"n {n}", In(n, row.Low, row.High));
            }
            yield return Unary(row, "zeros, NaN, far out", new Operand(
                DType.F32, 37, Role.Input, rng => Special(rng, row.Low)));
            yield return UnaryInPlace(row);
            foreach (int n in Sizes)
            {
                yield return UnaryGradient(row, n, 0);
                yield return UnaryGradient(row, n, 1);
            }
        }
        foreach (var row in BinaryRows)
        {
            foreach (var (outer, n, inner) in Runs)
            {
                yield return Binary(row, outer, n, inner);
                foreach (float beta in (float[])[0, 1])
                {
                    yield return BinaryGradient(row, false, outer, n, inner, beta);
                    yield return BinaryGradient(row, true, outer, n, inner, beta);
                }
            }
            yield return BinaryInPlace(row);
        }
        yield return Unary(Row(UnaryOps.Gelu), "gelu timed", In(Large, -6, 6)).TimedByBytes();
        yield return UnaryGradient(Row(UnaryOps.Relu), Large, 0).TimedByBytes();
        yield return Binary(BinaryRows[0], Large / 32, 32, 1).TimedByBytes();
        yield return BinaryGradient(BinaryRows[2], false, 1, Large, 1, 0).TimedByBytes();
    }

    /// <summary>b is a scalar, a row (bias), a column, a middle run, or as large as a.</summary>
    private static readonly (int Outer, int N, int Inner)[] Runs =
    [
        (1, 1, 1), (1, 257, 1), (1, 16, 1), (33, 1, 1), (1, 1, 1025), (7, 15, 1), (64, 32, 1),
        (3, 10, 1), (19, 130, 1), (1, 5, 49), (4, 3, 17), (2, 16, 16), (1, 5003, 1),
    ];

    private static Case Unary(UnaryRow row, string sizes, Operand x)
    {
        float alpha = row.Alpha ?? row.Op.Alpha;
        return new("Unary", $"{row.Op.Name} {sizes}", Bound, [x, Out(x.Length)],
            (d, s) => d.Unary(row.Op, s[0], s[1], x.Length, alpha),
            v => Map(v[1], i => row.Value(v[0][i], alpha)));
    }

    private static Case UnaryInPlace(UnaryRow row)
    {
        const int N = 100;
        float alpha = row.Alpha ?? row.Op.Alpha;
        return new("Unary", $"{row.Op.Name} in place", Bound, [Both(N, row.Low, row.High)],
            (d, s) => d.Unary(row.Op, s[0], s[0], N, alpha),
            v => v[0] = Array.ConvertAll(v[0], x => row.Value(x, alpha)));
    }

    /// <summary>
    /// The stored y that the primitive gets is the op's own output, as on the tape. The slope of a
    /// saturated op is a difference like 1 - y^2: on its own it would be rounding and nothing else,
    /// so a single element lies where the op bends.
    /// </summary>
    private static Case UnaryGradient(UnaryRow row, int n, float beta)
    {
        float alpha = row.Alpha ?? row.Op.Alpha;
        return new("UnaryGradient", $"{row.Op.Name} n {n} beta {beta}", Bound,
            [n == 1 ? In(1, 0.25, 0.75) : In(n, row.Low, row.High), Out(n), In(n), Out(n, beta)],
            (d, s) =>
            {
                d.Unary(row.Op, s[0], s[1], n, alpha);
                d.UnaryGradient(row.Op, s[0], s[1], s[2], s[3], n, alpha, beta);
            },
            v =>
            {
                Map(v[1], i => row.Value(v[0][i], alpha));
                Map(v[3], i => v[2][i] * row.Slope(v[0][i], alpha));
            });
    }

    private static Case Binary(BinaryRow row, int outer, int n, int inner)
    {
        float alpha = row.Op.Alpha * 0.7f;
        int count = outer * n * inner;
        return new("Binary", $"{row.Op.Name} {outer}x{n}x{inner}", Bound,
            [Left(row.Op, count), Right(row.Op, n), Out(count)],
            (d, s) => d.Binary(row.Op, s[0], s[1], s[2], outer, n, inner, alpha),
            v => Map(v[2], i => row.Value(v[0][i], v[1][i / inner % n], alpha)));
    }

    private static Case BinaryInPlace(BinaryRow row) =>
        new("Binary", $"{row.Op.Name} in place", Bound,
            [Left(row.Op, 60) with { Role = Role.Both }, Right(row.Op, 5)],
            (d, s) => d.Binary(row.Op, s[0], s[1], s[0], 4, 5, 3, row.Op.Alpha),
            v =>
            {
                double[] a = (double[])v[0].Clone();
                Array.Clear(v[0]);
                Map(v[0], i => row.Value(a[i], v[1][i / 3 % 5], row.Op.Alpha));
            });

    /// <summary>With beta 0 the gradient may overwrite dy: sizes that broadcast do so.</summary>
    private static Case BinaryGradient(
        BinaryRow row, bool second, int outer, int n, int inner, float beta)
    {
        float alpha = row.Op.Alpha * 0.7f;
        int count = outer * n * inner;
        var slope = second ? row.SlopeB : row.SlopeA;
        string side = second ? "b" : "a";
        string sizes = $"{row.Op.Name} d{side} {outer}x{n}x{inner} beta {beta}";
        if (beta == 0 && outer > 1 && n > 1)
        {
            return new("BinaryGradient", sizes + " over dy", Bound,
                [Left(row.Op, count), Right(row.Op, n), Both(count)],
                (d, s) => d.BinaryGradient(
                    row.Op, second, s[0], s[1], s[2], s[2], outer, n, inner, alpha, 0),
                v =>
                {
                    for (int i = 0; i < count; i++)
                    {
                        v[2][i] *= slope(v[0][i], v[1][i / inner % n], alpha);
                    }
                });
        }
        return new("BinaryGradient", sizes, Bound,
            [Left(row.Op, count), Right(row.Op, n), In(count), Out(count, beta)],
            (d, s) => d.BinaryGradient(
                row.Op, second, s[0], s[1], s[2], s[3], outer, n, inner, alpha, beta),
            v => Map(v[3], i => v[2][i] * slope(v[0][i], v[1][i / inner % n], alpha)));
    }

    /// <summary>Probabilities, log-probabilities and squares are what they are called.</summary>
    private static Operand Left(BinaryOp op, int n) => op.Name switch
    {
        "probability_cross_entropy" => In(n, 0.05, 0.95),
        "kl_divergence" => In(n, -4, -0.1),
        "robust" => In(n, 0, 30),
        _ => In(n, -2, 2),
    };

    /// <summary>Divisors stay away from 0, labels of the margin losses are -1 or 1.</summary>
    private static Operand Right(BinaryOp op, int n) => op.Name switch
    {
        "divide" => In(n, 0.5, 2),
        "sigmoid_cross_entropy" or "probability_cross_entropy" or "sigmoid_focal" => In(n, 0, 1),
        "kl_divergence" => In(n, 0.01, 1),
        "robust" => In(n, 0.01, 1.9),
        "hinge" or "perceptron_criterion" => new Operand(
            DType.F32, n, Role.Input, rng => (2 * rng.NextInt(2)) - 1),
        _ => In(n, -2, 2),
    };

    private static UnaryRow Row(UnaryOp op) => Array.Find(UnaryRows, row => row.Op == op)!;

    private static double Special(Rng rng, double low) => rng.NextInt(6) switch
    {
        0 => low < 0 ? 0 : low,
        1 => low < 0 ? -0.0 : low,
        2 => double.NaN,
        3 => low < 0 ? -80 : 1e-30,
        4 => 80,
        _ => 1e-3,
    };

    private static void Map(double[] y, Func<int, double> value)
    {
        for (int i = 0; i < y.Length; i++)
        {
            y[i] += value(i);
        }
    }

    // Klambauer et al., "Self-normalizing neural networks", 2017.
    private const double SeluScale = 1.0507009873554804934193349852946;
    private const double SeluAlpha = 1.6732632423543772848170429916717;

    private static double Focal(double a, double b, double gamma)
    {
        double p = Sigmoid(a), missing = (p * (1 - b)) + ((1 - p) * b);
        return Pow(missing, gamma) * (-(b * Log(p)) - ((1 - b) * Log(1 - p)));
    }

    /// <summary>Barron 2019, eq. 8, of the squared error.</summary>
    private static double Robust(double a, double b, double _) =>
        (2 - b) / b * (Pow((a / (2 - b)) + 1, b / 2) - 1);

    private static double Sigmoid(double x) => 1 / (1 + Exp(-x));

    private static double Softplus(double x) =>
        Max(x, 0) + (Abs(x) > 30 ? Exp(-Abs(x)) : Log(1 + Exp(-Abs(x))));

    private static double GeluInner(double x) => Sqrt(2 / PI) * (x + (0.044715 * x * x * x));

    /// <summary>
    /// Derivative by central differences of fourth order: an independent check of closed forms.
    /// </summary>
    private static double Slope(Func<double, double> f, double x)
    {
        const double H = 1e-3;
        return ((8 * (f(x + H) - f(x - H))) - (f(x + (2 * H)) - f(x - (2 * H)))) / (12 * H);
    }

    /// <summary>
    /// The normal distribution function: its series around 0, erfc's continued fraction beyond.
    /// </summary>
    private static double NormalCdf(double x)
    {
        double z = Abs(x);
        double density = Exp(-z * z / 2) / Sqrt(2 * PI);
        double upper;
        if (z < 4)
        {
            double term = z, sum = z;
            for (int k = 1; k < 80; k++)
            {
                term *= z * z / ((2 * k) + 1);
                sum += term;
            }
            upper = 0.5 - (density * sum);
        }
        else
        {
            double fraction = z;
            for (int k = 60; k > 0; k--)
            {
                fraction = z + (k / fraction);
            }
            upper = density / fraction;
        }
        return x < 0 ? upper : 1 - upper;
    }
}
