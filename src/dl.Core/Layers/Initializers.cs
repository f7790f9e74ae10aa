// How weights start. Values are drawn on the host from the model's generator, so every device
// starts from the same bits. Some take a number behind a colon: `normal:0.02`.
//   he:     variance 2 / fan_in           (He et al. 2015)
//   xavier: variance 2 / (fan_in+fan_out) (Glorot and Bengio 2010)
//   lecun:  variance 1 / fan_in           (LeCun et al. 1998)
// A uniform distribution of variance s^2 runs from -s sqrt(3) to s sqrt(3).
using System.Globalization;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>Fills a weight; the last argument is the number behind the colon.</summary>
public delegate void InitializerFill(float[] w, ParameterSpec spec, Rng rng, double? argument);

/// <summary>A named way to fill a weight.</summary>
/// <param name="Description">One line for people; names what the number behind a colon is.</param>
public sealed record Initializer(string Name, string Description, InitializerFill Draw)
{
    /// <summary>May a number stand behind a colon?</summary>
    public bool TakesNumber { get; init; }

    /// <summary>The number that was given; null: the initialiser's own.</summary>
    public double? Argument { get; init; }

    public void Fill(float[] w, ParameterSpec spec, Rng rng) => Draw(w, spec, rng, Argument);
}

public static class Initializers
{
    /// <summary>Every initialiser, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Initializer> All { get; } =
    [
        new("zeros", "all 0", (w, _, _, _) => Array.Clear(w)),
        new("ones", "all 1", (w, _, _, _) => Array.Fill(w, 1f)),
        Numbered("constant", "all the same, constant:VALUE (0.01)",
            (w, _, _, value) => Array.Fill(w, (float)(value ?? 0.01))),
        new("he_normal", "normal, variance 2 / fan in (He et al. 2015), for rectifiers",
            (w, p, rng, _) => Normal(w, 2.0 / p.FanIn, rng)),
        new("he_uniform", "uniform, variance 2 / fan in",
            (w, p, rng, _) => Uniform(w, 2.0 / p.FanIn, rng)),
        new("xavier_normal", "normal, variance 2 / (fan in + fan out) (Glorot and Bengio 2010)",
            (w, p, rng, _) => Normal(w, 2.0 / (p.FanIn + p.FanOut), rng)),
        new("xavier_uniform", "uniform, variance 2 / (fan in + fan out)",
            (w, p, rng, _) => Uniform(w, 2.0 / (p.FanIn + p.FanOut), rng)),
        new("lecun_normal", "normal, variance 1 / fan in (LeCun et al. 1998), for selu",
            (w, p, rng, _) => Normal(w, 1.0 / p.FanIn, rng)),
        new("lecun_uniform", "uniform, variance 1 / fan in",
            (w, p, rng, _) => Uniform(w, 1.0 / p.FanIn, rng)),
        Numbered("uniform", "uniform from -LIMIT to LIMIT, uniform:LIMIT (1 / sqrt(fan in))",
            (w, p, rng, limit) => Uniform(
                w, limit is { } l ? l * l / 3 : 1.0 / (3.0 * p.FanIn), rng)),
        Numbered("normal", "normal, normal:DEVIATION (0.01)",
            (w, _, rng, s) => Normal(w, (s ?? 0.01) * (s ?? 0.01), rng)),
        Numbered("truncated_normal",
            "normal, drawn again beyond two deviations, truncated_normal:DEVIATION (0.02)",
            (w, _, rng, s) => TruncatedNormal(w, s ?? 0.02, rng)),
        Numbered("orthogonal",
            "orthonormal columns or rows (Saxe et al. 2014), orthogonal:GAIN (1)",
            (w, p, rng, gain) => Orthogonal.Fill(w, p.Shape, gain ?? 1, rng)),
        Numbered("identity", "what comes in goes out, identity:GAIN (1); of filters, the center",
            (w, p, _, gain) => Identity(w, p.Shape, (float)(gain ?? 1))),
    ];

    /// <summary>
    /// Biases of an LSTM: 1 for the second of four gates, so that it starts by remembering
    /// (Jozefowicz et al. 2015). Suits no other weight, so it is not offered to people.
    /// </summary>
    internal static Initializer ForgetGate { get; } = new(
        "forget_gate", "1 for an LSTM's forget gate, else 0", (w, _, _, _) =>
        {
            Array.Clear(w);
            Array.Fill(w, 1f, w.Length / 4, w.Length / 4);
        });

    /// <summary>What a layer asks for.</summary>
    internal static Initializer Of(ParameterSpec spec) =>
        spec.Init == ForgetGate.Name ? ForgetGate : Find(spec.Init);

    /// <param name="text">A name, or a name and a number: `normal:0.02`.</param>
    /// <exception cref="UsageException">No initialiser has this name, or takes this.</exception>
    public static Initializer Find(string text)
    {
        int colon = text.IndexOf(':');
        string name = colon < 0 ? text : text[..colon];
        foreach (var initializer in All)
        {
            if (initializer.Name == name)
            {
                return colon < 0 ? initializer : WithNumber(initializer, text, colon + 1);
            }
        }
        throw new UsageException(Nearest.Unknown("initializer", name, All.Select(i => i.Name)));
    }

    private static Initializer Numbered(string name, string description, InitializerFill draw) =>
        new(name, description, draw) { TakesNumber = true };

    private static Initializer WithNumber(Initializer initializer, string text, int start)
    {
        if (!initializer.TakesNumber)
        {
            string numbered = string.Join(", ", All.Where(i => i.TakesNumber).Select(i => i.Name));
            throw new UsageException(
                $"initializer '{text}': {initializer.Name} takes no number; {numbered} do");
        }
        bool ok = double.TryParse(
            text.AsSpan(start), NumberStyles.Float, CultureInfo.InvariantCulture,
            out double number);
        // Spreads and gains are lengths; a constant may be anything.
        return ok && double.IsFinite(number) && (number > 0 || initializer.Name == "constant")
            ? initializer with { Argument = number }
            : throw new UsageException(
                $"initializer '{text}': '{text[start..]}' given, expected a number"
                + $"{(initializer.Name == "constant" ? "" : " above 0")}; "
                + initializer.Description);
    }

    private static void Normal(float[] w, double variance, Rng rng)
    {
        float deviation = (float)Math.Sqrt(variance);
        for (int i = 0; i < w.Length; i++)
        {
            w[i] = deviation * rng.NextNormal();
        }
    }

    private static void TruncatedNormal(float[] w, double deviation, Rng rng)
    {
        for (int i = 0; i < w.Length; i++)
        {
            float z;
            do
            {
                z = rng.NextNormal();
            }
            while (Math.Abs(z) > 2);
            w[i] = (float)(deviation * z);
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

    /// <summary>Ones where input and output have the same number, at a filter's center.</summary>
    private static void Identity(float[] w, Shape shape, float gain)
    {
        Array.Clear(w);
        int outputs = shape.Last, inputs = shape.Rank < 2 ? 1 : shape[-2];
        int tap = 0;
        for (int i = 0; i < shape.Rank - 2; i++)
        {
            tap = (tap * shape[i]) + (shape[i] / 2);
        }
        for (int i = 0; i < Math.Min(inputs, outputs); i++)
        {
            w[(((tap * inputs) + i) * outputs) + i] = gain;
        }
    }
}
