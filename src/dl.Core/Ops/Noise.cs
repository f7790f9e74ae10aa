// Noise for training, composed of random fills and arithmetic. Numbers are counted
// (Tensors/Rng.cs), so every device adds the same noise, and a run that is taken up again draws
// what it would have.
using Dl.Tensors;

namespace Dl.Ops;

/// <summary>Ops that add noise or drop; all keep the mean.</summary>
public static class NoiseOps
{
    /// <summary>
    /// SELU's value far below 0, -lambda alpha, which dropped units take (Klambauer et al. 2017).
    /// </summary>
    private const double SeluFloor = -1.7580993408473766;

    /// <summary>x + deviation * z, z standard normal.</summary>
    public static Tensor GaussianNoise(this Tape tape, Tensor x, float deviation, Rng rng) =>
        tape.Add(x, Normal(tape, x.Shape, 0, deviation, rng));

    /// <summary>
    /// x times a normal number of mean 1 and the variance that dropout of this rate has,
    /// rate / (1 - rate) (Srivastava et al. 2014, section 10).
    /// </summary>
    public static Tensor GaussianDropout(this Tape tape, Tensor x, float rate, Rng rng) =>
        tape.Multiply(
            x, Normal(tape, x.Shape, 1, (float)Math.Sqrt(rate / (1.0 - rate)), rng));

    /// <summary>
    /// Drops whole channels of (batch, space..., channels) (Tompson et al. 2015): neighbours are
    /// so alike that single values would be no loss.
    /// </summary>
    public static Tensor SpatialDropout(this Tape tape, Tensor x, float rate, Rng rng)
    {
        var shape = x.Shape;
        int batch = shape[0], channels = shape.Last, space = shape.Product(1, shape.Rank - 1);
        var kept = Mask(tape, new Shape(batch, 1, channels), rate, rng);
        var y = tape.Multiply(x.Reshape(new Shape(batch, space, channels)), kept);
        return y.Reshape(shape);
    }

    /// <summary>
    /// Dropout for SELU: dropped values become its floor f, and an affine map a x + b gives mean 0
    /// and variance 1 back. With q = 1 - rate: a = (q + f^2 q (1 - q))^-1/2, b = -a (1 - q) f.
    /// </summary>
    public static Tensor AlphaDropout(this Tape tape, Tensor x, float rate, Rng rng)
    {
        double q = 1.0 - rate;
        double a = 1 / Math.Sqrt(q + (SeluFloor * SeluFloor * q * (1 - q)));
        double b = -a * (1 - q) * SeluFloor;
        int n = (int)x.Shape.Count;
        var device = tape.Device;
        // The mask is 1 / q where x is kept: a q mask x + (a f + b) - a f q mask.
        var mask = Mask(tape, x.Shape, rate, rng);
        var scale = tape.New(x.Shape);
        device.Broadcast(mask.Storage, scale.Storage, n, 1, 1, (float)(a * q), 0);
        var shift = tape.New(x.Shape);
        device.Fill(shift.Storage, n, (float)((a * SeluFloor) + b));
        device.Broadcast(mask.Storage, shift.Storage, n, 1, 1, (float)(-a * SeluFloor * q), 1);
        return tape.Add(tape.Multiply(x, scale), shift);
    }

    private static Tensor Normal(Tape tape, Shape shape, float mean, float deviation, Rng rng)
    {
        int n = (int)shape.Count;
        var noise = tape.New(shape);
        tape.Device.FillNormal(noise.Storage, n, mean, deviation, rng.Reserve(n));
        return noise;
    }

    /// <summary>0 with probability <paramref name="rate"/>, else 1 / (1 - rate).</summary>
    private static Tensor Mask(Tape tape, Shape shape, float rate, Rng rng)
    {
        int n = (int)shape.Count;
        var ones = tape.New(shape);
        tape.Device.Fill(ones.Storage, n, 1);
        return tape.Dropout(ones, rate, rng);
    }
}
