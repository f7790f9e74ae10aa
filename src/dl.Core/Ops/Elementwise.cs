// One number in, one number out. An op is a row: a name, its formulas, a default for its one
// parameter alpha; the same row stands in kernels/elementwise.cl. Rows with one argument first,
// rows
// with two arguments after them. Loops over the rows are in ElementwiseLoops.cs.
using System.Runtime.Intrinsics;
using Dl.Tensors;
using static Dl.Ops.VectorMath;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Ops;

/// <summary>The ops of one argument, by name.</summary>
public static class UnaryOps
{
    /// <summary>In the order of the rows below, each of which adds itself.</summary>
    private static readonly List<UnaryOp> Rows = [];

    public static readonly UnaryOp
        Linear = InPlace<LinearRow>("linear", "x"),
        Relu = InPlace<ReluRow>("relu", "max(x, 0)"),
        Relu6 = InPlace<Relu6Row>("relu6", "ReLU up to 6: clamp(x, 0, 6)"),
        LeakyRelu = InPlace<LeakyReluRow>("leaky_relu", "x, below 0 alpha x (0.1)", 0.1f),
        Elu = InPlace<EluRow>("elu", "x, below 0 alpha (e^x - 1) (1)", 1f),
        Selu = InPlace<SeluRow>(
            "selu", "ELU scaled so that layers keep mean 0 and variance 1 (Klambauer et al. 2017)"),
        Gelu = Activation<GeluRow>(
            "gelu", "x times the normal distribution function (Hendrycks and Gimpel 2016)"),
        GeluTanh = Activation<GeluTanhRow>(
            "gelu_tanh", "GELU by its tanh approximation, as in GPT-2"),
        Silu = Activation<SiluRow>("silu", "x sigmoid(x), also called swish"),
        Sigmoid = InPlace<SigmoidRow>("sigmoid", "1 / (1 + e^-x)"),
        HardSigmoid = Activation<HardSigmoidRow>(
            "hard_sigmoid", "sigmoid in three lines: clamp(x + 3, 0, 6) / 6"),
        Tanh = InPlace<TanhRow>("tanh", "the hyperbolic tangent"),
        HardTanh = InPlace<HardTanhRow>("hard_tanh", "tanh in three lines: clamp(x, -1, 1)"),
        Softplus = Activation<SoftplusRow>("softplus", "log(1 + e^x)"),
        Softsign = InPlace<SoftsignRow>("softsign", "x / (1 + |x|)"),
        HardSwish = Activation<HardSwishRow>(
            "hard_swish", "x hard_sigmoid(x) (Howard et al. 2019)"),
        Mish = Activation<MishRow>("mish", "x tanh(softplus(x)) (Misra 2019)"),
        Step = InPlace<StepRow>("step", "1 from 0 on, else 0; gradients do not pass it"),
        Exp = Row<ExpRow>("exp"),
        Log = Row<LogRow>("log"),
        Abs = Row<AbsRow>("abs"),
        Square = Row<SquareRow>("square"),
        Sqrt = Row<SqrtRow>("sqrt"),
        Scale = Row<ScaleRow>("scale", 1f);

    /// <summary>
    /// Every op of one argument, in the order in which they are listed to people.
    /// </summary>
    public static IReadOnlyList<UnaryOp> All => Rows;

