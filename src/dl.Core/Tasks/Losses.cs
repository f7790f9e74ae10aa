// Every loss by name, and how each is made of ops (rows of PointwiseLosses.cs, Softmax.cs,
// SoftmaxLosses.cs, LossOps.cs, Ctc.cs).
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tasks;

public static class Losses
{
    /// <summary>
    /// Least variance that gaussian_nll learns, of standardised targets: a perfect fit would
    /// otherwise drive it to 0 and the gradient to infinity.
    /// </summary>
    public const float MinLogVariance = -13.815511f;

    private const float NotGiven = float.NaN;

    private static readonly LossArgument Margin = new("margin", 1, 0, Open: true);

    /// <summary>Every loss, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Loss> All { get; } =
    [
        new("cross_entropy", "softmax cross-entropy, one of several classes",
            TargetForm.Index, Link.Softmax, CrossEntropy) { WeighsClasses = true },
        new("binary_cross_entropy", "sigmoid cross-entropy, each output yes or no",
            TargetForm.Binary, Link.Sigmoid, BinaryCrossEntropy),
        new("focal", "cross-entropy in which what is nearly sure counts little; focal:GAMMA,ALPHA "
            + "(Lin 2017)", TargetForm.Binary, Link.Sigmoid, SigmoidFocal)
        {
            Takes = [new("gamma", 2, 0), new("alpha", NotGiven, 0, 1, Open: true)],
            ManyClasses = new("focal", "", TargetForm.Index, Link.Softmax, SoftmaxFocal),
        },
        new("kl_divergence", "Kullback-Leibler divergence from the (smoothed) label",
            TargetForm.Shares, Link.Softmax, KlDivergence),
        new("hinge", "max(0, 1 - y x), the support vector machine's; of the wrong class for more "
            + "than two", TargetForm.Signs, Link.Threshold, Mean(BinaryOps.Hinge))
        {
            ManyClasses = new("hinge", "", TargetForm.Shares, Link.Threshold, MultiMargin),
        },
        new("perceptron", "max(0, -y x), whose gradient step is Rosenblatt's rule",
            TargetForm.Signs, Link.Threshold, Mean(BinaryOps.PerceptronCriterion)),
        new("dice", "1 - overlap of labels and probabilities over the batch; dice:SMOOTH",
            TargetForm.Binary, Link.Sigmoid, Dice) { Takes = [new("smooth", 1, 0, Open: true)] },
        new("mse", "mean squared error", TargetForm.Values, Link.Identity,
            Mean(BinaryOps.SquaredError)),
        new("mae", "mean absolute error", TargetForm.Values, Link.Identity,
            Mean(BinaryOps.AbsoluteError)),
        new("huber", "squared near the target, absolute beyond DELTA deviations; huber:DELTA",
            TargetForm.Values, Link.Identity, Mean(BinaryOps.Huber, argument: true))
        {
            Takes = [new("delta", 1, 0, Open: true)],
        },
        new("log_cosh", "log cosh of the error: huber without a kink", TargetForm.Values,
            Link.Identity, Mean(BinaryOps.LogCosh)),
        new("quantile", "pinball loss: a share Q of targets lies below the prediction; quantile:Q",
            TargetForm.Values, Link.Identity, Mean(BinaryOps.Pinball, argument: true))
        {
            Takes = [new("q", 0.5f, 0, 1, Open: true)],
        },
        new("poisson", "counts: Poisson likelihood, the output is the logarithm of the rate",
            TargetForm.Values, Link.Exponential, Mean(BinaryOps.PoissonNll)) { Counts = true },
        new("gaussian_nll", "normal likelihood: mean and deviation are learnt and predicted",
            TargetForm.Values, Link.Identity, GaussianNll) { OutputsPerTarget = 2 },
        new("adaptive_robust", "how much outliers count is learnt as well (Barron 2019)",
            TargetForm.Values, Link.Identity, AdaptiveRobust) { Learns = ["alpha", "scale"] },
        new("cosine_embedding", "pairs: cosine of like ones to 1, of others below MARGIN",
            TargetForm.Signs, Link.Identity, NoTable)
        {
            Takes = [new("margin", 0, -1, 1)],
            Needs = "pairs of samples, alike or not",
        },
        new("contrastive", "pairs: like ones together, others MARGIN apart (Hadsell 2006)",
            TargetForm.Binary, Link.Identity, NoTable)
        {
            Takes = [Margin],
            Needs = "pairs of samples, alike or not",
        },
        new("triplet", "triplets: nearer to its like than to another by MARGIN (Schroff 2015)",
            TargetForm.Index, Link.Identity, NoTable)
        {
            Takes = [Margin],
            Needs = "triplets of samples: one, one like it, another",
        },
        new("ctc", "sequences: labels without their places in the input (Graves 2006)",
            TargetForm.Index, Link.Softmax, NoTable)
        {
            Needs = "sequences of frames with sequences of labels",
        },
    ];

