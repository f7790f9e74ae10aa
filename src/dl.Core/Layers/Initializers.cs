// How weights start. Values are drawn on the host from the model's generator, so every device
// starts from the same bits.
//   he:     variance 2 / fan_in           (He et al. 2015)
//   xavier: variance 2 / (fan_in+fan_out) (Glorot and Bengio 2010)
//   lecun:  variance 1 / fan_in           (LeCun et al. 1998)
// A uniform distribution of variance s^2 runs from -s sqrt(3) to s sqrt(3).
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>A named way to fill a weight.</summary>
public sealed record Initializer(string Name, Action<float[], ParameterSpec, Rng> Fill);

public static class Initializers
{
    /// <summary>Every initialiser, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Initializer> All { get; } =
    [
        new("zeros", (w, _, _) => Array.Clear(w)),
        new("ones", (w, _, _) => Array.Fill(w, 1f)),
        new("he_normal", (w, p, rng) => Normal(w, 2.0 / p.FanIn, rng)),
        new("he_uniform", (w, p, rng) => Uniform(w, 2.0 / p.FanIn, rng)),
        new("xavier_normal", (w, p, rng) => Normal(w, 2.0 / (p.FanIn + p.FanOut), rng)),
        new("xavier_uniform", (w, p, rng) => Uniform(w, 2.0 / (p.FanIn + p.FanOut), rng)),
        new("lecun_normal", (w, p, rng) => Normal(w, 1.0 / p.FanIn, rng)),
        new("lecun_uniform", (w, p, rng) => Uniform(w, 1.0 / p.FanIn, rng)),
        // The classic rule +-1/sqrt(fan_in) has variance 1 / (3 fan_in).
        new("uniform", (w, p, rng) => Uniform(w, 1.0 / (3.0 * p.FanIn), rng)),
        new("forget_gate", (w, _, _) => ForgetGate(w)),
        new("normal", (w, _, rng) => Normal(w, 0.01 * 0.01, rng)),
    ];

    /// <exception cref="UsageException">No initialiser has this name.</exception>
    public static Initializer Find(string name)
    {
        foreach (var initializer in All)
        {
            if (initializer.Name == name)
            {
                return initializer;
            }
        }
        throw new UsageException(Nearest.Unknown("initializer", name, All.Select(i => i.Name)));
    }

    /// <summary>
    /// Biases of an LSTM: 1 for the second of four gates, so that it starts by remembering
    /// (Jozefowicz et al. 2015).
    /// </summary>
    private static void ForgetGate(float[] w)
    {
        Array.Clear(w);
        Array.Fill(w, 1f, w.Length / 4, w.Length / 4);
    }

    private static void Normal(float[] w, double variance, Rng rng)
    {
        float deviation = (float)Math.Sqrt(variance);
        for (int i = 0; i < w.Length; i++)
        {
            w[i] = deviation * rng.NextNormal();
        }
    }

    private static void Uniform(float[] w, double variance, Rng rng)
    {
        float limit = (float)Math.Sqrt(3 * variance);
        for (int i = 0; i < w.Length; i++)
        {
            w[i] = limit * ((2 * rng.NextFloat()) - 1);
        }
    }
}