    // Each row: y = Value(x, alpha); dy/dx = Slope(x, y, alpha).
    private struct LinearRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => x;
        public static V Slope(V x, V y, V alpha) => Of(1);
    }

    private struct ReluRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Select(Vector512.LessThan(x, V.Zero), V.Zero, x);
        public static V Slope(V x, V y, V alpha) => Above(x, Of(1), V.Zero);
    }

    private struct Relu6Row : IUnaryRow
    {
        public static V Value(V x, V alpha) =>
            Vector512.Min(Vector512.Max(x, V.Zero), Of(6));
        public static V Slope(V x, V y, V alpha) =>
            Above(x, Above(Of(6) - x, Of(1), V.Zero), V.Zero);
    }

    private struct LeakyReluRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Above(x, x, alpha * x);
        public static V Slope(V x, V y, V alpha) => Above(x, Of(1), alpha);
    }

    private struct EluRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Above(x, x, alpha * (Exp(x) - Of(1)));
        public static V Slope(V x, V y, V alpha) => Above(x, Of(1), y + alpha);
    }

    private struct SeluRow : IUnaryRow
    {
        // Klambauer et al. 2017: lambda 1.0507..., alpha 1.6732..., their product 1.7580...
        public static V Value(V x, V alpha) =>
            Above(x, Of(1.05070099f) * x, Of(1.75809934f) * (Exp(x) - Of(1)));
        public static V Slope(V x, V y, V alpha) =>
            Above(x, Of(1.05070099f), y + Of(1.75809934f));
    }

    private struct GeluRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => x * Normal(x, out _);
        public static V Slope(V x, V y, V alpha)
        {
            V share = Normal(x, out V bell);
            return Fma(x * Of(0.39894228f), bell, share);
        }
    }

    private struct GeluTanhRow : IUnaryRow
    {
        // x * sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3); 2 sqrt(2/pi) = 1.5957691.
        public static V Value(V x, V alpha) => x * Sigmoid(Inner(x));
        public static V Slope(V x, V y, V alpha)
        {
            V s = Sigmoid(Inner(x));
            V inner = Of(1.5957691f) * (Of(1) + (Of(0.134145f) * x * x));
            return s + (x * s * (Of(1) - s) * inner);
        }

        private static V Inner(V x) => Of(1.5957691f) * x * (Of(1) + (Of(0.044715f) * x * x));
    }

    private struct SiluRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => x * Sigmoid(x);
        public static V Slope(V x, V y, V alpha)
        {
            V s = Sigmoid(x);
            return s * (Of(1) + (x * (Of(1) - s)));
        }
    }

    private struct SigmoidRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Sigmoid(x);
        public static V Slope(V x, V y, V alpha) => y * (Of(1) - y);
    }

    private struct HardSigmoidRow : IUnaryRow
    {
        public static V Value(V x, V alpha) =>
            Vector512.Min(Vector512.Max(x + Of(3), V.Zero), Of(6)) * Of(1f / 6);
        public static V Slope(V x, V y, V alpha) =>
            Above(x + Of(3), Above(Of(3) - x, Of(1f / 6), V.Zero), V.Zero);
    }

    private struct TanhRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Tanh(x);
        public static V Slope(V x, V y, V alpha) => Of(1) - (y * y);
    }

    private struct HardTanhRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Vector512.Min(Vector512.Max(x, Of(-1)), Of(1));
        public static V Slope(V x, V y, V alpha) =>
            Above(x + Of(1), Above(Of(1) - x, Of(1), V.Zero), V.Zero);
    }

    private struct SoftplusRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Softplus(x);
        public static V Slope(V x, V y, V alpha) => Sigmoid(x);
    }

    private struct SoftsignRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => x / (Of(1) + Vector512.Abs(x));
        public static V Slope(V x, V y, V alpha) =>
            (Of(1) - Vector512.Abs(y)) * (Of(1) - Vector512.Abs(y));
    }

    private struct HardSwishRow : IUnaryRow
    {
        // x * clamp(x + 3, 0, 6) / 6.
        public static V Value(V x, V alpha) =>
            x * Vector512.Min(Vector512.Max(x + Of(3), V.Zero), Of(6)) * Of(1f / 6);
        public static V Slope(V x, V y, V alpha) => Above(
            x + Of(3), Above(x - Of(3), Of(1), (x * Of(1f / 3)) + Of(0.5f)), V.Zero);
    }

    private struct MishRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => x * Tanh(Softplus(x));
        public static V Slope(V x, V y, V alpha)
        {
            V t = Tanh(Softplus(x));
            return t + (x * (Of(1) - (t * t)) * Sigmoid(x));
        }
    }

    private struct StepRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Select(
            Vector512.GreaterThanOrEqual(x, V.Zero), Of(1), V.Zero);
        public static V Slope(V x, V y, V alpha) => V.Zero;
    }

    private struct ExpRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Exp(x);
        public static V Slope(V x, V y, V alpha) => y;
    }

    private struct LogRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Vector512.Log(x);
        public static V Slope(V x, V y, V alpha) => Of(1) / x;
    }

    private struct AbsRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Vector512.Abs(x);
        public static V Slope(V x, V y, V alpha) => Above(x, Of(1), Below(x, Of(-1), V.Zero));
    }

    private struct SquareRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => x * x;
        public static V Slope(V x, V y, V alpha) => x + x;
    }

    private struct SqrtRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => Vector512.Sqrt(x);
        public static V Slope(V x, V y, V alpha) => Of(0.5f) / y;
    }

    private struct ScaleRow : IUnaryRow
    {
        public static V Value(V x, V alpha) => alpha * x;
        public static V Slope(V x, V y, V alpha) => alpha;
    }

    private static UnaryOp Row<T>(
        string name, float alpha = 0, string? description = null, bool slopeFromOutput = false)
        where T : struct, IUnaryRow
    {
        var op = UnaryOp.Of<T>(name, alpha, description) with
        {
            SlopeFromOutput = slopeFromOutput,
        };
        Rows.Add(op);
        return op;
    }

    /// <summary>A row that makes sense between layers, with one line for people.</summary>
    private static UnaryOp Activation<T>(string name, string description, float alpha = 0)
        where T : struct, IUnaryRow => Row<T>(name, alpha, description);

    /// <summary>An activation whose slope needs no x: it may take the place of its input.</summary>
    private static UnaryOp InPlace<T>(string name, string description, float alpha = 0)
        where T : struct, IUnaryRow => Row<T>(name, alpha, description, slopeFromOutput: true);

    /// <summary>x > 0 ? a : b.</summary>
    private static V Above(V x, V a, V b) => Select(Vector512.GreaterThan(x, V.Zero), a, b);

    private static V Below(V x, V a, V b) => Select(Vector512.LessThan(x, V.Zero), a, b);
}

