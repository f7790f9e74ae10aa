// The general and adaptive robust loss (Barron, CVPR 2019): the negative logarithm of a density
// whose shape alpha and scale c are learnt with the model.
//   -log p(x | alpha, c) = rho(x / c, alpha) + log c + log Z(alpha)
// rho is the row `robust` of PointwiseLosses.cs; alpha runs from nearly 0 (Cauchy: outliers hardly
// count) to nearly 2 (normal). Z(alpha), the integral of exp(-rho(x, alpha)), has no closed form.
// It is integrated once for 513 shapes, x = sinh v by the trapezoid rule, which converges at an
// exponential rate, and interpolated between them by cubics through the values and the slopes.
// The shapes crowd at both ends, where log Z bends. Error below 1e-7 (AdaptiveRobustTests).
using Dl.Tensors;

namespace Dl.Ops;

public static class AdaptiveRobustOps
{
    /// <summary>Shapes run from MinAlpha to 2 - MinAlpha, as in the paper.</summary>
    public const float MinAlpha = 0.001f;

    private const int Intervals = 512;

    /// <summary>Width of a trapezoid: fine enough for the pole at sqrt(2 - alpha) i.</summary>
    private const double Step = 1.0 / 128;

    private static readonly Lazy<(double Value, double Slope)[]> Table = new(() =>
    {
        var table = new (double, double)[Intervals + 1];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = Integrate(Node(i));
        }
        return table;
    });

    /// <summary>
    /// Negative log-likelihood of errors (rows, n) between output and target, element by element.
    /// </summary>
    /// <param name="shape">(n): alpha = MinAlpha + (2 - 2 MinAlpha) sigmoid(shape).</param>
    /// <param name="logScale">(n): c = exp(logScale).</param>
    public static Tensor AdaptiveRobust(
        this Tape tape, Tensor output, Tensor target, Tensor shape, Tensor logScale)
    {
        var alpha = tape.Add(
            tape.Unary(UnaryOps.Scale, tape.Unary(UnaryOps.Sigmoid, shape), 2 - (2 * MinAlpha)),
            tape.Constant(MinAlpha));
        var precision = tape.Unary(UnaryOps.Exp, tape.Unary(UnaryOps.Scale, logScale, -2));
        var squares = tape.Multiply(
            tape.Binary(BinaryOps.SquaredError, output, target), precision);
        return tape.Add(
            tape.Binary(BinaryOps.Robust, squares, alpha),
            tape.Add(logScale, tape.LogPartition(alpha)));
    }

    /// <summary>
    /// log Z of each shape. There is one a target, so the host looks them up and waits for it.
    /// </summary>
    public static Tensor LogPartition(this Tape tape, Tensor alpha)
    {
        float[] values = alpha.ToArray();
        var slopes = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            var (value, slope) = LogPartition(values[i]);
            (values[i], slopes[i]) = ((float)value, (float)slope);
        }
        var y = tape.Input(alpha.Shape, values);
        var dalpha = tape.Input(alpha.Shape, slopes);
        return tape.Record(y, [alpha], dy =>
        {
            if (tape.Wants(alpha, out var d, out float beta))
            {
                // d(a b)/da: dy times the slope.
                tape.Device.BinaryGradient(
                    BinaryOps.Multiply, false, y.Storage, dalpha.Storage, dy, d, 1,
                    slopes.Length, 1, 0, beta);
            }
        });
    }

    /// <summary>log Z and its derivative; alpha from MinAlpha to 2 - MinAlpha.</summary>
    public static (double Value, double Slope) LogPartition(double alpha)
    {
        if (!double.IsFinite(alpha))
        {
            return (double.NaN, double.NaN);
        }
        double angle = Math.Acos(Math.Clamp((1 - alpha) / (1 - (double)MinAlpha), -1, 1));
        int i = Math.Min((int)(angle / Math.PI * Intervals), Intervals - 1);
        double from = Node(i), width = Node(i + 1) - from;
        double t = Math.Clamp((alpha - from) / width, 0, 1);
        var (v0, s0) = Table.Value[i];
        var (v1, s1) = Table.Value[i + 1];
        // Hermite: the cubic with these values and slopes at both ends.
        double rise = v1 - v0, a = (s0 * width) - rise, b = rise - (s1 * width);
        double value = v0 + (t * rise) + (t * (1 - t) * ((a * (1 - t)) + (b * t)));
        double slope = rise + ((1 - (2 * t)) * ((a * (1 - t)) + (b * t)))
            + (t * (1 - t) * (b - a));
        return (value, slope / width);
    }

    /// <summary>Close to one another at both ends.</summary>
    private static double Node(int i) =>
        1 - ((1 - (double)MinAlpha) * Math.Cos(Math.PI * i / Intervals));

    /// <summary>
    /// log of twice the integral of exp(-rho(sinh v)) cosh v over v from 0, and its derivative,
    /// -E[d rho / d alpha].
    /// </summary>
    private static (double Value, double Slope) Integrate(double alpha)
    {
        double sum = 0, slopes = 0;
        for (int k = 0; ; k++)
        {
            double x = Math.Sinh(k * Step), z = x * x / (2 - alpha);
            double log = Math.Log(1 + z), power = Math.Exp(alpha / 2 * log);
            double rho = (2 - alpha) / alpha * (power - 1);
            // d/d alpha of the factor and of the power, whose base depends on alpha too.
            double slope = (-2 / (alpha * alpha) * (power - 1))
                + ((2 - alpha) / alpha * power
                    * ((log / 2) + (alpha / 2 * z / ((2 - alpha) * (1 + z)))));
            double weight = Math.Exp(-rho) * Math.Cosh(k * Step) * (k == 0 ? 0.5 : 1);
            sum += weight;
            slopes -= weight * slope;
            if (k * Step > 2 && weight < 1e-17 * sum)
            {
                return (Math.Log(2 * Step * sum), slopes / sum);
            }
        }
    }
}
