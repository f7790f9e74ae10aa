// Random fills and dropout from counter-based numbers: element i of a call uses word i%4 of Philox
// block FirstBlock + i/4 (Tensors/Rng.cs), so every device draws the same and the backward pass
// draws the mask again instead of storing it.
//   uniform: u = (word >> 8) / 2^24;   keep with probability 1 - rate: u >= rate
//   normal:  the pair of words (2j, 2j+1) of a block gives radius sqrt(-2 ln(1 - u0)) times
//            cos(2 pi u1) for the even element and sin(2 pi u1) for the odd one
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y[i] = low + (high - low) * u_i.</summary>
        public abstract void FillUniform(Storage y, int n, float low, float high, RngSpan span);

        /// <summary>y[i] = mean + deviation * z_i.</summary>
        public abstract void FillNormal(
            Storage y, int n, float mean, float deviation, RngSpan span);

        /// <summary>
        /// y[i] = (u_i &gt;= rate ? x[i] / (1 - rate) : 0) + beta * y[i]. Forward and gradient are
        /// the
        /// same map.
        /// </summary>
        public abstract void Dropout(
            Storage x, Storage y, int n, float rate, RngSpan span, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Random ops.</summary>
    public static class RandomOps
    {
        /// <summary>Zeroes a share of the elements and scales the rest so the mean stays.</summary>
        /// <param name="rate">Probability of zero, in [0, 1).</param>
        public static Tensor Dropout(this Tape tape, Tensor x, float rate, Rng rng)
        {
            if (rate is < 0 or >= 1)
            {
                throw new UsageException($"dropout: rate {rate}, expected 0 <= rate < 1");
            }
            int n = (int)x.Shape.Count;
            var span = rng.Reserve(n);
            var y = tape.New(x.Shape);
            tape.Device.Dropout(x.Storage, y.Storage, n, rate, span, 0);
            return tape.Record(y, [x], (x, n, rate, span), static (tape, dy, in s) =>
            {
                var (x, n, rate, span) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.Dropout(dy, dx, n, rate, span, beta);
                }
            });
        }
    }
}
