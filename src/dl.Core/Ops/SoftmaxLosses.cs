// Losses of a row of logits beside the plain cross-entropy, each fused with its softmax and one
// number a row, so that a caller may weigh the rows.
//   soft targets: loss_i = -sum_c w_c q_ic log p_ic,  q = (1-s) target + s/K
//   focal:        loss_i = -(1 - p_it)^gamma log p_it           (Lin et al. 2017, arXiv 1708.02002)
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>losses[r] = cross-entropy of row r of x against row r of target.</summary>
        /// <param name="target">As large as x: shares of the classes, usually with sum 1.</param>
        /// <param name="weight">Weight of each class, or null for 1.</param>
        public abstract void SoftCrossEntropy(
            Storage x, Storage target, Storage? weight, Storage losses, int rows, int columns,
            float smoothing);

        /// <summary>dx = dlosses[r] * (p sum(w q) - w q) + beta * dx.</summary>
        public abstract void SoftCrossEntropyGradient(
            Storage x, Storage target, Storage? weight, Storage dlosses, Storage dx, int rows,
            int columns, float smoothing, float beta);

        /// <summary>losses[r] = -(1 - p)^gamma log p, p the target's probability.</summary>
        /// <param name="target">Class indices, i32, one a row.</param>
        public abstract void SoftmaxFocal(
            Storage x, Storage target, Storage losses, int rows, int columns, float gamma);

        /// <summary>
        /// dx_j = dlosses[r] * g * ([j = t] - p_j) + beta * dx_j with
        /// g = gamma (1 - p)^(gamma-1) p log p - (1 - p)^gamma, p = p_t.
        /// </summary>
        public abstract void SoftmaxFocalGradient(
            Storage x, Storage target, Storage dlosses, Storage dx, int rows, int columns,
            float gamma, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Cross-entropy against shares of classes, focal loss.</summary>
    public static class SoftmaxLossOps
    {
        /// <summary>
        /// Cross-entropy of each row of logits (..., classes) against shares of the same shape:
        /// (rows). The target is taken as given; no gradient flows into it.
        /// </summary>
        public static Tensor SoftCrossEntropy(
            this Tape tape, Tensor logits, Tensor target, Tensor? weight = null,
            float smoothing = 0)
        {
            int rows = logits.Shape.Rows, columns = logits.Shape.Last;
            if (target.Shape.Count != logits.Shape.Count
                || (weight is not null && weight.Shape.Count != columns))
            {
                throw new UsageException(
                    $"soft cross-entropy: logits {logits.Shape} need a target of the same shape "
                    + $"and {columns} weights; got {target.Shape} and {weight?.Shape.Count}");
            }
            var device = tape.Device;
            var losses = tape.New(new Shape(rows));
            device.SoftCrossEntropy(
                logits.Storage, target.Storage, weight?.Storage, losses.Storage, rows, columns,
                smoothing);
            return tape.Record(losses, [logits], dlosses =>
            {
                if (tape.Wants(logits, out var dx, out float beta))
                {
                    device.SoftCrossEntropyGradient(
                        logits.Storage, target.Storage, weight?.Storage, dlosses, dx, rows,
                        columns, smoothing, beta);
                }
            });
        }

        /// <summary>
        /// Focal loss of each row of logits (..., classes) against class indices: (rows).
        /// </summary>
        public static Tensor SoftmaxFocal(
            this Tape tape, Tensor logits, Tensor target, float gamma)
        {
            int rows = logits.Shape.Rows, columns = logits.Shape.Last;
            if (target.Shape.Count != rows || gamma < 0)
            {
                throw new UsageException(
                    $"focal: logits {logits.Shape} need {rows} targets and gamma of at least 0; "
                    + $"got {target.Shape.Count} and {gamma}");
            }
            var device = tape.Device;
            var losses = tape.New(new Shape(rows));
            device.SoftmaxFocal(
                logits.Storage, target.Storage, losses.Storage, rows, columns, gamma);
            return tape.Record(losses, [logits], dlosses =>
            {
                if (tape.Wants(logits, out var dx, out float beta))
                {
                    device.SoftmaxFocalGradient(
                        logits.Storage, target.Storage, dlosses, dx, rows, columns, gamma, beta);
                }
            });
        }
    }
}
