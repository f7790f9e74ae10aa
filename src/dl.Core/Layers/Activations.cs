// Activation functions by name: rows of Ops/Elementwise.cs that make sense between layers, and the
// two that look at a whole row.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>A function between layers.</summary>
/// <param name="Apply">Its output for an input and a parameter; null: its default.</param>
public sealed record ActivationFunction(
    string Name, string Description, Func<Tape, Tensor, float?, Tensor> Apply)
{
    /// <summary>Its gradient is 0 everywhere, so nothing before it can learn from it.</summary>
    public bool StopsGradient { get; init; }

    /// <summary>The row that it is; null: it looks at more than one element.</summary>
    public UnaryOp? Op { get; init; }
}

/// <summary>Activation functions and what suits them.</summary>
public static class Activations
{
    /// <summary>Every activation, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<ActivationFunction> All { get; } =
    [
        .. UnaryOps.All.Where(op => op.Description is not null).Select(Elementwise),
        new("softmax", "e^x over its sum along the last dimension",
            (tape, x, _) => tape.Softmax(x)),
        new("log_softmax", "the logarithm of softmax", (tape, x, _) => tape.LogSoftmax(x)),
    ];

    /// <exception cref="UsageException">No activation has this name.</exception>
    public static ActivationFunction Find(string name)
    {
        // Counted, because layers ask in every step and an enumerator would be allocated.
        for (int i = 0; i < All.Count; i++)
        {
            if (All[i].Name == name)
            {
                return All[i];
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
        "relu" or "relu6" or "leaky_relu" or "elu" or "gelu" or "gelu_tanh" or "silu"
            or "hard_swish" or "mish" => "he_normal",
        "selu" => "lecun_normal",
        _ => "xavier_uniform",
    };

    private static ActivationFunction Elementwise(UnaryOp op) =>
        new(op.Name, op.Description!, (tape, x, alpha) => tape.Unary(op, x, alpha))
        {
            StopsGradient = op == UnaryOps.Step,
            Op = op,
        };
}