    /// <summary>A loss by name, with numbers behind a colon: `huber:0.5`.</summary>
    /// <exception cref="UsageException">No such loss, or its arguments are wrong.</exception>
    public static Loss Find(string text)
    {
        int colon = text.IndexOf(':');
        string name = colon < 0 ? text : text[..colon];
        foreach (var loss in All)
        {
            if (loss.Name == name)
            {
                return loss.With(colon < 0 ? null : text[(colon + 1)..]);
            }
        }
        throw new UsageException(Nearest.Unknown("loss", name, All.Select(l => l.Name)));
    }

    /// <summary>Shares instead of indices are taken as well: soft targets.</summary>
    private static Tensor CrossEntropy(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments)
    {
        var weight = settings.ClassWeights is { } w ? tape.Input(new Shape(w.Length), w) : null;
        return target.Storage.Type == DType.I32
            ? tape.SoftmaxCrossEntropy(output, target, weight, settings.LabelSmoothing)
            : tape.Mean(tape.SoftCrossEntropy(output, target, weight, settings.LabelSmoothing));
    }

    private static Tensor BinaryCrossEntropy(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments)
    {
        var positive = settings.PositiveWeight == 1
            ? null : tape.Constant(settings.PositiveWeight);
        return Mean(tape, tape.SigmoidCrossEntropy(output, target, positive), settings);
    }

    private static Tensor SigmoidFocal(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments) =>
        Mean(tape, tape.SigmoidFocal(output, target, arguments[0], Given(arguments[1])), settings);

    /// <summary>Alpha weighs one of two classes against the other; here class weights do.</summary>
    private static Tensor SoftmaxFocal(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments) =>
        float.IsNaN(arguments[1])
            ? Mean(tape, tape.SoftmaxFocal(output, target, arguments[0]), settings)
            : throw new UsageException(
                "loss 'focal': alpha weighs one of two classes, the data have more; leave it out "
                + "and give --class-weights");

    private static Tensor KlDivergence(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments)
    {
        var terms = tape.Binary(BinaryOps.KlDivergence, tape.LogSoftmax(output), target);
        return Mean(tape, tape.Sum(terms, 1, 2), settings);
    }

    private static Tensor MultiMargin(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments) =>
        Mean(tape, tape.MultiMargin(output, target), settings);

    private static Tensor Dice(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments) =>
        tape.Dice(tape.Unary(UnaryOps.Sigmoid, output), target, arguments[0]);

    /// <summary>Outputs: the means of all targets, then the logs of their variances.</summary>
    private static Tensor GaussianNll(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments)
    {
        int targets = output.Shape.Last / 2;
        var floor = tape.Constant(MinLogVariance);
        var logVariance = tape.Add(
            tape.Unary(UnaryOps.Relu, tape.Binary(
                BinaryOps.Subtract, tape.Slice(output, 1, targets, targets), floor)),
            floor);
        return Mean(
            tape, tape.GaussianNll(tape.Slice(output, 1, 0, targets), target, logVariance),
            settings);
    }

    private static Tensor AdaptiveRobust(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments) =>
        Mean(
            tape,
            tape.AdaptiveRobust(output, target, settings.Learnt[0], settings.Learnt[1]), settings);

    /// <summary>Tasks refuse a loss that <see cref="Loss.Needs"/> something else.</summary>
    private static Tensor NoTable(
        Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments) =>
        throw new InvalidOperationException("the loss is not for one output and its target");

    /// <param name="argument">The loss's one argument is the row's.</param>
    private static LossFunction Mean(BinaryOp op, bool argument = false) =>
        (tape, output, target, settings, arguments) => Mean(
            tape, tape.Binary(op, output, target, argument ? arguments[0] : null), settings);

    /// <summary>Mean of (rows, n) or (rows) losses, weighed by sample.</summary>
    private static Tensor Mean(Tape tape, Tensor losses, LossSettings settings)
    {
        if (settings.SampleWeights is not { } weights)
        {
            return tape.Mean(losses);
        }
        losses = losses.Shape.Rank == 1 ? losses.Reshape(weights.Shape) : losses;
        return tape.Mean(tape.Multiply(losses, weights));
    }

    private static float? Given(float argument) => float.IsNaN(argument) ? null : argument;
}
