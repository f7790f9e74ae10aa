// MobileNet (Howard et al. 2017): each 3x3 convolution is taken apart into one that looks at each
// channel by itself and a 1x1 that mixes the channels, for an eighth of the work. Small images (as
// CIFAR's) get a shorter stack that keeps their size in the first layer.
using Dl.Layers;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Models;

public static class MobileNet
{
    private const int FirstFilters = 32;

    /// <summary>Filters and stride of each block.</summary>
    private static readonly (int Filters, int Stride)[] Large =
    [
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1),
        (512, 1), (512, 1), (1024, 2), (1024, 1),
    ];

    private static readonly (int Filters, int Stride)[] Small =
    [
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
    ];

    /// <param name="input">Height x width x channels.</param>
    public static Graph Build(Shape input)
    {
        bool large = Math.Min(input[0], input[1]) >= ResNet.LargeImage;
        var layers = new List<Layer>();
        var first = new Conv2d
        {
            Filters = FirstFilters,
            Stride = large ? new Size2(2, 2) : new Size2(1, 1),
            Padding = "1",
            Bias = false,
        };
        AddNormed(layers, "stem", first);
        int number = 0;
        foreach (var (filters, stride) in large ? Large : Small)
        {
            number++;
            AddNormed(layers, $"block{number}_depthwise", new DepthwiseConv2d
            {
                Stride = new Size2(stride, stride),
                Padding = "1",
                Bias = false,
            });
            AddNormed(layers, $"block{number}_pointwise", new Conv2d
            {
                Filters = filters,
                Kernel = new Size2(1, 1),
                Bias = false,
            });
        }
        layers.Add(new GlobalAveragePool2d { Name = "pool" });
        layers.Add(new Dense { Units = 0, Name = "output" });
        return new Graph { Layers = [.. layers] };
    }

    private static void AddNormed(List<Layer> layers, string name, Layer convolution)
    {
        layers.Add(convolution with { Name = $"{name}_conv" });
        layers.Add(new BatchNorm { Name = $"{name}_norm", Activation = "relu" });
    }
}
