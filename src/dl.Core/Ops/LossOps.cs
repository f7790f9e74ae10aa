// Losses made of other ops. Those with one number a row return (rows), so that a caller may weigh
// the rows; the others are scalars.
using Dl.Tensors;

namespace Dl.Ops;

public static class LossOps
{
    /// <summary>Added to differences before a distance is taken, as PyTorch does.</summary>
    private const float DistanceEpsilon = 1e-6f;

    /// <summary>
    /// Sigmoid cross-entropy of logits, element by element; targets of 1 count
    /// <paramref name="positiveWeight"/> times: one number, or one a column.
    /// </summary>
    public static Tensor SigmoidCrossEntropy(
        this Tape tape, Tensor logits, Tensor target, Tensor? positiveWeight)
    {
        var plain = tape.Binary(BinaryOps.SigmoidCrossEntropy, logits, target);
        if (positiveWeight is null)
        {
            return plain;
        }
        // The part of a target of 1, y softplus(-x), once is in it already.
        var own = tape.Unary(UnaryOps.Softplus, tape.Unary(UnaryOps.Scale, logits, -1));
        var more = tape.Binary(
            BinaryOps.Subtract, positiveWeight, tape.Constant(1));
        return tape.Add(plain, tape.Multiply(tape.Multiply(own, target), more));
    }

    /// <summary>
    /// Binary focal loss of logits (Lin et al. 2017), element by element; targets of 1 count
    /// <paramref name="alpha"/>, targets of 0 count 1 - alpha; null: both 1.
    /// </summary>
    public static Tensor SigmoidFocal(
        this Tape tape, Tensor logits, Tensor target, float gamma, float? alpha = null)
    {
        var losses = tape.Binary(BinaryOps.SigmoidFocal, logits, target, gamma);
        if (alpha is not { } share)
        {
            return losses;
        }
        var weight = tape.Add(
            tape.Unary(UnaryOps.Scale, target, (2 * share) - 1), tape.Constant(1 - share));
        return tape.Multiply(losses, weight);
    }

    /// <summary>
    /// Multi-class hinge: sum over the wrong classes j of max(0, margin - x_t + x_j)^power / K,
    /// (rows); Weston and Watkins 1999, divided as PyTorch's multi_margin_loss.
    /// </summary>
    /// <param name="hot">(rows, K): 1 at the right class, else 0.</param>
    /// <param name="power">1 or 2.</param>
    public static Tensor MultiMargin(
        this Tape tape, Tensor scores, Tensor hot, float margin = 1, int power = 1)
    {
        int rows = scores.Shape.Rows, columns = scores.Shape.Last;
        scores = scores.Reshape(new Shape(rows, columns));
        hot = hot.Reshape(scores.Shape);
        var right = tape.Sum(tape.Multiply(scores, hot), 1, 2).Reshape(new Shape(rows, 1));
        var excess = tape.Unary(UnaryOps.Relu, tape.Add(
            tape.Binary(BinaryOps.Subtract, scores, right), tape.Constant(margin)));
        excess = power == 2 ? tape.Unary(UnaryOps.Square, excess) : excess;
        // The right class itself is out by the margin; it does not count.
        var wrong = tape.Binary(BinaryOps.Subtract, excess, tape.Multiply(excess, hot));
        return tape.Mean(wrong, 1, 2);
    }

    /// <summary>
    /// Negative log-likelihood of targets under normal distributions without its constant,
    /// (log v + (x - target)^2 / v) / 2 element by element, v = exp(logVariance).
    /// </summary>
    public static Tensor GaussianNll(
        this Tape tape, Tensor mean, Tensor target, Tensor logVariance)
    {
        var precision = tape.Unary(
            UnaryOps.Exp, tape.Unary(UnaryOps.Scale, logVariance, -1));
        var distance = tape.Multiply(
            tape.Binary(BinaryOps.SquaredError, mean, target), precision);
        return tape.Unary(UnaryOps.Scale, tape.Add(distance, logVariance), 0.5f);
    }

    /// <summary>
    /// Soft dice loss (Milletari et al. 2016): 1 - (2 sum p t + smooth) / (sum p + sum t + smooth)
    /// with sums over all rows for each column of (..., columns), and the mean over the columns.
    /// </summary>
    public static Tensor Dice(
        this Tape tape, Tensor probabilities, Tensor target, float smooth = 1)
    {
        var flat = new Shape(probabilities.Shape.Rows, probabilities.Shape.Last);
        var (p, t) = (probabilities.Reshape(flat), target.Reshape(flat));
        var constant = tape.Constant(smooth);
        var both = tape.Sum(tape.Multiply(p, t), 0, 1);
        var above = tape.Add(tape.Unary(UnaryOps.Scale, both, 2), constant);
        var below = tape.Add(tape.Add(tape.Sum(p, 0, 1), tape.Sum(t, 0, 1)), constant);
        var overlap = tape.Mean(tape.Binary(BinaryOps.Divide, above, below));
        return tape.Binary(BinaryOps.Subtract, tape.Constant(1).Reshape(new Shape()), overlap);
    }

