// Losses on the tape: gradients against finite differences, what CTC does without an alignment, and
// the adaptive robust loss against integrals computed another way.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Tests.Ops.Argument;

namespace Dl.Tests.Ops;

public sealed class LossTests : IDisposable
{
    private static readonly Shape Square = new(4, 5);

    private static readonly OpRow[] Rows =
    [
        new("cross-entropy of probabilities", Square,
            (t, x) => t.Binary(BinaryOps.ProbabilityCrossEntropy, x[0], x[1]),
            Of(Square, 0.2, 0.8), Of(Square, 0.1, 0.9)),
        new("KL divergence", Square, (t, x) => t.Binary(BinaryOps.KlDivergence, x[0], x[1]),
            Of(Square, -3, -1), Of(Square, 0.2, 0.9)),
        new("robust", Square, (t, x) => t.Binary(BinaryOps.Robust, x[0], x[1]),
            Of(Square, 0.2, 9), Of(new(5), 0.1, 1.8)),
        new("robust, nearly Cauchy", Square, (t, x) => t.Binary(BinaryOps.Robust, x[0], x[1]),
            Of(Square, 0.2, 9), Of(new(5), -0.05, 0.05)),
        new("positives weighted", Square,
            (t, x) => t.SigmoidCrossEntropy(x[0], x[1], t.Input(new(5), (float[])[1, 2, 3, 4, 5])),
            Of(Square, -2, 2), Of(Square, 0, 1)),
        new("sigmoid focal", Square, (t, x) => t.SigmoidFocal(x[0], x[1], 1.5f, 0.25f),
            Of(Square, -2, 2), Of(Square, 0.1, 0.9)),
        new("softmax focal", new(4), (t, x) => t.SoftmaxFocal(x[0], x[1], 2), Of(Square, -2, 2),
            Ids(new(4), 5)),
        new("softmax focal, gamma below 1", new(4), (t, x) => t.SoftmaxFocal(x[0], x[1], 0.5f),
            Of(Square, -2, 2), Ids(new(4), 5)),
        new("soft cross-entropy", new(4),
            (t, x) => t.SoftCrossEntropy(
                x[0], t.Input(Square, Fixed(20, 0, 1)), t.Input(new(5), Fixed(5, 1, 2)), 0.1f),
            Of(Square, -2, 2)),
        new("multi-class hinge", new(4),
            (t, x) => t.MultiMargin(x[0], Hot(t), 4), Of(Square, -1, 1)),
        new("multi-class hinge squared", new(4),
            (t, x) => t.MultiMargin(x[0], Hot(t), 4, 2), Of(Square, -1, 1)),
        new("normal likelihood", Square, (t, x) => t.GaussianNll(x[0], x[1], x[2]), Of(Square),
            Of(Square), Of(Square, -1, 1)),
        new("dice", new(), (t, x) => t.Dice(x[0], x[1]), Of(Square, 0.1, 0.9),
            Of(Square, 0, 1)),
        new("triplet", new(4), (t, x) => t.Triplet(x[0], x[1], x[2], 9), Of(Square), Of(Square),
            Of(Square)),
        new("triplet swapped", new(4),
            (t, x) => t.Triplet(x[0], x[1], x[2], 9, swap: true), Of(Square), Of(Square, 2, 3),
            Of(Square)),
        new("triplet, cubic", new(4), (t, x) => t.Triplet(x[0], x[1], x[2], 9, 3),
            Of(Square, 0, 1), Of(Square, 1.5, 2), Of(Square, 3, 4)),
        new("contrastive", new(4),
            (t, x) => t.Contrastive(x[0], x[1], t.Input(new(4), (float[])[0, 1, 1, 0]), 8),
            Of(Square), Of(Square, 1, 2)),
        new("cosine embedding", new(4),
            (t, x) => t.CosineEmbedding(
                x[0], x[1], t.Input(new(4), (float[])[1, -1, 1, -1]), -0.5f),
            Of(Square, 0.5, 1), Of(Square, 0.5, 1)),
        new("adaptive robust", Square, (t, x) => t.AdaptiveRobust(x[0], x[1], x[2], x[3]),
            Of(Square, 1, 3), Of(Square, -2, 0), Of(new(5), -2, 2), Of(new(5), -0.5, 0.5)),
        new("ctc", new(3), (t, x) => t.Ctc(
                t.LogSoftmax(x[0]), t.Input(new(3, 3), (int[])[1, 1, 2, 2, 3, 0, 3, 3, 3]),
                t.Input(new(3), (int[])[7, 4, 6]), t.Input(new(3), (int[])[3, 2, 3])),
            Of(new(3, 7, 4), -2, 2)),
    ];

    private readonly Device _device = TestDevice.Cpu();

    public static TheoryData<string> Names => [.. Rows.Select(row => row.Name)];

    public void Dispose() => _device.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Shape_gradient_and_memory(string name) =>
        GradientCheck.Run(_device, Array.Find(Rows, row => row.Name == name)!);

