// Models of the next symbol: ids of a text's symbols (time) to one score a symbol for each step
// (time x vocabulary). gpt: a decoder of transformer blocks (Radford et al. 2019). lstm: stacked
// recurrence, as in char-rnn (Karpathy 2015).
using Dl.Layers;

namespace Dl.Models;

/// <summary>Sizes of a decoder of transformer blocks.</summary>
public sealed record GptSizes(int Vocabulary, int Width, int Heads, int Blocks, float Dropout = 0);

public static class LanguageModels
{
    public static Graph Gpt(GptSizes sizes)
    {
        var layers = new List<Layer>
        {
            new Embedding { Vocabulary = sizes.Vocabulary, Width = sizes.Width, Name = "symbols" },
            new PositionEmbedding { Name = "positions" },
        };
        for (int i = 1; i <= sizes.Blocks; i++)
        {
            layers.Add(new TransformerBlock
            {
                Heads = sizes.Heads,
                Causal = true,
                Dropout = sizes.Dropout,
                Name = $"block{i}",
            });
        }
        layers.Add(new LayerNorm { Name = "norm" });
        layers.Add(new Dense { Units = sizes.Vocabulary, Bias = false, Name = "output" });
        return new Graph { Layers = [.. layers] };
    }

    /// <param name="width">Of a symbol's vector.</param>
    /// <param name="units">Of each recurrent layer.</param>
    public static Graph Lstm(int vocabulary, int width, int units, int stacked) => new()
    {
        Layers =
        [
            new Embedding { Vocabulary = vocabulary, Width = width, Name = "symbols" },
            new Lstm { Units = units, Layers = stacked, Output = "sequence", Name = "lstm" },
            new Dense { Units = vocabulary, Name = "output" },
        ],
    };
}
