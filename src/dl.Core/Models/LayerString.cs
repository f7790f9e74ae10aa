// Architectures in one word: `conv32-relu-pool2-conv64-relu-pool2-dense128-relu`. Parts are joined
// by `-`; an activation belongs to the layer before it; a flatten goes where images meet dense
// layers, and the output layer (dense, as many units as the data needs) is added at the end. The
// same parts act on series (time x channels), images and volumes, as the data's shape says.
//   convN[xK][sS]   N filters, a kernel of K in each dimension (3), stride S (1), padding same
//   sepconvN[xK][sS], dwconvK[sS]   separable and depthwise convolution of images
//   convtN[xK][sS]  transposed convolution of series and images: S times as large
//   poolN, avgpoolN windows of N in each dimension;  gap, gmp  global average and max pooling
//   upN             N times as large by repeating;  seR  squeeze and excitation, ratio R (16)
//   rnnN, lstmN, gruN, bilstmN ...  recurrent layers of N units (bi: both directions) over series;
//                   the rows of an image or the columns of a table are steps, too. What follows
//                   gets the last state, another recurrent layer the whole sequence
//   denseN, dropoutR, flatten, and every activation by name
//   bn, ln          batch norm, layer norm;  prelu  a rectifier with learnt slopes
using System.Globalization;
using System.Text.RegularExpressions;
using Dl.Layers;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Models;

internal static partial class LayerString
{
    /// <summary>Is the text meant as a layer string rather than a misspelt name?</summary>
    public static bool Looks(string text) => text.Contains('-')
        || (Part().Match(text) is { Success: true } m && m.Groups[2].Length > 0
            && !IsFamily(m.Groups[1].Value));

    /// <summary>Do architectures have this name and a number, as resnet18 has?</summary>
    private static bool IsFamily(string name) => Zoo.All.Any(architecture =>
        architecture.Name.Length > name.Length && char.IsAsciiDigit(architecture.Name[name.Length])
        && architecture.Name.StartsWith(name, StringComparison.Ordinal));

    /// <exception cref="UsageException">A part is unknown; names it.</exception>
    public static Graph Parse(string text, Shape input, float dropout)
    {
        var layers = new List<Layer>();
        // Places and channels are still apart: what dense layers follow has to be flattened. Series
        // count from the first layer that looks along them; without one, dense acts on each step.
        int dimensions = input.Rank - 1;
        bool apart = dimensions is 2 or 3;
        foreach (string part in text.Split('-'))
        {
            if (Activations.Exists(part))
            {
                Activate(layers, part);
                Zoo.AddDropout(layers, EndsDense(layers) ? dropout : 0);
                continue;
            }
            var layer = Create(text, part, dimensions);
            if (apart && layer is Dense)
            {
                layers.Add(new Flatten());
            }
            Sequence(layers, layer, input);
            apart = IsSpatial(layer) || (apart && layer is Dropout or NormLayer or PRelu);
            layers.Add(layer);
            Zoo.AddDropout(layers, layer is PRelu && EndsDense(layers) ? dropout : 0);
        }
        bool whole = layers.Any(
            l => l is Dense or Flatten or GlobalPool or RecurrentLayer);
        if (apart || (dimensions is 2 or 3 && !whole))
        {
            layers.Add(new Flatten());
        }
        layers.Add(new Dense { Units = 0, Name = "output" });
        return new Graph { Layers = [.. layers] };
    }

    /// <summary>
    /// A recurrent layer gives its sequence to what looks along it, and takes rows or columns as
    /// steps where it is the first.
    /// </summary>
    private static void Sequence(List<Layer> layers, Layer next, Shape input)
    {
        if (next is not RecurrentLayer and not GlobalPool && !IsSpatial(next))
        {
            return;
        }
        int below = layers.FindLastIndex(l => l is RecurrentLayer);
        if (below >= 0)
        {
            layers[below] = (RecurrentLayer)layers[below] with { Output = "sequence" };
        }
        else if (next is RecurrentLayer && layers.Count == 0 && input.Rank != 2)
        {
            layers.Add(new Reshape { Shape = [input[0], input.Product(1, input.Rank)] });
        }
    }

    private static void Activate(List<Layer> layers, string function)
    {
        switch (layers.Count == 0 ? null : layers[^1])
        {
            case Dense { Activation: "linear" } dense:
                layers[^1] = dense with { Activation = function };
                break;
            case ConvolutionLayer { Activation: "linear" } conv:
                layers[^1] = conv with { Activation = function };
                break;
            case BatchNorm { Activation: "linear" } norm:
                layers[^1] = norm with { Activation = function };
                break;
            default:
                layers.Add(new Activation { Function = function });
                break;
        }
    }

    /// <summary>Is the last layer dense, norms and activations behind it aside?</summary>
    private static bool EndsDense(List<Layer> layers) =>
        layers.FindLast(l => l is not (NormLayer or PRelu or Activation)) is Dense;

    /// <summary>Gives places and channels, as it got them.</summary>
    private static bool IsSpatial(Layer layer) =>
        layer is ConvolutionLayer or PoolLayer or Resize or SqueezeExcitation;

