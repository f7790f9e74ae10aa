// Rotary position embedding (Su et al. 2021, "RoFormer"): within each head, the pair of numbers
// (2i, 2i+1) of time t is turned by the angle t * base^(-2i/d), so that the product of a query and
// a key depends on their distance alone. The gradient is the turn back.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// y = x with pairs turned by the table's angles, + beta * y. The first
        /// <paramref name="heads"/> runs of <paramref name="size"/> numbers of each row are turned,
        /// as many pairs of each as the table has; the others are copied. Not in place.
        /// </summary>
        /// <param name="table">(time, pairs, 2): cosine and sine; row r has time r % time.</param>
        /// <param name="inverse">Turns back.</param>
        public abstract void Rotate(
            Storage x, Storage table, Storage y, int rows, int time, int width, int heads,
            int size, bool inverse, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>Rotary positions.</summary>
    public static class RotaryOps
    {
        public const double DefaultBase = 10_000;

        /// <summary>
        /// x (B, T, width) with the first <paramref name="heads"/> heads of
        /// <paramref name="size"/> numbers turned by their time: queries, keys, or both of
        /// a fused projection at once. An odd last number stays as it is.
        /// </summary>
        public static Tensor Rotary(
            this Tape tape, Tensor x, int heads, int size, double theta = DefaultBase)
        {
            if (x.Shape.Rank != 3 || heads < 1 || size < 1 || (long)heads * size > x.Shape.Last)
            {
                throw new UsageException(
                    $"rotary: {heads} heads of {size} do not fit {x.Shape}; expected "
                    + "(batch, time, at least heads x size)");
            }
            int time = x.Shape[1], rows = x.Shape.Rows, width = x.Shape.Last;
            var table = tape.Input(
                new Shape(time, size / 2, 2), Angles(time, size / 2, size, theta));
            var device = tape.Device;
            var y = tape.New(x.Shape);
            device.Rotate(
                x.Storage, table.Storage, y.Storage, rows, time, width, heads, size, false, 0);
            return tape.Record(y, [x], dy =>
            {
                if (tape.Wants(x, out var dx, out float beta))
                {
                    device.Rotate(
                        dy, table.Storage, dx, rows, time, width, heads, size, true, beta);
                }
            });
        }

        /// <summary>(time, pairs, 2): cosine and sine of t * theta^(-2i/size).</summary>
        private static float[] Angles(int time, int pairs, int size, double theta)
        {
            var table = new float[time * pairs * 2];
            for (int i = 0; i < pairs; i++)
            {
                double frequency = Math.Pow(theta, -2.0 * i / size);
                for (int t = 0; t < time; t++)
                {
                    var (sin, cos) = Math.SinCos(t * frequency);
                    int at = ((t * pairs) + i) * 2;
                    (table[at], table[at + 1]) = ((float)cos, (float)sin);
                }
            }
            return table;
        }
    }
}
