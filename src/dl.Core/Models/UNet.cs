// U-Net (Ronneberger et al. 2015): an encoder that halves the image level by level, a decoder that
// doubles it again, and at each level what the encoder saw joined to what the decoder knows. Gives
// one score a class for each pixel.
using Dl.Layers;
using Dl.Ops;

namespace Dl.Models;

public static class UNet
{
    private static readonly Size2 Two = new(2, 2);

    /// <param name="levels">Times the image is halved; its sides are multiples of 2^levels.</param>
    /// <param name="filters">Of the first level; each further one has twice as many.</param>
    /// <param name="classes">Scores for each pixel.</param>
    public static Graph Build(int levels, int filters, int classes)
    {
        var layers = new List<Layer>();
        var seen = new string[levels];
        string last = "input";
        for (int level = 0; level < levels; level++)
        {
            last = seen[level] = Pair(layers, $"down{level + 1}", last, filters << level);
            last = layers.Append($"pool{level + 1}", new MaxPool2d { Inputs = [last] });
        }
        last = Pair(layers, "middle", last, filters << levels);
        for (int level = levels - 1; level >= 0; level--)
        {
            int width = filters << level;
            last = layers.Append($"up{level + 1}", new Conv2dTranspose
            {
                Filters = width,
                Kernel = Two,
                Stride = Two,
                Inputs = [last],
            });
            last = layers.Append($"join{level + 1}", new Concat { Inputs = [last, seen[level]] });
            last = Pair(layers, $"merge{level + 1}", last, width);
        }
        layers.Append("output", new Conv2d
        {
            Filters = classes,
            Kernel = new Size2(1, 1),
            Inputs = [last],
        });
        return new Graph { Layers = [.. layers] };
    }

    /// <summary>Two 3x3 convolutions.</summary>
    private static string Pair(List<Layer> layers, string name, string input, int filters)
    {
        string first = layers.Append($"{name}_a", new Conv2d
        {
            Filters = filters,
            Activation = "relu",
            Inputs = [input],
        });
        return layers.Append($"{name}_b", new Conv2d
        {
            Filters = filters,
            Activation = "relu",
            Inputs = [first],
        });
    }
}