    /// <summary>
    /// Distance of each row of a (rows, n) from that of b, (rows): (sum |a - b + eps|^p)^(1/p).
    /// </summary>
    public static Tensor Distance(
        this Tape tape, Tensor a, Tensor b, float power = 2, float epsilon = DistanceEpsilon)
    {
        var e = tape.Binary(BinaryOps.Subtract, a, b);
        e = epsilon == 0 ? e : tape.Add(e, tape.Constant(epsilon));
        if (power == 2)
        {
            return tape.Unary(UnaryOps.Sqrt, tape.Sum(tape.Unary(UnaryOps.Square, e), 1, 2));
        }
        var size = tape.Unary(UnaryOps.Abs, e);
        return power == 1
            ? tape.Sum(size, 1, 2)
            : tape.Power(tape.Sum(tape.Power(size, power), 1, 2), 1 / power);
    }

    /// <summary>
    /// Triplet loss (Schroff et al. 2015): max(0, d(anchor, positive) - d(anchor, negative) +
    /// margin), (rows).
    /// </summary>
    /// <param name="swap">
    /// The negative's distance is the smaller of those from anchor and positive (Balntas 2016).
    /// </param>
    public static Tensor Triplet(
        this Tape tape, Tensor anchor, Tensor positive, Tensor negative, float margin = 1,
        float power = 2, float epsilon = DistanceEpsilon, bool swap = false)
    {
        var near = tape.Distance(anchor, positive, power, epsilon);
        var far = tape.Distance(anchor, negative, power, epsilon);
        if (swap)
        {
            // min(a, b) = a - relu(a - b).
            var other = tape.Distance(positive, negative, power, epsilon);
            far = tape.Binary(BinaryOps.Subtract, far,
                tape.Unary(UnaryOps.Relu, tape.Binary(BinaryOps.Subtract, far, other)));
        }
        return tape.Unary(UnaryOps.Relu, tape.Add(
            tape.Binary(BinaryOps.Subtract, near, far), tape.Constant(margin)));
    }

    /// <summary>
    /// Contrastive loss of pairs (Hadsell et al. 2006, eq. 4), (rows): d^2 / 2 for similar ones,
    /// max(0, margin - d)^2 / 2 for the others.
    /// </summary>
    /// <param name="different">(rows): 0 for a similar pair, 1 for another: the paper's Y.</param>
    public static Tensor Contrastive(
        this Tape tape, Tensor a, Tensor b, Tensor different, float margin = 1)
    {
        var d = tape.Distance(a, b);
        var pull = tape.Unary(UnaryOps.Square, d);
        var push = tape.Unary(UnaryOps.Square, tape.Unary(UnaryOps.Relu,
            tape.Binary(BinaryOps.Subtract, tape.Constant(margin), d)));
        return tape.Unary(UnaryOps.Scale, tape.Blend(pull, push, different), 0.5f);
    }

    /// <summary>
    /// Cosine embedding loss of pairs, (rows): 1 - cos for target 1, max(0, cos - margin) for
    /// target -1.
    /// </summary>
    public static Tensor CosineEmbedding(
        this Tape tape, Tensor a, Tensor b, Tensor target, float margin = 0)
    {
        // Keeps the quotient finite for rows of zeros, as PyTorch has it.
        var tiny = tape.Constant(1e-12f);
        var lengths = tape.Multiply(
            tape.Add(tape.Sum(tape.Unary(UnaryOps.Square, a), 1, 2), tiny),
            tape.Add(tape.Sum(tape.Unary(UnaryOps.Square, b), 1, 2), tiny));
        var cosine = tape.Binary(BinaryOps.Divide,
            tape.Sum(tape.Multiply(a, b), 1, 2), tape.Unary(UnaryOps.Sqrt, lengths));
        var one = tape.Constant(1);
        var apart = tape.Unary(UnaryOps.Relu,
            tape.Binary(BinaryOps.Subtract, cosine, tape.Constant(margin)));
        var together = tape.Binary(BinaryOps.Subtract, one, cosine);
        var share = tape.Unary(UnaryOps.Scale, tape.Add(target, one), 0.5f);
        return tape.Blend(apart, together, share);
    }

    /// <summary>(1 - share) a + share b.</summary>
    private static Tensor Blend(this Tape tape, Tensor a, Tensor b, Tensor share) =>
        tape.Add(a, tape.Multiply(tape.Binary(BinaryOps.Subtract, b, a), share));

    /// <summary>x^power for x above 0.</summary>
    private static Tensor Power(this Tape tape, Tensor x, float power) => tape.Unary(UnaryOps.Exp,
        tape.Unary(UnaryOps.Scale, tape.Unary(UnaryOps.Log, x), power));

    /// <summary>One number that broadcasts.</summary>
    internal static Tensor Constant(this Tape tape, float value)
    {
        var tensor = tape.New(new Shape(1));
        tape.Device.Fill(tensor.Storage, 1, value);
        return tensor;
    }
}