    /// <summary>Two equal labels need three frames; the other sample has its two.</summary>
    [Theory]
    [InlineData(false, float.PositiveInfinity)]
    [InlineData(true, 0)]
    public void Ctc_without_an_alignment_has_no_gradient(bool zeroInfinity, float loss)
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, new(2, 2, 3));
        var losses = tape.Ctc(
            tape.LogSoftmax(x), tape.Input(new(2, 2), (int[])[1, 1, 1, 2]),
            tape.Input(new(2), (int[])[2, 2]), tape.Input(new(2), (int[])[2, 2]),
            zeroInfinity: zeroInfinity);
        float[] values = losses.ToArray();
        Assert.Equal(loss, values[0]);
        Assert.True(float.IsFinite(values[1]));
        tape.Backward(losses, [1, 1]);
        var gradient = new float[12];
        _device.Read(x.Gradient!, gradient);
        Assert.All(gradient[..6], g => Assert.Equal(0, g));
        Assert.All(gradient[6..], g => Assert.True(float.IsFinite(g)));
        Assert.Contains(gradient[6..], g => g != 0);
    }

    [Fact]
    public void Ctc_names_labels_that_are_none()
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, new(1, 3, 4));
        var error = Assert.Throws<DataException>(() => tape.Ctc(
            x, tape.Input(new(1, 2), (int[])[1, 0]), tape.Input(new(1), (int[])[3]),
            tape.Input(new(1), (int[])[2])));
        Assert.StartsWith("ctc: label 0 in sample 0", error.Message);
    }

    /// <summary>Closed forms: normal at 2, Cauchy at 0, 2 e K1(1) at 1.</summary>
    [Theory]
    [InlineData(0.001, 1.4897)]
    [InlineData(1, 1.1855)]
    [InlineData(1.999, 0.9196)]
    public void The_partition_function_has_its_known_values(double alpha, double expected) =>
        Assert.Equal(expected, AdaptiveRobustOps.LogPartition(alpha).Value, 2e-3);

    /// <summary>
    /// Simpson's rule over x = e^w - 1, another substitution than the table's own.
    /// </summary>
    [Fact]
    public void The_partition_function_is_the_integral()
    {
        for (double alpha = 0.0011; alpha < 1.999; alpha += 0.0497)
        {
            double expected = Math.Log(Integral(alpha));
            var (value, slope) = AdaptiveRobustOps.LogPartition(alpha);
            Assert.Equal(expected, value, 1e-7);
            const double H = 1e-4;
            if (alpha > 0.01 && alpha < 1.99)
            {
                double difference = (AdaptiveRobustOps.LogPartition(alpha + H).Value
                    - AdaptiveRobustOps.LogPartition(alpha - H).Value) / (2 * H);
                Assert.Equal(difference, slope, 1e-4);
            }
        }
    }

    [Fact]
    public void The_partition_function_agrees_with_the_tape()
    {
        using var tape = new Tape(_device);
        var y = tape.AdaptiveRobust(
            tape.Input(new(1, 1), (float[])[0.7f]), tape.Input(new(1, 1), (float[])[0.2f]),
            tape.Input(new(1), (float[])[0]), tape.Input(new(1), (float[])[0.5f]));
        // Shape 0 is alpha 1: sqrt(z + 1) - 1.
        double z = 0.25 / Math.Exp(1);
        double expected = Math.Sqrt(z + 1) - 1 + 0.5 + Math.Log(Integral(1));
        Assert.Equal(expected, y.ToArray()[0], 1e-5);
    }

    private static double Integral(double alpha)
    {
        const int N = 200_000;
        const double End = 50, Width = End / N;
        double sum = 0;
        for (int i = 0; i < N; i++)
        {
            double x = Math.Exp(i * Width) - 1, u = (x * x / (2 - alpha)) + 1;
            double rho = (2 - alpha) / alpha * (Math.Pow(u, alpha / 2) - 1);
            sum += (i == 0 ? 1 : i % 2 == 1 ? 4 : 2) * Math.Exp(-rho) * (1 + x);
        }
        return 2 * sum * Width / 3;
    }

    private Tensor Leaf(Tape tape, Shape shape)
    {
        var storage = tape.Rent(DType.F32, shape.Count);
        _device.Write(storage, Fixed((int)shape.Count, -1, 1));
        return Tensor.Leaf(shape, storage);
    }

    private static Tensor Hot(Tape tape)
    {
        var hot = new float[20];
        for (int row = 0; row < 4; row++)
        {
            hot[(row * 5) + (row * 2 % 5)] = 1;
        }
        return tape.Input(Square, hot);
    }

    private static float[] Fixed(int count, float low, float high)
    {
        var rng = new Rng(9);
        var values = new float[count];
        foreach (ref float value in values.AsSpan())
        {
            value = low + ((high - low) * rng.NextFloat());
        }
        return values;
    }
}
