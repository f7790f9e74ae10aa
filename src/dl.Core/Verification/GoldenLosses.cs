// Reference cases of losses. PyTorch's `reduction`, where a case states it, says how the numbers of
// a batch become one: `mean` unless said otherwise.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenLosses
{
    public static readonly GoldenRow[] Rows =
    [
        new("mse", "x target loss", test => Pointwise(test, BinaryOps.SquaredError)),
        new("mae", "x target loss", test => Pointwise(test, BinaryOps.AbsoluteError)),
        new("l1", "x target loss", test => Pointwise(test, BinaryOps.AbsoluteError)),
        new("huber", "x target loss", test =>
            Pointwise(test, BinaryOps.Huber, (float)test.Number("delta", 1))),
        new("smooth_l1", "x target loss", SmoothL1),
        new("log_cosh", "x target loss", test => Pointwise(test, BinaryOps.LogCosh)),
        new("quantile", "x target loss", Quantile),
        new("pinball", "x target loss", Quantile),
        new("poisson_nll", "x target loss", PoissonNll),
        new("gaussian_nll", "x target var loss", GaussianNll),
        new("bce_with_logits", "x target loss", SigmoidCrossEntropy),
        new("bce", "x target loss", test => Pointwise(test, BinaryOps.ProbabilityCrossEntropy)),
        new("sigmoid_focal", "x target loss", SigmoidFocal),
        new("softmax_focal", "x target loss", SoftmaxFocal),
        new("binary_hinge", "x target loss", test => Pointwise(test, BinaryOps.Hinge)),
        new("multi_margin", "x target loss", MultiMargin),
        new("soft_cross_entropy", "x target loss", SoftCrossEntropy),
        new("cross_entropy", "x target loss", CrossEntropy),
        new("nll", "x target loss", NegativeLogLikelihood),
        new("kl_div", "x target loss", KlDivergence),
        new("dice", "x target loss", test => test.FinishLoss(test.Tape.Dice(
            test.Leaf("x"), test.Constant("target"), (float)test.Number("smooth", 1)))),
        new("cosine_embedding", "x other target loss", CosineEmbedding),
        new("contrastive", "x other target loss", Contrastive),
        new("triplet", "x positive negative loss", Triplet),
        new("ctc", "x target input_lengths target_lengths loss", Ctc),
    ];

    private static void Pointwise(GoldenCase test, BinaryOp op, float? alpha = null)
    {
        var weight = test.Tensors.Contains("weight") ? test.Constant("weight") : null;
        var losses = test.Tape.Binary(op, test.Leaf("x"), test.Constant("target"), alpha);
        Reduce(test, weight is null ? losses : test.Tape.Multiply(losses, weight));
    }

    /// <summary>One number of many, by the case's `reduction`; samples come first.</summary>
    private static void Reduce(GoldenCase test, Tensor losses)
    {
        test.FinishLoss((test.Text("reduction") ?? "mean") switch
        {
            "mean" => test.Tape.Mean(losses),
            "sum" => test.Tape.Sum(losses),
            "batchmean" => PerSample(test, losses),
            string other => throw new NotBuiltException($"reduction {other}"),
        });
    }

    private static Tensor PerSample(GoldenCase test, Tensor losses) => test.Tape.Unary(
        UnaryOps.Scale, test.Tape.Sum(losses), 1f / losses.Shape[0]);

    /// <summary>Huber's loss in other units: squared within beta, slope 1 beyond.</summary>
    private static void SmoothL1(GoldenCase test)
    {
        float beta = (float)test.Number("beta", 1);
        var (x, target) = (test.Leaf("x"), test.Constant("target"));
        Reduce(test, beta == 0
            ? test.Tape.Binary(BinaryOps.AbsoluteError, x, target)
            : test.Tape.Unary(
                UnaryOps.Scale, test.Tape.Binary(BinaryOps.Huber, x, target, beta), 1 / beta));
    }

    private static void Quantile(GoldenCase test) => Pointwise(
        test, BinaryOps.Pinball, (float)test.Number("q", test.Number("quantile", 0.5)));

    private static void PoissonNll(GoldenCase test)
    {
        var tape = test.Tape;
        float epsilon = (float)test.Number("eps", 1e-8);
        var x = test.Leaf("x");
        var (shape, counts) = Layout.Same.Apply(test.Raw("target"));
        var target = tape.Input(shape, counts);
        var losses = test.Flag("log_input", true)
            ? tape.Binary(BinaryOps.PoissonNll, x, target)
            : tape.Binary(BinaryOps.Subtract, x, tape.Multiply(
                target, tape.Unary(UnaryOps.Log, tape.Add(x, tape.Constant(epsilon)))));
        if (test.Flag("full", false))
        {
            // Stirling's approximation of log target!, which no gradient sees.
            var rest = Array.ConvertAll(counts, t => t <= 1 ? 0
                : (float)((t * Math.Log(t)) - t + (0.5 * Math.Log(2 * Math.PI * t))));
            losses = tape.Add(losses, tape.Input(shape, rest));
        }
        Reduce(test, losses);
    }

    private static void GaussianNll(GoldenCase test)
    {
        var tape = test.Tape;
        var logVariance = tape.Unary(UnaryOps.Log, test.Leaf("var"));
        // Variances below eps do not occur in the cases.
        test.Number("eps", 0);
        var losses = tape.GaussianNll(test.Leaf("x"), test.Constant("target"), logVariance);
        Reduce(test, test.Flag("full", false)
            ? tape.Add(losses, tape.Constant((float)(0.5 * Math.Log(2 * Math.PI)))) : losses);
    }

    private static void SigmoidCrossEntropy(GoldenCase test)
    {
        var positive = test.Tensors.Contains("pos_weight") ? test.Constant("pos_weight")
            : test.Number("pos_weight", 1) is var number && number != 1
                ? test.Tape.Constant((float)number) : null;
        var weight = test.Tensors.Contains("weight") ? test.Constant("weight") : null;
        var losses = test.Tape.SigmoidCrossEntropy(
            test.Leaf("x"), test.Constant("target"), positive);
        Reduce(test, weight is null ? losses : test.Tape.Multiply(losses, weight));
    }

    private static void SigmoidFocal(GoldenCase test)
    {
        double alpha = test.Number("alpha", -1);
        Reduce(test, test.Tape.SigmoidFocal(
            test.Leaf("x"), test.Constant("target"), (float)test.Number("gamma", 2),
            alpha < 0 ? null : (float)alpha));
    }

    private static void SoftmaxFocal(GoldenCase test) => Reduce(test, test.Tape.SoftmaxFocal(
        test.Leaf("x"), test.Indices("target"), (float)test.Number("gamma", 2)));

    private static void MultiMargin(GoldenCase test)
    {
        var x = test.Leaf("x");
        var weight = test.Tensors.Contains("weight") ? test.Raw("weight").Floats : null;
        var (hot, weights) = OneHot(test, x.Shape, weight);
        var losses = test.Tape.MultiMargin(
            x, hot, (float)test.Number("margin", 1), test.Integer("p", 1));
        Reduce(test, test.Tape.Multiply(losses, test.Tape.Input(losses.Shape, weights)));
    }

    private static void SoftCrossEntropy(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        var layout = rank == 2 ? Layout.Same : Layout.Image(rank);
        var weight = test.Tensors.Contains("weight") ? test.Constant("weight") : null;
        Reduce(test, test.Tape.SoftCrossEntropy(
            test.Leaf("x", layout), test.Constant("target", layout), weight,
            (float)test.Number("label_smoothing", 0)));
    }

    /// <summary>Classes are the second dimension of the reference's logits.</summary>
    private static void CrossEntropy(GoldenCase test)
    {
        if (test.Raw("target").Floats is not null)
        {
            SoftCrossEntropy(test);
            return;
        }
        int rank = test.Raw("x").Extents.Length;
        var x = test.Leaf("x", rank == 2 ? Layout.Same : Layout.Image(rank));
        var weight = test.Tensors.Contains("weight") ? test.Constant("weight") : null;
        test.FinishLoss(test.Tape.SoftmaxCrossEntropy(
            x, test.Indices("target"), weight, (float)test.Number("label_smoothing", 0),
            test.Integer("ignore_index", SoftmaxOps.DefaultIgnoreIndex)));
    }

    /// <summary>Log-probabilities against classes: the weighted mean of -x at the target.</summary>
    private static void NegativeLogLikelihood(GoldenCase test)
    {
        var x = test.Leaf("x");
        int ignore = test.Integer("ignore_index", SoftmaxOps.DefaultIgnoreIndex);
        var weight = test.Tensors.Contains("weight") ? test.Raw("weight").Floats : null;
        var (hot, weights) = OneHot(test, x.Shape, weight, ignore);
        float total = 0;
        foreach (float w in weights)
        {
            total += w;
        }
        var shares = test.Tape.Input(
            new Shape(weights.Length, 1), Array.ConvertAll(weights, w => -w / total));
        test.FinishLoss(test.Tape.Sum(
            test.Tape.Multiply(x, test.Tape.Multiply(hot, shares))));
    }

    /// <summary>The divergence takes log-probabilities: those of the logits x.</summary>
    private static void KlDivergence(GoldenCase test)
    {
        var tape = test.Tape;
        var (x, target) = (tape.LogSoftmax(test.Leaf("x")), test.Constant("target"));
        if (test.Text("input") is not (null or "log-probabilities"))
        {
            throw new NotBuiltException("argument input");
        }
        target = test.Flag("log_target", false) ? tape.Unary(UnaryOps.Exp, target) : target;
        var losses = tape.Binary(BinaryOps.KlDivergence, x, target);
        // The name says it where the arguments do not.
        string reduction = test.Text("reduction") ?? "";
        if (reduction is "" && !test.Name.EndsWith("batchmean", StringComparison.Ordinal))
        {
            test.FinishLoss(tape.Mean(losses));
        }
        else if (reduction is "")
        {
            test.FinishLoss(PerSample(test, losses));
        }
        else
        {
            Reduce(test, losses);
        }
    }

    private static void CosineEmbedding(GoldenCase test) => Reduce(test, test.Tape.CosineEmbedding(
        test.Leaf("x"), test.Leaf("other"), Numbers(test, "target"),
        (float)test.Number("margin", 0)));

    private static void Contrastive(GoldenCase test) => Reduce(test, test.Tape.Contrastive(
        test.Leaf("x"), test.Leaf("other"), Numbers(test, "target"),
        (float)test.Number("margin", 1)));

    private static void Triplet(GoldenCase test) => Reduce(test, test.Tape.Triplet(
        test.Leaf("x"), test.Leaf("positive"), test.Leaf("negative"),
        (float)test.Number("margin", 1), (float)test.Number("p", 2),
        (float)test.Number("eps", 1e-6), test.Flag("swap", false)));

    /// <summary>
    /// Logits (time, batch, classes); targets in rows, or one after another. The mean divides each
    /// loss by the length of its target first, as PyTorch does.
    /// </summary>
    private static void Ctc(GoldenCase test)
    {
        var tape = test.Tape;
        var x = test.Leaf("x", new Layout(-1, [1, 0, 2]));
        var lengths = test.Raw("target_lengths").Integers ?? [];
        var target = test.Raw("target").Extents.Length == 2
            ? test.Indices("target") : Padded(test, lengths);
        var logP = test.Text("input") is null or "logits" ? tape.LogSoftmax(x) : x;
        var losses = tape.Ctc(
            logP, target, test.Indices("input_lengths"), test.Indices("target_lengths"),
            test.Integer("blank", 0), test.Flag("zero_infinity", false));
        if (test.Text("reduction") is null or "mean")
        {
            losses = tape.Multiply(losses, tape.Input(
                losses.Shape, Array.ConvertAll(lengths, n => 1f / Math.Max(n, 1))));
        }
        Reduce(test, losses);
    }

    private static Tensor Padded(GoldenCase test, int[] lengths)
    {
        var all = test.Raw("target").Integers ?? [];
        int width = Math.Max(1, lengths.Max()), at = 0;
        var rows = new int[lengths.Length * width];
        for (int n = 0; n < lengths.Length; n++)
        {
            all.AsSpan(at, lengths[n]).CopyTo(rows.AsSpan(n * width));
            at += lengths[n];
        }
        return test.Tape.Input(new Shape(lengths.Length, width), rows);
    }

    /// <summary>Rows with a 1 at the target, and the weight of each row's class.</summary>
    private static (Tensor Hot, float[] Weights) OneHot(
        GoldenCase test, Shape shape, float[]? weight, int? ignore = null)
    {
        var target = test.Raw("target").Integers
            ?? throw new NotBuiltException("target is not made of integers");
        var hot = new float[shape.Count];
        var weights = new float[target.Length];
        for (int i = 0; i < target.Length; i++)
        {
            if (target[i] != ignore)
            {
                hot[(i * shape.Last) + target[i]] = 1;
                weights[i] = weight is null ? 1 : weight[target[i]];
            }
        }
        return (test.Tape.Input(shape, hot), weights);
    }

    /// <summary>Numbers, whether they are stored as such or as integers.</summary>
    private static Tensor Numbers(GoldenCase test, string name)
    {
        var raw = test.Raw(name);
        return raw.Integers is { } integers
            ? test.Tape.Input(
                new Shape(raw.Extents), Array.ConvertAll(integers, value => (float)value))
            : test.Constant(name);
    }
}
