// Which op a reference case is about. A case belongs to the first row whose name it has (or begins
// with, before an underscore) and whose tensors it brings; the rows say how to call the op.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenOps
{
    private static readonly Size2 One = new(1, 1);

    private sealed record Row(string Name, string Tensors, Action<GoldenCase> Run);

    /// <summary>Longer names stand before the shorter ones that they begin with.</summary>
    private static readonly Row[] Rows =
    [
        new("linear", "x w y", Linear),
        new("matmul", "a b y", test =>
            test.Finish(test.Tape.MatMul(test.Leaf("a"), test.Leaf("b")))),
        new("conv2d", "x w y", Convolution),
        new("conv1d", "x w y", Convolution),
        new("conv_transpose2d", "x w y", ConvolutionTransposed),
        new("conv_transpose1d", "x w y", ConvolutionTransposed),
        new("max_pool2d", "x y", MaxPool),
        new("max_pool1d", "x y", MaxPool),
        new("avg_pool2d", "x y", AveragePool),
        new("avg_pool1d", "x y", AveragePool),
        new("global_avg_pool2d", "x y", GlobalAveragePool),
        new("embedding", "w ids y", test =>
            test.Finish(test.Tape.Gather(test.Leaf("w"), test.Indices("ids")))),

        new("log_softmax", "x y", test => test.Finish(test.Tape.LogSoftmax(test.Leaf("x")))),
        new("softmax", "x y", test => test.Finish(test.Tape.Softmax(test.Leaf("x")))),
        new("mse", "x target loss", test => Pointwise(test, BinaryOps.SquaredError)),
        new("mae", "x target loss", test => Pointwise(test, BinaryOps.AbsoluteError)),
        new("huber", "x target loss", test =>
            Pointwise(test, BinaryOps.Huber, (float)test.Number("delta", 1))),
        new("bce_with_logits", "x target loss", test =>
            Pointwise(test, BinaryOps.SigmoidCrossEntropy)),
        new("binary_hinge", "x target loss", test => Pointwise(test, BinaryOps.Hinge)),
        new("cross_entropy", "x target loss", CrossEntropy),

        new("sgd", "w0 gradients w_after_each_step", Sgd),
        new("momentum", "w0 gradients w_after_each_step", Sgd),
        new("nesterov", "w0 gradients w_after_each_step", Sgd),
        new("adamw", "w0 gradients w_after_each_step", test => Adam(test, true)),
        new("adam", "w0 gradients w_after_each_step", test => Adam(test, false)),
    ];

    /// <summary>How to run the case, or null where nothing here has its name.</summary>
    public static Action<GoldenCase>? Find(GoldenCase test)
    {
        foreach (var row in Rows)
        {
            if (Matches(test, row.Name)
                && row.Tensors.Split(' ').All(name => test.Tensors.Contains(name)))
            {
                return row.Run;
            }
        }
        UnaryOp? best = null;
        foreach (var op in UnaryOps.All)
        {
            bool fits = Matches(test, op.Name) || Matches(test, op.Name.Replace("_", ""));
            if (fits && op.Name.Length > (best?.Name.Length ?? 0))
            {
                best = op;
            }
        }
        return best is null || !test.Tensors.Contains("x") || !test.Tensors.Contains("y")
            ? null : tested => Activation(tested, best);
    }

    private static bool Matches(GoldenCase test, string name) =>
        test.Name.StartsWith(name, StringComparison.Ordinal)
        && (test.Name.Length == name.Length || test.Name[name.Length] == '_');

    private static void Activation(GoldenCase test, UnaryOp op)
    {
        double alpha = test.Number("negative_slope", test.Number("alpha", op.Alpha));
        test.Finish(test.Tape.Unary(op, test.Leaf("x"), (float)alpha));
    }

    private static void Linear(GoldenCase test) =>
        test.Finish(test.Tape.Linear(
            test.Leaf("x"), test.Leaf("w", Layout.Transposed), OptionalLeaf(test, "b")));

    private static void Convolution(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        var x = test.Leaf("x", Layout.Image(rank));
        var w = test.Leaf("w", Layout.Filter(rank));
        var b = OptionalLeaf(test, "b");
        int? height = rank == 3 ? 1 : null;
        var stride = test.Pair("stride", One, height);
        var dilation = test.Pair("dilation", One, height);
        var even = test.Pair("padding", default, rank == 3 ? 0 : null);
        int left = test.Integer("left_pad", 0);
        var padding = Padding.Even(even.Height, even.Width) with { Left = even.Width + left };
        test.Finish(
            test.Tape.Convolution(x, w, b, stride, padding, dilation, test.Integer("groups", 1)),
            Layout.Image(rank));
    }

    private static void ConvolutionTransposed(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        var x = test.Leaf("x", Layout.Image(rank));
        var w = test.Leaf("w", Layout.Filter(rank));
        var b = OptionalLeaf(test, "b");
        int? height = rank == 3 ? 1 : null;
        int? none = rank == 3 ? 0 : null;
        var stride = test.Pair("stride", One, height);
        var dilation = test.Pair("dilation", One, height);
        var padding = test.Pair("padding", default, none);
        var extra = test.Pair("output_padding", default, none);
        var output = new Size2(
            Grown(x.Shape[1], w.Shape[0], stride.Height, dilation.Height, padding.Height)
                + extra.Height,
            Grown(x.Shape[2], w.Shape[1], stride.Width, dilation.Width, padding.Width)
                + extra.Width);
        test.Finish(
            test.Tape.ConvolutionTransposed(
                x, w, b, output, stride, Padding.Even(padding.Height, padding.Width), dilation,
                test.Integer("groups", 1)),
            Layout.Image(rank));
    }

    private static int Grown(int extent, int kernel, int stride, int dilation, int padding) =>
        ((extent - 1) * stride) + ((kernel - 1) * dilation) + 1 - (2 * padding);

    private static void MaxPool(GoldenCase test)
    {
        var (x, window, stride, padding, layout) = Pool(test);
        test.Finish(test.Tape.MaxPool(x, window, stride, padding), layout);
    }

    private static void AveragePool(GoldenCase test)
    {
        var (x, window, stride, padding, layout) = Pool(test);
        bool count = test.Flag("count_include_pad", true);
        test.Finish(test.Tape.AveragePool(x, window, stride, padding, count), layout);
    }

    private static (Tensor X, Size2 Window, Size2 Stride, Padding Padding, Layout Layout) Pool(
        GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        int? height = rank == 3 ? 1 : null;
        var layout = Layout.Image(rank);
        var window = test.Pair("kernel", One, height);
        var stride = test.Pair("stride", window, height);
        var padding = test.Pair("padding", default, rank == 3 ? 0 : null);
        return (test.Leaf("x", layout), window, stride,
            Padding.Even(padding.Height, padding.Width), layout);
    }

    private static void GlobalAveragePool(GoldenCase test)
    {
        var layout = Layout.Image(test.Raw("x").Extents.Length);
        var mean = test.Tape.Mean(test.Leaf("x", layout), 1, 3);
        test.Finish(mean.Reshape(new Shape(mean.Shape[0], 1, 1, mean.Shape[1])), layout);
    }

    private static void Pointwise(GoldenCase test, BinaryOp op, float? alpha = null)
    {
        var losses = test.Tape.Binary(op, test.Leaf("x"), test.Constant("target"), alpha);
        test.FinishLoss(test.Tape.Mean(losses));
    }

    /// <summary>Classes are the second dimension of the reference's logits.</summary>
    private static void CrossEntropy(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        var x = test.Leaf("x", rank == 2 ? Layout.Same : Layout.Image(rank));
        var weight = test.Tensors.Contains("weight") ? test.Constant("weight") : null;
        test.FinishLoss(test.Tape.SoftmaxCrossEntropy(
            x, test.Indices("target"), weight, (float)test.Number("label_smoothing", 0),
            test.Integer("ignore_index", SoftmaxOps.DefaultIgnoreIndex)));
    }

    private static void Sgd(GoldenCase test)
    {
        float rate = (float)test.Number("lr", 1), momentum = (float)test.Number("momentum", 0);
        float decay = (float)test.Number("weight_decay", 0);
        bool nesterov = test.Flag("nesterov", false);
        Trajectory(test, 1, (w, g, state, n, _) => test.Tape.Device.SgdStep(
            w, g, momentum == 0 ? null : state[0], n, rate, momentum, decay, nesterov));
    }

    private static void Adam(GoldenCase test, bool decoupled)
    {
        float rate = (float)test.Number("lr", 1e-3), epsilon = (float)test.Number("eps", 1e-8);
        float decay = (float)test.Number("weight_decay", 0);
        double[] betas = test.Numbers("betas") ?? [0.9, 0.999];
        Trajectory(test, 2, (w, g, state, n, step) => test.Tape.Device.AdamStep(
            w, g, state[0], state[1], n, new AdamSettings(
                rate, (float)betas[0], (float)betas[1], epsilon, decay, decoupled,
                (float)(1 - Math.Pow(betas[0], step)), (float)(1 - Math.Pow(betas[1], step)))));
    }

    /// <summary>Steps with given gradients (steps, n); compares the weights after each.</summary>
    /// <param name="states">Arrays of n zeros that the rule keeps.</param>
    private static void Trajectory(
        GoldenCase test, int states, Action<Storage, Storage, Storage[], int, int> step)
    {
        var device = test.Tape.Device;
        var start = test.Raw("w0").Floats
            ?? throw new NotBuiltException("integers where numbers were expected");
        var gradients = test.Raw("gradients").Floats ?? [];
        int n = start.Length, steps = gradients.Length / n;
        var w = test.Tape.Input(new Shape(n), start).Storage;
        var g = test.Tape.Rent(DType.F32, n);
        var state = new Storage[states];
        for (int i = 0; i < states; i++)
        {
            state[i] = test.Tape.Rent(DType.F32, n);
            device.Fill(state[i], n, 0);
        }
        var trajectory = new float[steps * n];
        for (int t = 0; t < steps; t++)
        {
            device.Write(g, gradients.AsSpan(t * n, n));
            step(w, g, state, n, t + 1);
            device.Read(w, trajectory.AsSpan(t * n, n));
        }
        test.FinishValues("w_after_each_step", trajectory);
    }

    private static Tensor? OptionalLeaf(GoldenCase test, string name) =>
        test.Tensors.Contains(name) ? test.Leaf(name) : null;
}
