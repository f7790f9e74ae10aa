// Architectures in one word: `conv32-relu-pool2-conv64-relu-pool2-dense128-relu`. Parts are joined
// by `-`; an activation belongs to the layer before it; a flatten goes where images meet dense
// layers, and the output layer (dense, as many units as the data needs) is added at the end.
//   convN[xK][sS]   N filters, K x K kernel (3), stride S (1), padding same
//   poolN, avgpoolN windows of N x N;  gap  global average pooling
//   bn, ln          batch norm, layer norm;  prelu  a rectifier with learnt slopes
//   denseN, dropoutR, flatten, and every activation by name
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
                Zoo.AddDropout(layers, EndsDense(layers) ? dropout : 0);
                continue;
            }
            var layer = Create(text, part);
            if (image && layer is Dense)
            {
                layers.Add(new Flatten());
            }
            image = image && layer is Conv2d or MaxPool2d or AveragePool2d or Dropout
                or BatchNorm or LayerNorm or PRelu;
            layers.Add(layer);
            Zoo.AddDropout(layers, layer is PRelu && EndsDense(layers) ? dropout : 0);
        }
        if (image || input.Rank == 3 && !layers.Any(l => l is Dense or Flatten
            or GlobalAveragePool2d))
        {
            layers.Add(new Flatten());
        }
        layers.Add(new Dense { Units = 0, Name = "output" });
        return new Graph { Layers = [.. layers] };
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

    /// <summary>Is the last layer dense, norms and activations behind it aside?</summary>
    private static bool EndsDense(List<Layer> layers) =>
        layers.FindLast(l => l is not (NormLayer or PRelu or Activation)) is Dense;

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
            "dense" when whole > 0 => new Dense { Units = whole },
            "dropout" when number is > 0 and < 1 => new Dropout { Rate = (float)number },
            "flatten" => new Flatten(),
            "bn" when match.Groups[2].Length == 0 => new BatchNorm(),
            "ln" when match.Groups[2].Length == 0 => new LayerNorm(),
            "prelu" when match.Groups[2].Length == 0 => new PRelu(),
            _ => throw Unknown(text, part, kind),
        };
    }

    private static UsageException Unknown(string text, string part, string kind)
    {
        string[] kinds = ["conv32", "conv32x5s2", "pool2", "avgpool2", "gap", "dense128",
            "bn", "ln", "prelu", "dropout0.5", "flatten"];
        string? near = Nearest.Find(kind, Activations.All.Select(a => a.Name).Concat(
            ["conv", "pool", "avgpool", "gap", "dense", "dropout", "flatten", "bn", "ln", "prelu"]));
        return new UsageException(
            $"model '{text}': '{part}' is no layer"
            + (near is null || near == kind ? "" : $"; did you mean '{near}'?")
            + $" (such as {string.Join(", ", kinds)}, or an activation)");
    }

    [GeneratedRegex(@"^([a-z]+?)(\d{0,7}(?:\.\d{1,6})?)(?:x(\d{1,3}))?(?:s(\d{1,3}))?$")]
    private static partial Regex Part();
}