/// <summary>
/// The ops of two arguments, by name; pointwise losses among them (PointwiseLosses.cs).
/// </summary>
public static partial class BinaryOps
{
    public static readonly BinaryOp
        Add = BinaryOp.Of<AddRow>("add") with { PassesFirst = true, PassesSecond = true },
        AddRelu = BinaryOp.Of<AddReluRow>("add_relu"),
        Subtract = BinaryOp.Of<SubtractRow>("subtract") with { PassesFirst = true },
        Multiply = BinaryOp.Of<MultiplyRow>("multiply"),
        Divide = BinaryOp.Of<DivideRow>("divide"),
        PRelu = BinaryOp.Of<PReluRow>("prelu");

    /// <summary>Made when asked for: the fields are spread over files.</summary>
    public static IReadOnlyList<BinaryOp> All => field ??=
    [
        Add, AddRelu, Subtract, Multiply, Divide, SquaredError, AbsoluteError, Huber, LogCosh,
        Pinball, PoissonNll, SigmoidCrossEntropy, ProbabilityCrossEntropy, SigmoidFocal,
        KlDivergence, Hinge, PerceptronCriterion, Robust, PRelu,
    ];

    // Each row: y = Value(a, b, alpha); dy/da = SlopeA; dy/db = SlopeB.
    private struct AddRow : IBinaryRow
    {
        public static V Value(V a, V b, V alpha) => a + b;
        public static V SlopeA(V a, V b, V alpha) => Of(1);
        public static V SlopeB(V a, V b, V alpha) => Of(1);
    }

    private struct AddReluRow : IBinaryRow
    {
        // Behind a residual block (He et al. 2016).
        public static V Value(V a, V b, V alpha) =>
            Select(Vector512.LessThan(a + b, V.Zero), V.Zero, a + b);
        public static V SlopeA(V a, V b, V alpha) => SlopeB(a, b, alpha);
        public static V SlopeB(V a, V b, V alpha) =>
            Select(Vector512.GreaterThan(a + b, V.Zero), Of(1), V.Zero);
    }

    private struct SubtractRow : IBinaryRow
    {
        public static V Value(V a, V b, V alpha) => a - b;
        public static V SlopeA(V a, V b, V alpha) => Of(1);
        public static V SlopeB(V a, V b, V alpha) => Of(-1);
    }

    private struct MultiplyRow : IBinaryRow
    {
        public static V Value(V a, V b, V alpha) => a * b;
        public static V SlopeA(V a, V b, V alpha) => b;
        public static V SlopeB(V a, V b, V alpha) => a;
    }

    private struct DivideRow : IBinaryRow
    {
        public static V Value(V a, V b, V alpha) => a / b;
        public static V SlopeA(V a, V b, V alpha) => Of(1) / b;
        public static V SlopeB(V a, V b, V alpha) => -a / (b * b);
    }

    private struct PReluRow : IBinaryRow
    {
        // He et al. 2015: b is the slope below 0.
        public static V Value(V a, V b, V alpha) => Positive(a, a, b * a);
        public static V SlopeA(V a, V b, V alpha) => Positive(a, Of(1), b);
        public static V SlopeB(V a, V b, V alpha) => Positive(a, V.Zero, a);

        private static V Positive(V x, V a, V b) =>
            Select(Vector512.GreaterThan(x, V.Zero), a, b);
    }
}
