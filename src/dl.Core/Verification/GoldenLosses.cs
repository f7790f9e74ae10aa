// Reference cases of losses.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenLosses
{
    public static readonly GoldenRow[] Rows =
    [
        new("mse", "x target loss", test => Pointwise(test, BinaryOps.SquaredError)),
        new("mae", "x target loss", test => Pointwise(test, BinaryOps.AbsoluteError)),
        new("huber", "x target loss", test =>
            Pointwise(test, BinaryOps.Huber, (float)test.Number("delta", 1))),
        new("bce_with_logits", "x target loss", test =>
            Pointwise(test, BinaryOps.SigmoidCrossEntropy)),
        new("binary_hinge", "x target loss", test => Pointwise(test, BinaryOps.Hinge)),
        new("cross_entropy", "x target loss", CrossEntropy),
    ];

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
}
