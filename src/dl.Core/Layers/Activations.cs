// Activation functions by name: rows of Ops/Elementwise.cs that make sense between layers.
using Dl.Ops;

namespace Dl.Layers;

/// <summary>Activation functions and what suits them.</summary>
public static class Activations
{
    /// <summary>Every activation, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<UnaryOp> All { get; } =
        [.. UnaryOps.All.Where(op => op.IsActivation)];

    /// <exception cref="UsageException">No activation has this name.</exception>
    public static UnaryOp Find(string name)
    {
        foreach (var op in All)
        {
            if (op.Name == name)
            {
                return op;
            }
        }
        throw new UsageException(Nearest.Unknown("activation", name, All.Select(a => a.Name)));
    }

    public static bool Exists(string name) => All.Any(a => a.Name == name);

    /// <summary>
    /// The initialiser that keeps the variance through this activation: He for the rectifiers,
    /// LeCun for SELU, Glorot otherwise.
    /// </summary>
    public static string Initializer(string? activation) => activation switch
    {
        "relu" or "leaky_relu" or "elu" or "gelu" or "gelu_tanh" or "silu" or "hard_swish"
            or "mish" => "he_normal",
        "selu" => "lecun_normal",
        _ => "xavier_uniform",
    };
}
