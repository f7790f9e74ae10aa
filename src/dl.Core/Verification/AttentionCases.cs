// Attention from its definition: all weights of a row, one after the other, in doubles. Masks of
// every kind, rows that may attend to nothing, more queries than keys and fewer, heads of any size,
// operands side by side in one buffer, large scores, dropout.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class AttentionCases
{
    private const double Bound = 5e-6;

    /// <summary>Scores in the hundreds lose that many digits in floats.</summary>
    private const double LargeBound = 2e-4;

    private static readonly RngSpan Span = new(0x1234_5678_9ABC_DEF0, 7, uint.MaxValue - 3);

    /// <summary>What a case adds to its sizes.</summary>
    [Flags]
    private enum With
    {
        Nothing = 0,
        Causal = 1,
        Lengths = 2,
        KeyMask = 4,
        PairMask = 8,
        Fused = 16,
        Dropout = 32,
        LargeScores = 64,
        All = Causal | Lengths | KeyMask | PairMask | Dropout,
    }

    /// <summary>B, heads, Tq, Tk, d.</summary>
    private static readonly ((int B, int H, int Tq, int Tk, int D) Size, With With)[] Rows =
    [
        ((1, 1, 1, 1, 1), With.Nothing), ((2, 3, 5, 7, 3), With.Nothing),
        ((1, 2, 33, 12, 16), With.Nothing), ((3, 2, 16, 13, 8), With.Lengths),
        ((2, 1, 17, 40, 5), With.KeyMask), ((2, 2, 31, 31, 12), With.Causal),
        ((1, 2, 40, 25, 33), With.Causal), ((2, 1, 1, 70, 64), With.Causal | With.Lengths),
        ((2, 2, 45, 45, 17), With.PairMask), ((2, 2, 19, 19, 7), With.Fused),
        ((1, 3, 50, 50, 20), With.Fused | With.Causal), ((2, 2, 21, 37, 9), With.All),
        ((2, 1, 34, 34, 11), With.All | With.Fused), ((1, 2, 9, 11, 4), With.LargeScores),
        ((1, 1, 70, 260, 10), With.Dropout), ((1, 1, 300, 290, 31), With.Causal | With.Dropout),
        ((1, 1, 20, 500, 96), With.Lengths | With.PairMask), ((1, 1, 33, 35, 128), With.KeyMask),
        ((1, 1, 5, 6, 200), With.Causal), ((2, 1, 4, 3, 350), With.Lengths),
        ((40, 1, 4, 4, 2), With.Lengths | With.Causal | With.Fused),
    ];

    public static IEnumerable<Case> All()
    {
        foreach (var (size, with) in Rows)
        {
            var config = new Config(size.B, size.H, size.Tq, size.Tk, size.D, with);
            yield return Forward(config);
            yield return Gradient(config, 0);
            yield return Gradient(config, 1);
            yield return Weights(config);
        }
        var timed = new Config(2, 8, 256, 256, 64, With.Causal | With.Fused);
        // Two products forward, five backward, over half of the square.
        double pairs = 2.0 * 8 * 256 * 256 * 64;
        yield return Forward(timed) with { Flops = 2 * pairs };
        yield return Gradient(timed, 0) with { Flops = 5 * pairs };
        yield return Weights(timed) with { Flops = pairs };
    }

    private static Case Forward(Config c) =>
        new("Attention", c.Text, c.Bound, [.. c.Inputs, Out(c.Outputs), Out(c.Sums)],
            (d, s) => d.Attention(c.Q(s[0]), c.K(s[1], s[0]), c.V(s[2], s[0]), c.Mask(s),
                s[6], s[7], c.Shape),
            v => Forward(c, v));

    private static Case Gradient(Config c, float beta) =>
        new("AttentionGradient", $"{c.Text} beta {beta}", c.Bound,
            [
                .. c.Inputs, Out(c.Outputs), Out(c.Sums), In(c.Outputs),
                Out(c.QueryFloats, beta), Out(c.KeyFloats, c.IsFused ? 1 : beta),
                Out(c.KeyFloats, c.IsFused ? 1 : beta),
            ],
            (d, s) =>
            {
                var (q, k, v) = (c.Q(s[0]), c.K(s[1], s[0]), c.V(s[2], s[0]));
                d.Attention(q, k, v, c.Mask(s), s[6], s[7], c.Shape);
                d.AttentionGradient(q, k, v, c.Mask(s), s[6], s[8], s[7],
                    c.Q(s[9]) with { Beta = beta }, c.K(s[10], s[9]) with { Beta = beta },
                    c.V(s[11], s[9]) with { Beta = beta }, c.Shape);
            },
            v =>
            {
                Forward(c, v);
                Backward(c, v);
            });

    private static Case Weights(Config c) =>
        new("AttentionWeights", c.Text, c.Bound,
            [.. c.Inputs, Out(c.Outputs), Out(c.Sums), Out(c.B * c.Tq * c.Tk)],
            (d, s) =>
            {
                var (q, k) = (c.Q(s[0]), c.K(s[1], s[0]));
                d.Attention(q, k, c.V(s[2], s[0]), c.Mask(s), s[6], s[7], c.Shape);
                d.AttentionWeights(q, k, c.Mask(s), s[7], s[8], c.Shape);
            },
            v =>
            {
                Forward(c, v);
                EachRow(c, v, (b, h, i, p, _) =>
                {
                    for (int j = 0; j < c.Tk; j++)
                    {
                        v[8][(((b * c.Tq) + i) * c.Tk) + j] += p[j] / c.H;
                    }
                });
            });

    private static void Forward(Config c, double[][] v) => EachRow(c, v, (b, h, i, p, log) =>
    {
        v[7][(((b * c.H) + h) * c.Tq) + i] = log;
        for (int j = 0; j < c.Tk; j++)
        {
            double weight = p[j] * c.Kept(b, h, i, j);
            var (values, at) = c.Value(v, b, h, j);
            for (int e = 0; e < c.D; e++)
            {
                v[6][c.Output(b, h, i) + e] += weight * values[at + e];
            }
        }
    });

    private static void Backward(Config c, double[][] v) => EachRow(c, v, (b, h, i, p, _) =>
    {
        int output = c.Output(b, h, i), query = c.Query(b, h, i);
        double total = 0;
        var dp = new double[c.Tk];
        for (int j = 0; j < c.Tk; j++)
        {
            double kept = c.Kept(b, h, i, j);
            var (values, at) = c.Value(v, b, h, j);
            var dv = v[c.IsFused ? 9 : 11];
            for (int e = 0; e < c.D; e++)
            {
                dv[at + e] += p[j] * kept * v[8][output + e];
                dp[j] += kept * v[8][output + e] * values[at + e];
            }
            total += p[j] * dp[j];
        }
        for (int j = 0; j < c.Tk; j++)
        {
            double ds = p[j] * (dp[j] - total) / Math.Sqrt(c.D);
            var (keys, at) = c.Key(v, b, h, j);
            var dk = v[c.IsFused ? 9 : 10];
            for (int e = 0; e < c.D; e++)
            {
                v[9][query + e] += ds * keys[at + e];
                dk[at + e] += ds * v[0][query + e];
            }
        }
    });

    /// <summary>Calls with sample, head, query, its weights and the log of their sum.</summary>
    private static void EachRow(
        Config c, double[][] v, Action<int, int, int, double[], double> visit)
    {
        for (int row = 0; row < c.B * c.H * c.Tq; row++)
        {
            int b = row / (c.H * c.Tq), h = row / c.Tq % c.H, i = row % c.Tq;
            var p = new double[c.Tk];
            double max = double.NegativeInfinity, sum = 0;
            for (int j = 0; j < c.Tk; j++)
            {
                var (keys, at) = c.Key(v, b, h, j);
                for (int e = 0; e < c.D; e++)
                {
                    p[j] += v[0][c.Query(b, h, i) + e] * keys[at + e];
                }
                p[j] = (p[j] / Math.Sqrt(c.D)) + c.Masked(v, b, i, j);
                max = Math.Max(max, p[j]);
            }
            for (int j = 0; j < c.Tk; j++)
            {
                p[j] = double.IsNegativeInfinity(p[j]) ? 0 : Math.Exp(p[j] - max);
                sum += p[j];
            }
            for (int j = 0; j < c.Tk; j++)
            {
                p[j] = sum == 0 ? 0 : p[j] / sum;
            }
            visit(b, h, i, p, sum == 0 ? double.PositiveInfinity : max + Math.Log(sum));
        }
    }

    private sealed record Config(int B, int H, int Tq, int Tk, int D, With With)
    {
        private const float Rate = 0.3f;

        private int Stride => (IsFused ? 3 : 1) * H * D;

        public string Text => $"B {B} heads {H} Tq {Tq} Tk {Tk} d {D} {With}";

        public double Bound => Is(With.LargeScores) ? LargeBound : AttentionCases.Bound;

        public bool IsFused => Is(With.Fused);

        public int QueryFloats => B * Tq * Stride;

        public int KeyFloats => IsFused ? 1 : B * Tk * Stride;

        public int Outputs => B * Tq * H * D;

        public int Sums => B * H * Tq;

        public AttentionShape Shape => new(
            B, H, Tq, Tk, D, Is(With.Causal), Is(With.Dropout) ? Rate : 0, Span);

        private double Range => Is(With.LargeScores) ? 20 : 2;

        /// <summary>q, k, v, lengths, mask of keys, mask of pairs.</summary>
        public Operand[] Inputs =>
        [
            In(QueryFloats, -Range, Range), In(KeyFloats, -2, 2), In(KeyFloats),
            new(DType.F32, B, Role.Input, rng => rng.NextInt(Tk + 2)),
            Forbidding(B * Tk), Forbidding(Tq * Tk),
        ];

        public AttentionRows Q(Storage s) => new(s, 0, Stride);

        public AttentionRows K(Storage s, Storage fused) =>
            IsFused ? new(fused, H * D, Stride) : new(s, 0, Stride);

        public AttentionRows V(Storage s, Storage fused) =>
            IsFused ? new(fused, 2 * H * D, Stride) : new(s, 0, Stride);

        public AttentionMask Mask(Storage[] s) => new(
            Is(With.Lengths) ? s[3] : null, Is(With.KeyMask) ? s[4] : null,
            Is(With.PairMask) ? s[5] : null);

        public int Query(int b, int h, int i) => (((b * Tq) + i) * Stride) + (h * D);

        public int Output(int b, int h, int i) => ((((b * Tq) + i) * H) + h) * D;

        public (double[] Values, int At) Key(double[][] v, int b, int h, int j) =>
            (v[IsFused ? 0 : 1], (IsFused ? H * D : 0) + (((b * Tk) + j) * Stride) + (h * D));

        public (double[] Values, int At) Value(double[][] v, int b, int h, int j) =>
            (v[IsFused ? 0 : 2], (IsFused ? 2 * H * D : 0) + (((b * Tk) + j) * Stride) + (h * D));

        public double Masked(double[][] v, int b, int i, int j)
        {
            if ((Is(With.Causal) && j > i + Tk - Tq) || (Is(With.Lengths) && j >= v[3][b]))
            {
                return double.NegativeInfinity;
            }
            return (Is(With.KeyMask) ? v[4][(b * Tk) + j] : 0)
                + (Is(With.PairMask) ? v[5][(i * Tk) + j] : 0);
        }

        public double Kept(int b, int h, int i, int j)
        {
            if (!Is(With.Dropout))
            {
                return 1;
            }
            long blocks = (Tq + 31) / 32;
            long n = ((((((long)b * H) + h) * blocks) + (i / 32)) * Tk) + j;
            n = (n * 32) + (i % 32);
            var words = Rng.Block(Span.Seed, Span.Stream, Span.FirstBlock + (ulong)(n / 4));
            uint word = (n % 4) switch
            {
                0 => words.Item1,
                1 => words.Item2,
                2 => words.Item3,
                _ => words.Item4,
            };
            return Rng.ToUniform(word) >= Rate ? 1 / (1 - (double)Rate) : 0;
        }

        private bool Is(With with) => (With & with) != 0;

        /// <summary>A third of it forbids.</summary>
        private static Operand Forbidding(int length) =>
            new(DType.F32, length, Role.Input, rng => rng.NextInt(3) == 0
                ? double.NegativeInfinity : rng.NextFloat() - 0.5);
    }
}
