// Architectures in one word: `conv32-relu-pool2-conv64-relu-pool2-dense128-relu`. Parts are joined
// by `-`; an activation belongs to the layer before it; a flatten goes where images meet dense
// layers, and the output layer (dense, as many units as the data needs) is added at the end.
//   convN[xK][sS]   N filters, K x K kernel (3), stride S (1), padding same
//   poolN, avgpoolN windows of N x N;  gap  global average pooling
//   rnnN, lstmN, gruN, bilstmN ...  recurrent layers of N units (bi: both directions) over time x
//                   features; the rows of an image or the columns of a table are the steps. What
//                   follows gets the last state, another recurrent layer the sequence
//   denseN, dropoutR, flatten, softmax, and every activation by name
using System.Globalization;
using System.Text.RegularExpressions;
using Dl.Layers;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Models;

internal static partial class LayerString
{
    /// <summary>Is the text meant as a layer string rather than a misspelt name?</summary>
    public static bool Looks(string text) =>
        text.Contains('-') || Part().Match(text) is { Success: true } m && m.Groups[2].Length > 0;

    /// <exception cref="UsageException">A part is unknown; names it.</exception>
    public static Graph Parse(string text, Shape input, float dropout)
    {
        var layers = new List<Layer>();
        bool image = input.Rank == 3;
        foreach (string part in text.Split('-'))
        {
            if (Activations.Exists(part))
            {
                Activate(layers, part);
                Zoo.AddDropout(layers, layers[^1] is Dense ? dropout : 0);
                continue;
            }
            var layer = Create(text, part);
            if (image && layer is Dense)
            {
                layers.Add(new Flatten());
            }
            if (layer is RecurrentLayer)
            {
                Sequence(layers, input);
            }
            image = image && layer is Conv2d or MaxPool2d or AveragePool2d or Dropout;
            layers.Add(layer);
        }
        if (image || input.Rank == 3 && !layers.Any(l => l is Dense or Flatten
            or GlobalAveragePool2d or RecurrentLayer))
        {
            layers.Add(new Flatten());
        }
        layers.Add(new Dense { Units = 0, Name = "output" });
        return new Graph { Layers = [.. layers] };
    }

    /// <summary>Prepares what is there for a recurrent layer to follow.</summary>
    private static void Sequence(List<Layer> layers, Shape input)
    {
        int below = layers.FindLastIndex(l => l is RecurrentLayer);
        if (below >= 0)
        {
            layers[below] = (RecurrentLayer)layers[below] with { Output = "sequence" };
        }
        else if (layers.Count == 0 && input.Rank is 1 or 3)
        {
            int features = input.Product(1, input.Rank);
            layers.Add(new Reshape { Shape = [input[0], features] });
        }
    }

    private static void Activate(List<Layer> layers, string function)
    {
        switch (layers.Count == 0 ? null : layers[^1])
        {
            case Dense { Activation: "linear" } dense:
                layers[^1] = dense with { Activation = function };
                break;
            case Conv2d { Activation: "linear" } conv:
                layers[^1] = conv with { Activation = function };
                break;
            default:
                layers.Add(new Activation { Function = function });
                break;
        }
    }

    private static Layer Create(string text, string part)
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
        return kind switch
        {
            "conv" when whole > 0 && kernel > 0 && stride > 0 => new Conv2d
            {
                Filters = whole,
                Kernel = new Size2(kernel, kernel),
                Stride = new Size2(stride, stride),
            },
            "pool" or "maxpool" when whole > 0 =>
                new MaxPool2d { Window = new Size2(whole, whole) },
            "avgpool" when whole > 0 =>
                new AveragePool2d { Window = new Size2(whole, whole) },
            "gap" => new GlobalAveragePool2d(),
            "rnn" or "birnn" when whole > 0 =>
                new Rnn { Units = whole, Bidirectional = kind[0] == 'b' },
            "lstm" or "bilstm" when whole > 0 =>
                new Lstm { Units = whole, Bidirectional = kind[0] == 'b' },
            "gru" or "bigru" when whole > 0 =>
                new Gru { Units = whole, Bidirectional = kind[0] == 'b' },
            "dense" when whole > 0 => new Dense { Units = whole },
            "dropout" when number is > 0 and < 1 => new Dropout { Rate = (float)number },
            "flatten" => new Flatten(),
            "softmax" => new Softmax(),
            _ => throw Unknown(text, part, kind),
        };
    }

    private static UsageException Unknown(string text, string part, string kind)
    {
        string[] kinds = ["conv32", "conv32x5s2", "pool2", "avgpool2", "gap", "lstm64", "dense128",
            "dropout0.5", "flatten", "softmax"];
        string? near = Nearest.Find(kind, Activations.All.Select(a => a.Name).Concat(
            ["conv", "pool", "avgpool", "gap", "rnn", "lstm", "gru", "birnn", "bilstm",
                "bigru", "dense", "dropout", "flatten", "softmax"]));
        return new UsageException(
            $"model '{text}': '{part}' is no layer"
            + (near is null || near == kind ? "" : $"; did you mean '{near}'?")
            + $" (such as {string.Join(", ", kinds)}, or an activation)");
    }

    [GeneratedRegex(@"^([a-z]+?)(\d{0,7}(?:\.\d{1,6})?)(?:x(\d{1,3}))?(?:s(\d{1,3}))?$")]
    private static partial Regex Part();
}
