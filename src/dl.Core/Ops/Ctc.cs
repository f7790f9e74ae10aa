// Connectionist temporal classification (Graves et al. 2006): the probability that a sequence of
// frames spells a sequence of labels, summed over all ways to align them. States s = 0 ... 2L are
// blank, label 1, blank, label 2, ..., blank.
//   alpha_t(s) = (alpha_t-1(s) + alpha_t-1(s-1) [+ alpha_t-1(s-2)]) p_t(s)   forwards, likewise
//   beta_t(s)  = (beta_t+1(s) + beta_t+1(s+1) [+ beta_t+1(s+2)]) p_t(s)      backwards
//   d loss / d log p_t(k) = -sum over states s of label k of the share of
//                           alpha_t(s) beta_t(s) / p_t(s) in its sum over all s
// The bracket is for a label that differs from the one before. All of it is done with logarithms;
// each row has its maximum taken out, so long sequences lose no digits.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// losses[n] = -log of the probability of sample n's labels. Where no alignment exists the
        /// loss is infinite, or 0 with <paramref name="zeroInfinity"/>.
        /// </summary>
        /// <param name="logP">(batch, time, classes) log-probabilities.</param>
        /// <param name="target">(batch, labels) i32; what lies behind a length is not read.</param>
        /// <param name="alpha">Kept for the gradient: <see cref="CtcShape.AlphaCount"/>.</param>
        public abstract void Ctc(
            Storage logP, Storage target, Storage inputLengths, Storage targetLengths,
            Storage losses, Storage alpha, in CtcShape shape, bool zeroInfinity);

        /// <summary>
        /// dlogP = dlosses[n] * d losses[n] / dlogP + beta * dlogP; zero where no alignment exists
        /// and behind the frames of a sample.
        /// </summary>
        public abstract void CtcGradient(
            Storage logP, Storage target, Storage inputLengths, Storage targetLengths,
            Storage alpha, Storage dlosses, Storage dlogP, in CtcShape shape, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Extents of a batch of aligned sequences.</summary>
    /// <param name="Time">Frames of the longest sample.</param>
    /// <param name="Labels">Labels of the longest target.</param>
    public readonly record struct CtcShape(
        int Batch, int Time, int Classes, int Labels, int Blank)
    {
        /// <summary>A row of states, with two places that stay impossible beside it.</summary>
        public int Width => (2 * Labels) + 3;

        /// <summary>A row for each frame and one before the first.</summary>
        public long AlphaCount => (long)Batch * (Time + 1) * Width;
    }

    public static class CtcOps
    {
        /// <summary>
        /// Loss of each sample, (batch): log-probabilities (batch, time, classes), labels
        /// (batch, labels) and both lengths (batch), i32.
        /// </summary>
        public static Tensor Ctc(
            this Tape tape, Tensor logP, Tensor target, Tensor inputLengths, Tensor targetLengths,
            int blank = 0, bool zeroInfinity = false)
        {
            var shape = Check(logP.Shape, target, inputLengths, targetLengths, blank);
            var device = tape.Device;
            var losses = tape.New(new Shape(shape.Batch));
            var alpha = tape.Rent(DType.F32, shape.AlphaCount);
            device.Ctc(
                logP.Storage, target.Storage, inputLengths.Storage, targetLengths.Storage,
                losses.Storage, alpha, shape, zeroInfinity);
            return tape.Record(losses, [logP], dlosses =>
            {
                if (tape.Wants(logP, out var dlogP, out float beta))
                {
                    device.CtcGradient(
                        logP.Storage, target.Storage, inputLengths.Storage, targetLengths.Storage,
                        alpha, dlosses, dlogP, shape, beta);
                }
            });
        }

        private static CtcShape Check(
            Shape logP, Tensor target, Tensor inputLengths, Tensor targetLengths, int blank)
        {
            bool fits = logP.Rank == 3 && target.Shape.Rank == 2 && target.Shape[0] == logP[0]
                && inputLengths.Shape.Count == logP[0] && targetLengths.Shape.Count == logP[0];
            if (!fits)
            {
                throw new UsageException(
                    $"ctc: log-probabilities {logP}, targets {target.Shape}, lengths "
                    + $"{inputLengths.Shape} and {targetLengths.Shape} given; expected (batch, "
                    + "time, classes), (batch, labels) and two of (batch)");
            }
            return blank >= 0 && blank < logP[2]
                ? new CtcShape(logP[0], logP[1], logP[2], target.Shape[1], blank)
                : throw new UsageException(
                    $"ctc: blank is {blank}, expected one of the {logP[2]} classes");
        }
    }
}
