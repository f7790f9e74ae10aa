// Losses of one output and its target, as rows of Elementwise.cs: a is the output, b the target.
// The same rows stand in kernels/elementwise.cl.
using System.Runtime.Intrinsics;
using static Dl.Ops.VectorMath;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Ops;

public static partial class BinaryOps
{
    public static readonly BinaryOp
        SquaredError = BinaryOp.Of<SquaredErrorRow>("squared_error"),
        AbsoluteError = BinaryOp.Of<AbsoluteErrorRow>("absolute_error"),
        Huber = BinaryOp.Of<HuberRow>("huber", 1f),
        LogCosh = BinaryOp.Of<LogCoshRow>("log_cosh"),
        Pinball = BinaryOp.Of<PinballRow>("pinball", 0.5f),
        PoissonNll = BinaryOp.Of<PoissonRow>("poisson_nll"),
        SigmoidCrossEntropy = BinaryOp.Of<SigmoidCrossEntropyRow>("sigmoid_cross_entropy"),
        ProbabilityCrossEntropy =
            BinaryOp.Of<ProbabilityCrossEntropyRow>("probability_cross_entropy"),
        SigmoidFocal = BinaryOp.Of<SigmoidFocalRow>("sigmoid_focal", 2f),
        KlDivergence = BinaryOp.Of<KlDivergenceRow>("kl_divergence"),
        Hinge = BinaryOp.Of<HingeRow>("hinge"),
        PerceptronCriterion = BinaryOp.Of<PerceptronRow>("perceptron_criterion"),
        Robust = BinaryOp.Of<RobustRow>("robust");

    private struct SquaredErrorRow : IBinaryRow
    {
        public static V Value(V a, V b, V alpha) => (a - b) * (a - b);
        public static V SlopeA(V a, V b, V alpha) => Of(2) * (a - b);
        public static V SlopeB(V a, V b, V alpha) => Of(2) * (b - a);
    }

    private struct AbsoluteErrorRow : IBinaryRow
    {
        public static V Value(V a, V b, V alpha) => Vector512.Abs(a - b);
        public static V SlopeA(V a, V b, V alpha) => Sign(a - b);
        public static V SlopeB(V a, V b, V alpha) => Sign(b - a);
    }

    private struct HuberRow : IBinaryRow
    {
        // e^2 / 2 within alpha of the target, alpha (|e| - alpha / 2) beyond.
        public static V Value(V a, V b, V alpha)
        {
            V e = Vector512.Abs(a - b);
            return Select(Vector512.LessThan(e, alpha),
                Of(0.5f) * e * e, alpha * (e - (Of(0.5f) * alpha)));
        }

        public static V SlopeA(V a, V b, V alpha) =>
            Vector512.Min(Vector512.Max(a - b, -alpha), alpha);
        public static V SlopeB(V a, V b, V alpha) => SlopeA(b, a, alpha);
    }

    private struct LogCoshRow : IBinaryRow
    {
        // log cosh e: -log(1 - tanh^2 e) / 2 near 0, |e| + log(1 + e^-2|e|) - log 2 beyond.
        public static V Value(V a, V b, V alpha)
        {
            V e = Vector512.Abs(a - b);
            V t = Tanh(e);
            V near = Of(-0.5f) * Log1P(-(t * t));
            V far = e + Log1P(Exp(Of(-2) * e)) - Of(0.69314718f);
            return Select(Vector512.LessThan(e, Of(0.625f)), near, far);
        }

        public static V SlopeA(V a, V b, V alpha) => Tanh(a - b);
        public static V SlopeB(V a, V b, V alpha) => Tanh(b - a);
    }

    private struct PinballRow : IBinaryRow
    {
        // alpha is the quantile q (Koenker and Bassett 1978): an output below its target costs q
        // a unit, one above it 1 - q.
        public static V Value(V a, V b, V alpha) =>
            Vector512.Max(alpha * (b - a), (alpha - Of(1)) * (b - a));
        public static V SlopeA(V a, V b, V alpha) =>
            Select(Vector512.GreaterThan(b, a), -alpha, Of(1) - alpha);
        public static V SlopeB(V a, V b, V alpha) => -SlopeA(a, b, alpha);
    }

    private struct PoissonRow : IBinaryRow
    {
        // a is the logarithm of the rate; log b! does not depend on it and is left out.
        public static V Value(V a, V b, V alpha) => Exp(a) - (a * b);
        public static V SlopeA(V a, V b, V alpha) => Exp(a) - b;
        public static V SlopeB(V a, V b, V alpha) => -a;
    }

    private struct SigmoidCrossEntropyRow : IBinaryRow
    {
        // Logit a, target b in [0, 1]: softplus(a) - a b.
        public static V Value(V a, V b, V alpha) => Softplus(a) - (a * b);
        public static V SlopeA(V a, V b, V alpha) => Sigmoid(a) - b;
        public static V SlopeB(V a, V b, V alpha) => -a;
    }

    private struct ProbabilityCrossEntropyRow : IBinaryRow
    {
        // Probability a, target b in [0, 1]; logarithms end at -100 as PyTorch's do.
        public static V Value(V a, V b, V alpha) =>
            -((b * Bounded(a)) + ((Of(1) - b) * Bounded(Of(1) - a)));
        public static V SlopeA(V a, V b, V alpha) =>
            (a - b) / Vector512.Max(a * (Of(1) - a), Of(1e-12f));
        public static V SlopeB(V a, V b, V alpha) => Bounded(Of(1) - a) - Bounded(a);

        private static V Bounded(V p) => Vector512.Max(Vector512.Log(p), Of(-100));
    }

