// The named architectures. Each is a function from what the data needs to a graph; `--model` also
// takes a graph file and a layer string (LayerString.cs).
using System.Globalization;
using Dl.Layers;
using Dl.Tensors;

namespace Dl.Models;

/// <summary>What an architecture has to fit.</summary>
/// <param name="Arguments">What stood behind the colon: `256,128` of `mlp:256,128`.</param>
/// <param name="Dropout">Rate after hidden dense layers; 0: none.</param>
public sealed record ModelRequest(Shape Input, int Outputs, string Arguments, float Dropout);

/// <summary>A named architecture.</summary>
/// <remarks>What follows belongs to it unless the user says otherwise; null: the usual.</remarks>
/// <param name="SmallDataDecay">
/// Decoupled weight decay below 5,000 training samples, where a network could learn them by heart.
/// </param>
/// <param name="TakesSizes">Layer sizes may stand behind a colon.</param>
/// <param name="NeedsClasses">It makes no sense of numbers and of several labels.</param>
public sealed record Architecture(
    string Name, string Description, Func<ModelRequest, Graph> Build, string? Loss = null,
    string? Optimizer = null, int? BatchSize = null, double? LearningRate = null,
    float Dropout = 0, double? SmallDataDecay = null, string? Schedule = null,
    bool NeedsClasses = false, bool TakesSizes = false);

