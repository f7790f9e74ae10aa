// Transformer blocks as graphs of primitive layers, for architectures that change something inside;
// the layer `transformer_block` is the same in one piece (Layers/TransformerBlock.cs).
using Dl.Layers;

namespace Dl.Models;

/// <summary>What a block is made of.</summary>
/// <param name="Width">Numbers of a step.</param>
/// <param name="Hidden">Units between the dense layers.</param>
/// <param name="NormFirst">Normalise in front of each branch (pre), not behind it (post).</param>
/// <param name="Lengths">Name of the layer with the number of steps that count, or null.</param>
public sealed record TransformerOptions(
    int Width, int Heads, int Hidden, bool NormFirst = true, string Activation = "gelu",
    float Dropout = 0, bool Rotary = false, string? Lengths = null);

public static class TransformerGraph
{
    /// <summary>
    /// Appends an encoder block, self-attention and two dense layers, under names that begin with
    /// <paramref name="name"/>; returns the name of its output.
    /// </summary>
    /// <param name="input">Name of the layer with the sequence, time x width.</param>
    /// <param name="causal">No step sees a later one: a decoder without memory.</param>
    public static string Encoder(
        List<Layer> layers, string name, string input, TransformerOptions options,
        bool causal = false)
    {
        string h = Branch(layers, $"{name}_attention", input, options, from =>
            Attention(options, causal, options.Lengths, from));
        return Dense(layers, name, h, options);
    }

    /// <summary>
    /// Appends a decoder block: causal self-attention, attention to a memory, two dense layers.
    /// </summary>
    /// <param name="memory">Name of the layer that is attended to, or null for none.</param>
    /// <param name="memoryLengths">Name of the layer with the memory's lengths, or null.</param>
    public static string Decoder(
        List<Layer> layers, string name, string input, TransformerOptions options,
        string? memory = null, string? memoryLengths = null)
    {
        string h = Branch(layers, $"{name}_attention", input, options, from =>
            Attention(options, true, options.Lengths, from));
        if (memory is not null)
        {
            h = Branch(layers, $"{name}_memory", h, options, from =>
                Attention(options with { Rotary = false }, false, memoryLengths, from, memory));
        }
        return Dense(layers, name, h, options);
    }

    private static MultiHeadAttention Attention(
        TransformerOptions options, bool causal, string? lengths, params string[] inputs) => new()
        {
            Heads = options.Heads,
            Causal = causal,
            Masked = lengths is not null,
            Rotary = options.Rotary,
            Dropout = options.Dropout,
            Inputs = lengths is null ? inputs : [.. inputs, lengths],
        };

    private static string Dense(
        List<Layer> layers, string name, string input, TransformerOptions options) =>
        Branch(layers, $"{name}_dense", input, options, from =>
        {
            string last = layers.Append($"{name}_dense1", new Dense
            {
                Units = options.Hidden,
                Activation = options.Activation,
                Inputs = [from],
            });
            last = Drop(layers, last, options);
            return new Dense { Units = options.Width, Inputs = [last] };
        });

    /// <summary>
    /// x + branch(norm(x)), or norm(x + branch(x)). <paramref name="create"/> makes the layer that
    /// ends the branch, from the name of its input.
    /// </summary>
    private static string Branch(
        List<Layer> layers, string name, string input, TransformerOptions options,
        Func<string, Layer> create)
    {
        string from = options.NormFirst
            ? layers.Append($"{name}_norm", new LayerNorm { Inputs = [input] }) : input;
        string last = Drop(layers, layers.Append($"{name}_branch", create(from)), options);
        last = layers.Append($"{name}_add", new Add { Inputs = [input, last] });
        return options.NormFirst
            ? last : layers.Append($"{name}_norm", new LayerNorm { Inputs = [last] });
    }

    private static string Drop(List<Layer> layers, string input, TransformerOptions options) =>
        options.Dropout > 0
            ? layers.Append($"{input}_dropout", new Dropout
            {
                Rate = options.Dropout,
                Inputs = [input],
            })
            : input;
}