    private struct SigmoidFocalRow : IBinaryRow
    {
        // m^alpha times the cross-entropy, m the probability that is missing: 1 - p where b is 1,
        // p where it is 0 (Lin et al. 2017; between them as torchvision has it).
        public static V Value(V a, V b, V alpha) =>
            Exp(alpha * Vector512.Log(Missing(a, b))) * (Softplus(a) - (a * b));

        public static V SlopeA(V a, V b, V alpha)
        {
            V m = Missing(a, b), p = Sigmoid(a);
            V dm = p * Sigmoid(-a) * (Of(1) - b - b) / m;
            V entropy = Softplus(a) - (a * b);
            return Exp(alpha * Vector512.Log(m)) * ((alpha * dm * entropy) + p - b);
        }

        public static V SlopeB(V a, V b, V alpha)
        {
            V m = Missing(a, b);
            V dm = (Sigmoid(-a) - Sigmoid(a)) / m;
            V entropy = Softplus(a) - (a * b);
            return Exp(alpha * Vector512.Log(m)) * ((alpha * dm * entropy) - a);
        }

        /// <summary>Above 0, so that its logarithm is finite.</summary>
        private static V Missing(V a, V b) => Vector512.Max(
            (Sigmoid(a) * (Of(1) - b)) + (Sigmoid(-a) * b), Of(1e-38f));
    }

    private struct KlDivergenceRow : IBinaryRow
    {
        // Log-probability a, probability b: b (log b - a), and 0 where b is 0.
        public static V Value(V a, V b, V alpha) => Positive(b, b * (Vector512.Log(b) - a));
        public static V SlopeA(V a, V b, V alpha) => Positive(b, -b);
        public static V SlopeB(V a, V b, V alpha) =>
            Positive(b, Vector512.Log(b) + Of(1) - a);

        private static V Positive(V b, V value) =>
            Select(Vector512.LessThanOrEqual(b, V.Zero), V.Zero, value);
    }

    private struct HingeRow : IBinaryRow
    {
        // Target b is -1 or 1.
        public static V Value(V a, V b, V alpha) => Vector512.Max(V.Zero, Of(1) - (a * b));
        public static V SlopeA(V a, V b, V alpha) => Violated(a, b, Of(1), b);
        public static V SlopeB(V a, V b, V alpha) => Violated(a, b, Of(1), a);
    }

    private struct PerceptronRow : IBinaryRow
    {
        // Target b is -1 or 1. The slope is -b wherever the sign is wrong or undecided, so a step
        // of gradient descent with one sample is Rosenblatt's rule.
        public static V Value(V a, V b, V alpha) => Vector512.Max(V.Zero, -(a * b));
        public static V SlopeA(V a, V b, V alpha) => Violated(a, b, V.Zero, b);
        public static V SlopeB(V a, V b, V alpha) => Violated(a, b, V.Zero, a);
    }

    private struct RobustRow : IBinaryRow
    {
        // Barron 2019, eq. 8: a is the squared error in units of the scale, b < 2 the shape.
        //   rho = w/b (u^(b/2) - 1),  w = 2 - b,  u = a/w + 1
        // written as w l phi(b l) with l = log(u)/2 and phi(t) = (e^t - 1)/t, which is smooth
        // through b = 0 (Cauchy).
        public static V Value(V a, V b, V alpha)
        {
            V w = Of(2) - b, l = Of(0.5f) * Log1P(a / w);
            return w * l * Phi(b * l);
        }

        public static V SlopeA(V a, V b, V alpha)
        {
            V z = a / (Of(2) - b);
            return Of(0.5f) * Exp(b * Of(0.5f) * Log1P(z)) / (Of(1) + z);
        }

        public static V SlopeB(V a, V b, V alpha)
        {
            V w = Of(2) - b, z = a / w, l = Of(0.5f) * Log1P(z);
            V dl = Of(0.5f) * z / (w * (Of(1) + z));
            V t = b * l;
            return (((w * dl) - l) * Phi(t)) + (w * l * PhiSlope(t) * (l + (b * dl)));
        }

        private static V Phi(V t)
        {
            V p = Of(1 / 5040f);
            p = Fma(p, t, Of(1 / 720f));
            p = Fma(p, t, Of(1 / 120f));
            p = Fma(p, t, Of(1 / 24f));
            p = Fma(p, t, Of(1 / 6f));
            p = Fma(p, t, Of(0.5f));
            p = Fma(p, t, Of(1));
            return Near(t, p, (Exp(t) - Of(1)) / t);
        }

        private static V PhiSlope(V t)
        {
            V p = Of(1 / 45360f);
            p = Fma(p, t, Of(1 / 5760f));
            p = Fma(p, t, Of(1 / 840f));
            p = Fma(p, t, Of(1 / 144f));
            p = Fma(p, t, Of(1 / 30f));
            p = Fma(p, t, Of(0.125f));
            p = Fma(p, t, Of(1 / 3f));
            p = Fma(p, t, Of(0.5f));
            return Near(t, p, ((Exp(t) * (t - Of(1))) + Of(1)) / (t * t));
        }

        private static V Near(V t, V series, V closed) =>
            Select(Vector512.LessThan(Vector512.Abs(t), Of(0.5f)), series, closed);
    }

    private static V Sign(V e) => Select(Vector512.GreaterThan(e, V.Zero), Of(1),
        Select(Vector512.LessThan(e, V.Zero), Of(-1), V.Zero));

    /// <summary>a b &lt;= margin ? -slope : 0.</summary>
    private static V Violated(V a, V b, V margin, V slope) =>
        Select(Vector512.LessThanOrEqual(a * b, margin), -slope, V.Zero);
}