public static class Zoo
{
    /// <summary>Every architecture, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        new("perceptron", "Rosenblatt's threshold unit(s), learning by his rule", Affine,
            Loss: "perceptron", Optimizer: "sgd", BatchSize: 1, Schedule: "constant",
            NeedsClasses: true),
        new("linear", "linear regression: one affine map", Affine, LearningRate: 0.01),
        new("logistic", "logistic or softmax regression: one affine map", Affine,
            LearningRate: 0.01, NeedsClasses: true),
        new("mlp", "multi-layer perceptron, mlp:SIZES (128,64; images 256,128), ReLU", Mlp,
            SmallDataDecay: 2, TakesSizes: true),
        new("cnn", "conv 32 - pool - conv 64 - pool - dense 1024 - dropout - dense N", Cnn,
            Dropout: 0.5f),
        new("lenet", "LeNet-5 (LeCun et al. 1998), tanh and average pooling", LeNet),
        new("resnet18", "residual network of 18 layers (He et al. 2016), 11.2 M weights",
            request => Residual(request, "resnet18", ResNet.Depth18)),
        new("resnet34", "residual network of 34 layers, 21.3 M weights",
            request => Residual(request, "resnet34", ResNet.Depth34)),
        new("resnet50", "residual network of 50 layers with bottlenecks, 23.5 M weights",
            request => Residual(request, "resnet50", ResNet.Depth50)),
        new("mobilenet", "depthwise and 1x1 convolutions (Howard et al. 2017), small and fast",
            Mobile),
    ];

    /// <summary>Null: no architecture has this name.</summary>
    public static Architecture? Find(string name) => All.FirstOrDefault(a => a.Name == name);

    /// <summary>
    /// The graph for `--model`: an architecture with arguments, a graph file, or a layer string;
    /// resolved for the data, its output checked.
    /// </summary>
    /// <exception cref="UsageException">Unknown, malformed, or it does not fit the
    /// data.</exception>
    public static (Graph Graph, Architecture? Architecture) Resolve(
        string text, Shape input, int outputs, float? dropout)
    {
        int colon = text.IndexOf(':');
        string name = colon < 0 ? text : text[..colon];
        string arguments = colon < 0 ? "" : text[(colon + 1)..];
        var architecture = Find(name);
        Graph graph;
        if (architecture is not null)
        {
            CheckArguments(text, architecture, arguments, colon >= 0);
            graph = architecture.Build(new ModelRequest(
                input, outputs, arguments, dropout ?? architecture.Dropout));
        }
        else if (text.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            graph = GraphJson.Read(text);
        }
        else
        {
            CheckName(text);
            graph = LayerString.Parse(text, input, dropout ?? 0);
        }
        graph = graph.Resolve(input, outputs);
        var output = graph.Plan().Output;
        if (output != new Shape(outputs))
        {
            throw new UsageException(
                $"model '{text}': its output is {output}, the data needs {outputs}; end it with a "
                + "dense layer of 0 units, which stands for what the data needs");
        }
        return (graph, architecture);
    }

    /// <exception cref="UsageException">
    /// The text can be no architecture, graph file or layer string; needs no data to tell.
    /// </exception>
    public static void CheckName(string text)
    {
        int colon = text.IndexOf(':');
        string name = colon < 0 ? text : text[..colon];
        if (Find(name) is null && !text.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            && !LayerString.Looks(text))
        {
            throw new UsageException(
                Nearest.Unknown("model", name, All.Select(a => a.Name))
                + ", a graph file (.json), or a layer string such as "
                + "conv32-relu-pool2-dense128-relu");
        }
    }

    private static Graph Affine(ModelRequest request)
    {
        return new Graph
        {
            Layers = [.. Flat(request.Input), new Dense { Units = 0, Name = "output" }],
        };
    }

    private static Graph Mlp(ModelRequest request)
    {
        int[] sizes = request.Arguments.Length > 0 ? Sizes("mlp", request.Arguments)
            : request.Input.Rank == 1 ? [128, 64] : [256, 128];
        var layers = Flat(request.Input);
        foreach (int size in sizes)
        {
            layers.Add(new Dense { Units = size, Activation = "relu" });
            AddDropout(layers, request.Dropout);
        }
        layers.Add(new Dense { Units = 0, Name = "output" });
        return new Graph { Layers = [.. layers] };
    }

    private static Graph Cnn(ModelRequest request)
    {
        NeedsImages(request, "cnn");
        var layers = new List<Layer>
        {
            new Conv2d { Filters = 32, Activation = "relu" },
            new MaxPool2d(),
            new Conv2d { Filters = 64, Activation = "relu" },
            new MaxPool2d(),
            new Flatten(),
            new Dense { Units = 1024, Activation = "relu" },
        };
        AddDropout(layers, request.Dropout);
        layers.Add(new Dense { Units = 0, Name = "output" });
        return new Graph { Layers = [.. layers] };
    }

    private static Graph LeNet(ModelRequest request)
    {
        NeedsImages(request, "lenet");
        var five = new Ops.Size2(5, 5);
        return new Graph
        {
            Layers =
            [
                new Conv2d { Filters = 6, Kernel = five, Activation = "tanh" },
                new AveragePool2d(),
                new Conv2d { Filters = 16, Kernel = five, Padding = "valid", Activation = "tanh" },
                new AveragePool2d(),
                new Flatten(),
                new Dense { Units = 120, Activation = "tanh" },
                new Dense { Units = 84, Activation = "tanh" },
                new Dense { Units = 0, Name = "output" },
            ],
        };
    }

    private static Graph Residual(ModelRequest request, string name, ResNetDepth depth)
    {
        NeedsImages(request, name);
        return ResNet.Build(depth, request.Input);
    }

    private static Graph Mobile(ModelRequest request)
    {
        NeedsImages(request, "mobilenet");
        return MobileNet.Build(request.Input);
    }

    private static List<Layer> Flat(Shape input) => input.Rank == 1 ? [] : [new Flatten()];

    internal static void AddDropout(List<Layer> layers, float rate)
    {
        if (rate > 0)
        {
            layers.Add(new Dropout { Rate = rate });
        }
    }

    private static int[] Sizes(string name, string arguments)
    {
        var parts = arguments.Split(',');
        var sizes = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(
                    parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i])
                || sizes[i] is < 1 or > 1_000_000)
            {
                throw new UsageException(
                    $"model '{name}:{arguments}': '{parts[i]}' is not a layer size; expected "
                    + $"numbers from 1 to 1000000, as in {name}:256,128");
            }
        }
        return sizes;
    }

    private static void CheckArguments(
        string text, Architecture architecture, string arguments, bool colon)
    {
        if (colon && (arguments.Length == 0 || !architecture.TakesSizes))
        {
            throw new UsageException(architecture.TakesSizes
                ? $"model '{text}': nothing behind the colon; expected layer sizes, as in mlp:64,32"
                : $"model '{text}': {architecture.Name} takes no arguments");
        }
    }

    private static void NeedsImages(ModelRequest request, string name)
    {
        if (request.Input.Rank != 3)
        {
            throw new UsageException(
                $"model '{name}': needs images (height x width x channels), the data has "
                + $"{request.Input} values; use mlp for tables");
        }
    }
}
