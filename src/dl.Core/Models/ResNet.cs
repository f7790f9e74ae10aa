// Residual networks (He et al. 2016): blocks whose output is added to their input, so that
// gradients reach the first layers undiminished.
//   basic (18, 34):  relu(x + bn(conv3(relu(bn(conv3(x))))))
//   bottleneck (50): relu(x + bn(conv1(relu(bn(conv3(relu(bn(conv1(x)))))))))
// Where the size changes, x goes through a 1x1 convolution of the same stride. Large images begin
// with a 7x7 convolution and a pool, a quarter of the size; small ones (as CIFAR's) with a 3x3.
using Dl.Layers;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Models;

/// <summary>How deep a residual network is.</summary>
/// <param name="Blocks">In each of the four stages.</param>
/// <param name="Bottleneck">Blocks of three convolutions, with 4 times the filters at the end.
/// </param>
public sealed record ResNetDepth(int[] Blocks, bool Bottleneck);

public static class ResNet
{
    /// <summary>Images of fewer pixels a side keep their size in the first layer.</summary>
    public const int LargeImage = 96;

    private const int FirstFilters = 64, Expansion = 4;

    public static readonly ResNetDepth
        Depth18 = new([2, 2, 2, 2], false),
        Depth34 = new([3, 4, 6, 3], false),
        Depth50 = new([3, 4, 6, 3], true);

    /// <param name="input">Height x width x channels.</param>
    public static Graph Build(ResNetDepth depth, Shape input)
    {
        var layers = new List<Layer>();
        bool large = Math.Min(input[0], input[1]) >= LargeImage;
        string last = Convolve(
            layers, "stem", "input", FirstFilters, large ? 7 : 3, large ? 2 : 1, "relu");
        if (large)
        {
            last = layers.Append("stem_pool", new MaxPool2d
            {
                Window = new Size2(3, 3),
                Stride = new Size2(2, 2),
                Padding = "1",
                Inputs = [last],
            });
        }
        int channels = FirstFilters;
        for (int stage = 0; stage < depth.Blocks.Length; stage++)
        {
            for (int i = 0; i < depth.Blocks[stage]; i++)
            {
                int width = FirstFilters << stage, stride = i == 0 && stage > 0 ? 2 : 1;
                int filters = depth.Bottleneck ? width * Expansion : width;
                string name = $"block{stage + 1}_{i + 1}";
                last = Block(
                    layers, name, last, width, filters, stride, depth.Bottleneck,
                    shortcut: stride > 1 || filters != channels);
                channels = filters;
            }
        }
        last = layers.Append("pool", new GlobalAveragePool2d { Inputs = [last] });
        layers.Append("output", new Dense { Units = 0, Inputs = [last] });
        return new Graph { Layers = [.. layers] };
    }

    private static string Block(
        List<Layer> layers, string name, string input, int width, int filters, int stride,
        bool bottleneck, bool shortcut)
    {
        string last = input;
        if (bottleneck)
        {
            last = Convolve(layers, $"{name}_a", last, width, 1, 1, "relu");
            last = Convolve(layers, $"{name}_b", last, width, 3, stride, "relu");
            last = Convolve(layers, $"{name}_c", last, filters, 1, 1, "linear");
        }
        else
        {
            last = Convolve(layers, $"{name}_a", last, filters, 3, stride, "relu");
            last = Convolve(layers, $"{name}_b", last, filters, 3, 1, "linear");
        }
        string around = shortcut
            ? Convolve(layers, $"{name}_shortcut", input, filters, 1, stride, "linear") : input;
        return layers.Append($"{name}_add", new Add
        {
            Inputs = [last, around],
            Activation = "relu",
        });
    }

    /// <summary>A convolution without bias (the norm behind it has one), norm and activation.
    /// </summary>
    private static string Convolve(
        List<Layer> layers, string name, string input, int filters, int kernel, int stride,
        string activation)
    {
        string conv = layers.Append($"{name}_conv", new Conv2d
        {
            Filters = filters,
            Kernel = new Size2(kernel, kernel),
            Stride = new Size2(stride, stride),
            Padding = $"{kernel / 2}",
            Bias = false,
            Inputs = [input],
        });
        return layers.Append($"{name}_norm", new BatchNorm
        {
            Activation = activation,
            Inputs = [conv],
        });
    }
}
