// Normalisation: y = (x - mean) / sqrt(variance + epsilon) * w + b. The kinds differ in what a mean
// is taken over; channels are last, so all of them are one form, (outer, n, channels) with
// statistics for each of outer x groups, taken over n and the channels of the group:
//   batch     (1, rows, C) in C groups      Ioffe and Szegedy 2015
//   layer     (rows, 1, C) in 1 group       Ba, Kiros and Hinton 2016
//   group     (batch, space, C) in G        Wu and He 2018
//   instance  (batch, space, C) in C        Ulyanov, Vedaldi and Lempitsky 2016
//   RMS       as layer, with mean 0         Zhang and Sennrich 2019
// With z = (x - mean) / deviation and g = dy * w, averaged over what the statistics are of:
//   dx = (g - mean(g) - z mean(g z)) / deviation;  dw = sum dy z;  db = sum dy
// A ReLU behind it costs nothing: y is cut off as it is written, and the gradient finds out from x
// again where y was above 0, so that nothing is read beside x and dy.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// Writes the statistics of x and y = (x - mean) / sqrt(variance + epsilon) * w + b, with
        /// shape.Relu max(y, 0).
        /// </summary>
        /// <param name="w">One a channel, or null for 1.</param>
        /// <param name="b">One a channel, or null for 0.</param>
        /// <param name="mean">outer x groups; null: mean 0 (only for rows of one group).</param>
        /// <param name="variance">outer x groups, the biased one (divided by n).</param>
        public abstract void Norm(
            Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage y,
            NormShape shape, float epsilon);

        /// <summary>As <see cref="Norm"/> with statistics that are given.</summary>
        public abstract void NormApply(
            Storage x, Storage? w, Storage? b, Storage mean, Storage variance, Storage y,
            NormShape shape, float epsilon);

        /// <summary>The gradients of <see cref="Norm"/> that <paramref name="to"/> names.</summary>
        /// <param name="to">Dx may be dy where its beta is 0.</param>
        /// <param name="b">Tells where a ReLU was above 0; not read without one.</param>
        /// <param name="given">Of <see cref="NormApply"/>: the statistics are constants.</param>
        public abstract void NormGradient(
            Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage dy,
            in NormGradients to, NormShape shape, float epsilon, bool given);
    }
}

namespace Dl.Ops
{
    /// <summary>Statistics for each of outer x groups, over n and channels / groups.</summary>
    /// <param name="Relu">y is cut off below 0; not where <see cref="IsRows"/>.</param>
    public readonly record struct NormShape(
        int Outer, int N, int Channels, int Groups, bool Relu = false)
    {
        /// <summary>How many means there are.</summary>
        public int Statistics => Outer * Groups;

        /// <summary>Channels that share a mean.</summary>
        public int GroupChannels => Channels / Groups;

        /// <summary>One mean for each contiguous row.</summary>
        public bool IsRows => N == 1 && Groups == 1;

        public int Count => Outer * N * Channels;
    }

    /// <summary>Where gradients go; null: not wanted. Written, or added to by beta.</summary>
    public readonly record struct NormGradients(
        Storage? Dx, float BetaX, Storage? Dw, float BetaW, Storage? Db, float BetaB);

    /// <summary>Normalisation of each kind.</summary>
    public static class NormOps
    {
        /// <summary>
        /// Over everything but the last dimension, with the batch's statistics, which also enter
        /// the running ones: running = (1 - momentum) running + momentum * batch (the variance
        /// unbiased).
        /// </summary>
        /// <param name="relu">y is cut off below 0.</param>
        /// <exception cref="UsageException">One value a channel has no variance.</exception>
        public static Tensor BatchNorm(
            this Tape tape, Tensor x, Tensor? w, Tensor? b, Tensor runningMean,
            Tensor runningVariance, float epsilon, float momentum, bool relu = false)
        {
            int rows = x.Shape.Rows, channels = x.Shape.Last;
            if (rows < 2)
            {
                throw new UsageException(
                    "batch norm: the batch has 1 value a channel, expected 2 or more, as one has "
                    + "no variance; choose a batch size that leaves no single sample over, or "
                    + "layer norm");
            }
            var y = Normalize(
                tape, x, w, b, new NormShape(1, rows, channels, channels, relu), epsilon, true,
                out var mean, out var variance);
            var device = tape.Device;
            device.Broadcast(
                mean!, runningMean.Storage, channels, 1, 1, momentum, 1 - momentum);
            device.Broadcast(
                variance, runningVariance.Storage, channels, 1, 1,
                (float)((double)momentum * rows / (rows - 1)), 1 - momentum);
            return y;
        }

