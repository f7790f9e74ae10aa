// Sequences of unequal length lie in tensors of one length, filled up at the end with a value that
// stands for "nothing here". How many steps count is found on the device.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// lengths[b] (f32) = 1 + the last step of x (B,T,F) that is not padding, 0 if all are. A
        /// step is padding if each of its elements has the bits <paramref name="padding"/>.
        /// </summary>
        /// <param name="x">4-byte elements, whole numbers or not.</param>
        public abstract void SequenceLengths(
            Storage x, Storage lengths, int batch, int steps, int features, int padding);
    }
}

namespace Dl.Ops
{
    /// <summary>Ops on (batch, time, ...).</summary>
    public static class SequenceOps
    {
        /// <summary>
        /// Steps of each sample before its trailing padding: x (B, T) ids or values, or (B, T, ...)
        /// with steps that are padding in all of their elements, to (B). Has no gradient.
        /// </summary>
        public static Tensor SequenceLengths(this Tape tape, Tensor x, float padding)
        {
            int batch = x.Shape[0], steps = x.Shape[1];
            int features = x.Shape.Product(2, x.Shape.Rank);
            int bits = x.Storage.Type == DType.I32
                ? (int)padding : BitConverter.SingleToInt32Bits(padding);
            var lengths = tape.New(new Shape(batch));
            tape.Device.SequenceLengths(x.Storage, lengths.Storage, batch, steps, features, bits);
            return lengths;
        }

        /// <summary>(B, T, ...) with steps in reverse order.</summary>
        public static Tensor ReverseTime(this Tape tape, Tensor x)
        {
            int batch = x.Shape[0], steps = x.Shape[1];
            int features = x.Shape.Product(2, x.Shape.Rank);
            var y = tape.New(x.Shape, x.Storage.Type);
            var plan = CopyPlan.Create([batch, steps, features], [steps * features, -features, 1],
                [steps * features, features, 1], xOffset: Math.Max(0, steps - 1) * features);
            tape.Device.StridedCopy(x.Storage, y.Storage, plan, 0);
            return tape.Record(y, [x], dy =>
            {
                if (tape.Wants(x, out var dx, out float beta))
                {
                    // Turning round twice changes nothing, so the gradient is the same copy.
                    tape.Device.StridedCopy(dy, dx, plan, beta);
                }
            });
        }
    }
}
