// Softmax along the last dimension, its logarithm, and the fused softmax cross-entropy.
//   softmax(x)_j = exp(x_j - max x) / sum_k exp(x_k - max x)
//   loss = sum_i weight[t_i] * ((1-s) * -log p_i[t_i]) + s/K * sum_c weight[c] * -log p_i[c]
//          divided by sum_i weight[t_i]
// The fusion needs no probabilities in memory and its gradient is (p - target) in closed form.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y = softmax of each row of x; x and y may be the same.</summary>
        public abstract void Softmax(Storage x, Storage y, int rows, int columns);

        /// <summary>dx = y * (dy - sum(y * dy)) + beta * dx.</summary>
        public abstract void SoftmaxGradient(
            Storage y, Storage dy, Storage dx, int rows, int columns, float beta);

        /// <summary>y = x - max - log sum exp(x - max) for each row.</summary>
        public abstract void LogSoftmax(Storage x, Storage y, int rows, int columns);

        /// <summary>dx = dy - exp(y) * sum(dy) + beta * dx.</summary>
        public abstract void LogSoftmaxGradient(
            Storage y, Storage dy, Storage dx, int rows, int columns, float beta);

        /// <summary>
        /// loss[0] = the weighted mean cross-entropy of the rows, total[0] = sum of the rows'
        /// weights. Rows whose target is <paramref name="ignoreIndex"/> count nothing.
        /// </summary>
        /// <param name="target">Class indices, i32, one a row.</param>
        /// <param name="weight">Weight of each class, or null for 1.</param>
        public abstract void SoftmaxCrossEntropy(
            Storage x, Storage target, Storage? weight, Storage loss, Storage total,
            int rows, int columns, float smoothing, int ignoreIndex);

        /// <summary>dx = dloss[0] / total[0] * d(sum)/dx + beta * dx.</summary>
        public abstract void SoftmaxCrossEntropyGradient(
            Storage x, Storage target, Storage? weight, Storage dloss, Storage total, Storage dx,
            int rows, int columns, float smoothing, int ignoreIndex, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Softmax, log-softmax, cross-entropy.</summary>
    public static class SoftmaxOps
    {
        /// <summary>PyTorch's convention for "no label here".</summary>
        public const int DefaultIgnoreIndex = -100;

        public static Tensor Softmax(this Tape tape, Tensor x)
        {
            int rows = x.Shape.Rows, columns = x.Shape.Last;
            var y = tape.New(x.Shape);
            tape.Device.Softmax(x.Storage, y.Storage, rows, columns);
            return tape.Record(y, [x], (x, y, rows, columns), static (tape, dy, in s) =>
            {
                var (x, y, rows, columns) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.SoftmaxGradient(y.Storage, dy, dx, rows, columns, beta);
                }
            });
        }

        public static Tensor LogSoftmax(this Tape tape, Tensor x)
        {
            int rows = x.Shape.Rows, columns = x.Shape.Last;
            var y = tape.New(x.Shape);
            tape.Device.LogSoftmax(x.Storage, y.Storage, rows, columns);
            return tape.Record(y, [x], (x, y, rows, columns), static (tape, dy, in s) =>
            {
                var (x, y, rows, columns) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.LogSoftmaxGradient(y.Storage, dy, dx, rows, columns, beta);
                }
            });
        }

        /// <summary>
        /// Mean cross-entropy of logits (..., classes) against class indices (...), a scalar.
        /// </summary>
        public static Tensor SoftmaxCrossEntropy(
            this Tape tape, Tensor logits, Tensor target, Tensor? weight = null,
            float smoothing = 0, int ignoreIndex = DefaultIgnoreIndex)
        {
            int rows = logits.Shape.Rows, columns = logits.Shape.Last;
            if (target.Shape.Count != rows || (weight is not null && weight.Shape.Count != columns))
            {
                throw new UsageException(
                    $"cross-entropy: logits {logits.Shape} need {rows} targets and {columns} "
                    + $"weights; got {target.Shape.Count} and {weight?.Shape.Count}");
            }
            var device = tape.Device;
            var loss = tape.New(new Shape());
            var total = tape.Rent(DType.F32, 1);
            device.SoftmaxCrossEntropy(
                logits.Storage, target.Storage, weight?.Storage, loss.Storage, total,
                rows, columns, smoothing, ignoreIndex);
            var state = (logits, target, weight, total, smoothing, ignoreIndex);
            return tape.Record(loss, [logits], state, static (tape, dloss, in s) =>
            {
                var (logits, target, weight, total, smoothing, ignoreIndex) = s;
                if (tape.Wants(logits, out var dx, out float beta))
                {
                    tape.Device.SoftmaxCrossEntropyGradient(
                        logits.Storage, target.Storage, weight?.Storage, dloss, total, dx,
                        logits.Shape.Rows, logits.Shape.Last, smoothing, ignoreIndex, beta);
                }
            });
        }
    }
}