        /// <summary>Batch norm in use: the statistics are given.</summary>
        public static Tensor BatchNormGiven(
            this Tape tape, Tensor x, Tensor? w, Tensor? b, Tensor mean, Tensor variance,
            float epsilon, bool relu = false)
        {
            var shape = new NormShape(1, x.Shape.Rows, x.Shape.Last, x.Shape.Last, relu);
            var y = tape.New(x.Shape);
            tape.Device.NormApply(
                x.Storage, w?.Storage, b?.Storage, mean.Storage, variance.Storage, y.Storage,
                shape, epsilon);
            return Record(tape, y, new Step(
                x, w, b, mean.Storage, variance.Storage, shape, epsilon, true));
        }

        /// <summary>
        /// Over the last <paramref name="dimensions"/> dimensions of each sample.
        /// </summary>
        public static Tensor LayerNorm(
            this Tape tape, Tensor x, Tensor? w, Tensor? b, float epsilon, int dimensions = 1) =>
            Normalize(tape, x, w, b, Rows(x, dimensions), epsilon, true, out _, out _);

        /// <summary>x / sqrt(mean of x^2 + epsilon) * w over the last dimension.</summary>
        public static Tensor RmsNorm(
            this Tape tape, Tensor x, Tensor? w, float epsilon, int dimensions = 1) =>
            Normalize(tape, x, w, null, Rows(x, dimensions), epsilon, false, out _, out _);

        /// <summary>Over the space and a group's channels of each sample.</summary>
        public static Tensor GroupNorm(
            this Tape tape, Tensor x, Tensor? w, Tensor? b, int groups, float epsilon)
        {
            int channels = x.Shape.Last;
            if (groups < 1 || channels % groups != 0)
            {
                throw new UsageException(
                    $"group norm: {channels} channels in {groups} groups; expected a multiple");
            }
            var shape = new NormShape(
                x.Shape[0], x.Shape.Product(1, x.Shape.Rank - 1), channels, groups);
            return Normalize(tape, x, w, b, shape, epsilon, true, out _, out _);
        }

        private static NormShape Rows(Tensor x, int dimensions)
        {
            int columns = x.Shape.Product(x.Shape.Rank - dimensions, x.Shape.Rank);
            return new NormShape(
                x.Shape.Product(0, x.Shape.Rank - dimensions), 1, columns, 1);
        }

        private static Tensor Normalize(
            Tape tape, Tensor x, Tensor? w, Tensor? b, NormShape shape, float epsilon, bool centred,
            out Storage? mean, out Storage variance)
        {
            var y = tape.New(x.Shape);
            var m = mean = centred ? tape.Rent(DType.F32, shape.Statistics) : null;
            var v = variance = tape.Rent(DType.F32, shape.Statistics);
            tape.Device.Norm(
                x.Storage, w?.Storage, b?.Storage, m, v, y.Storage, shape, epsilon);
            return Record(tape, y, new Step(x, w, b, m, v, shape, epsilon, false));
        }

        private static Tensor Record(Tape tape, Tensor y, in Step step) => tape.Record(
            y, [step.X, step.W, step.B], step, static (tape, dy, in s) => s.Backward(tape, dy));

        /// <summary>What the way forward leaves for the way back.</summary>
        private readonly record struct Step(
            Tensor X, Tensor? W, Tensor? B, Storage? Mean, Storage Variance, NormShape Shape,
            float Epsilon, bool Given)
        {
            public void Backward(Tape tape, Storage dy)
            {
                tape.Wants(W, out var dw, out float betaW);
                tape.Wants(B, out var db, out float betaB);
                tape.WantsInPlace(X, dy, out var dx, out float betaX);
                tape.Device.NormGradient(
                    X.Storage, W?.Storage, B?.Storage, Mean, Variance, dy,
                    new NormGradients(dx, betaX, dw, betaW, db, betaB), Shape, Epsilon, Given);
            }
        }
    }
}