    private static Layer Create(string text, string part, int dimensions)
    {
        var match = Part().Match(part);
        if (!match.Success)
        {
            throw Unknown(text, part, part);
        }
        string kind = match.Groups[1].Value;
        double number = match.Groups[2].Length == 0
            ? 0 : double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
        int whole = (int)number;
        int kernel = match.Groups[3].Length == 0 ? 3 : int.Parse(match.Groups[3].ValueSpan);
        int stride = match.Groups[4].Length == 0 ? 1 : int.Parse(match.Groups[4].ValueSpan);
        return Convolution(kind, whole, kernel, stride, dimensions)
            ?? Pool(kind, whole, dimensions)
            ?? Recurrent(kind, whole)
            ?? kind switch
            {
                "up" when number > 0 => new Resize { Scale = [number] },
                "se" => new SqueezeExcitation { Ratio = whole == 0 ? 16 : whole },
                "dense" when whole > 0 => new Dense { Units = whole },
                "dropout" when number is > 0 and < 1 => new Dropout { Rate = (float)number },
                "flatten" => new Flatten(),
                "bn" when match.Groups[2].Length == 0 => new BatchNorm(),
                "ln" when match.Groups[2].Length == 0 => new LayerNorm(),
                "prelu" when match.Groups[2].Length == 0 => new PRelu(),
                _ => throw Unknown(text, part, kind),
            };
    }

    /// <summary>A convolution over as many dimensions as the data has, or null.</summary>
    private static Layer? Convolution(
        string kind, int number, int kernel, int stride, int dimensions)
    {
        if (kernel < 1 || stride < 1)
        {
            return null;
        }
        var (square, steps) = (new Size2(kernel, kernel), new Size2(stride, stride));
        return (kind, dimensions) switch
        {
            ("dwconv", _) => new DepthwiseConv2d
            {
                Kernel = number == 0 ? square : new Size2(number, number),
                Stride = steps,
            },
            (_, _) when number < 1 => null,
            ("conv", 1) => new Conv1d { Filters = number, Kernel = kernel, Stride = stride },
            ("conv", 3) => new Conv3d
            {
                Filters = number,
                Kernel = new Size3(kernel, kernel, kernel),
                Stride = new Size3(stride, stride, stride),
            },
            ("conv", _) => new Conv2d { Filters = number, Kernel = square, Stride = steps },
            ("convt", 1) =>
                new Conv1dTranspose { Filters = number, Kernel = kernel, Stride = stride },
            ("convt", _) =>
                new Conv2dTranspose { Filters = number, Kernel = square, Stride = steps },
            ("sepconv", _) =>
                new SeparableConv2d { Filters = number, Kernel = square, Stride = steps },
            _ => null,
        };
    }

    /// <summary>A pool over as many dimensions as the data has, or null.</summary>
    private static Layer? Pool(string kind, int window, int dimensions) =>
        (kind, dimensions) switch
        {
            ("gap", 1) => new GlobalAveragePool1d(),
            ("gap", 3) => new GlobalAveragePool3d(),
            ("gap", _) => new GlobalAveragePool2d(),
            ("gmp", 1) => new GlobalMaxPool1d(),
            ("gmp", 3) => new GlobalMaxPool3d(),
            ("gmp", _) => new GlobalMaxPool2d(),
            (_, _) when window < 1 => null,
            ("pool" or "maxpool", 1) => new MaxPool1d { Window = window },
            ("pool" or "maxpool", 3) =>
                new MaxPool3d { Window = new Size3(window, window, window) },
            ("pool" or "maxpool", _) => new MaxPool2d { Window = new Size2(window, window) },
            ("avgpool", 1) => new AveragePool1d { Window = window },
            ("avgpool", 3) => new AveragePool3d { Window = new Size3(window, window, window) },
            ("avgpool", _) => new AveragePool2d { Window = new Size2(window, window) },
            _ => null,
        };

    private static Layer? Recurrent(string kind, int units)
    {
        bool both = kind.StartsWith("bi", StringComparison.Ordinal);
        return (both ? kind[2..] : kind) switch
        {
            _ when units < 1 => null,
            "rnn" => new Rnn { Units = units, Bidirectional = both },
            "lstm" => new Lstm { Units = units, Bidirectional = both },
            "gru" => new Gru { Units = units, Bidirectional = both },
            _ => null,
        };
    }

    private static UsageException Unknown(string text, string part, string kind)
    {
        string[] kinds = ["conv32", "conv32x5s2", "sepconv64", "dwconv3", "convt32s2", "pool2",
            "avgpool2", "gap", "gmp", "up2", "se16", "lstm64", "bigru64", "dense128", "bn", "ln",
            "prelu", "dropout0.5", "flatten"];
        string? near = Nearest.Find(kind, Activations.All.Select(a => a.Name).Concat(
            ["conv", "sepconv", "dwconv", "convt", "pool", "avgpool", "gap", "gmp", "up", "se",
                "rnn", "lstm", "gru", "birnn", "bilstm", "bigru", "dense", "bn", "ln", "prelu",
                "dropout", "flatten"]));
        return new UsageException(
            $"model '{text}': '{part}' is no layer"
            + (near is null || near == kind ? "" : $"; did you mean '{near}'?")
            + $" (such as {string.Join(", ", kinds)}, or an activation)");
    }

    [GeneratedRegex(@"^([a-z]+?)(\d{0,7}(?:\.\d{1,6})?)(?:x(\d{1,3}))?(?:s(\d{1,3}))?$")]
    private static partial Regex Part();
}
