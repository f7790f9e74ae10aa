// The training work that is timed: the same layers, sizes, batches and optimiser (Adam, 1e-4) as in
// other frameworks' scripts, so that figures can stand side by side.
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Benchmarks;

/// <summary>One training step to be repeated.</summary>
/// <param name="Input">Shape of a sample.</param>
/// <param name="Classes">Scores for each row of the output; the last extent.</param>
/// <param name="Build">The graph; layers of 0 units get <paramref name="Classes"/>.</param>
public sealed record Workload(
    string Name, string Description, int Batch, Shape Input, int Classes, Func<Graph> Build)
{
    /// <summary>Inputs are ids below this number; 0: normal numbers.</summary>
    public int Symbols { get; init; }

    /// <summary>Forward, and the gradients of inputs and weights.</summary>
    public const int TrainingPasses = 3;

    /// <summary>Multiply-adds of the forward pass of a step.</summary>
    public double MultiplyAdds => (double)Plan().MultiplyAdds * Batch;

    /// <summary>
    /// Additions and multiplications of a step through matrices and filters, counted as plain
    /// products: forward, gradient of weights, gradient of inputs (the data has none).
    /// </summary>
    public double Flops
    {
        get
        {
            var plan = Plan();
            double first = plan.Steps.Where(step => step.Sources is [-1]).Sum(s => s.MultiplyAdds);
            return 2 * ((TrainingPasses * (double)plan.MultiplyAdds) - first) * Batch;
        }
    }

    /// <summary>
    /// Bytes that a step moves where every layer reads and writes memory by itself: an output is
    /// written once and read by the next layer forward and backward, its gradient likewise; a
    /// weight is read twice, its gradient written, and Adam reads or writes seven numbers.
    /// </summary>
    public double Bytes
    {
        get
        {
            const double PerOutput = 6, PerWeight = 10;
            var plan = Plan();
            double outputs = plan.Steps.Sum(step => (double)step.Output.Count) * Batch;
            return sizeof(float) * ((PerOutput * outputs) + (PerWeight * plan.ParameterCount));
        }
    }

    /// <summary>
    /// Samples of a step whose largest tensor can still be counted, and the input's bytes too.
    /// </summary>
    public int LargestBatch
    {
        get
        {
            long largest = Plan().Steps.Max(step => step.Output.Count);
            return (int)(int.MaxValue / Math.Max(largest, sizeof(float) * Input.Count));
        }
    }

    private GraphPlan Plan() => Build().Resolve(Input, Classes).Plan();
}

public static class Workloads
{
    private static readonly Shape SmallImage = new(32, 32, 3);

    /// <summary>Every workload, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("mlp", "dense 512-256-10 with ReLU on 784 numbers", 128, new Shape(784), 10,
            () => Perceptron("relu", 512, 256)),
        new("mlp_small", "dense 32-32-3 with tanh on 16 numbers: what a step costs beside the work",
            16, new Shape(16), 3, () => Perceptron("tanh", 32, 32)),
        new("cnn", "two convolutions and two dense layers on 28x28", 64, new Shape(28, 28, 1), 10,
            Cnn),
        new("resnet18", "residual network on 32x32x3", 32, SmallImage, 10,
            () => ResNet.Build(ResNet.Depth18, SmallImage)),
        new("mobilenet", "depthwise and 1x1 convolutions on 32x32x3", 32, SmallImage, 10,
            () => MobileNet.Build(SmallImage)),
        new("unet", "a class for each pixel of 64x64", 8, new Shape(64, 64, 1), 2,
            () => UNet.Build(3, 16, 2)),
        new("lstm", "the next of 64 symbols over 64 steps, two layers of 128", 32, new Shape(64),
            64, () => LanguageModels.Lstm(64, 64, 128, 2)) { Symbols = 64 },
        new("gpt", "the next of 65 symbols over 64 steps, four transformer blocks", 12,
            new Shape(64), 65, () => LanguageModels.Gpt(new GptSizes(65, 128, 4, 4)))
        {
            Symbols = 65,
        },
        new("resnet50", "residual network with bottlenecks on 224x224x3 (for GPUs)", 64,
            new Shape(224, 224, 3), 1000,
            () => ResNet.Build(ResNet.Depth50, new Shape(224, 224, 3))),
    ];

    /// <summary>Those that run when none is named: the ones for every machine.</summary>
    public static IEnumerable<Workload> Usual => All.Where(w => w.Name != "resnet50");

    /// <summary>Null: no workload has this name.</summary>
    public static Workload? Find(string name) => All.FirstOrDefault(w => w.Name == name);

    private static Graph Perceptron(string activation, params int[] sizes) => new()
    {
        Layers =
        [
            .. sizes.Select(size => new Dense { Units = size, Activation = activation }),
            new Dense { Units = 0 },
        ],
    };

    private static Graph Cnn() => new()
    {
        Layers =
        [
            new Conv2d { Filters = 32, Activation = "relu" },
            new MaxPool2d(),
            new Conv2d { Filters = 64, Activation = "relu" },
            new MaxPool2d(),
            new Flatten(),
            new Dense { Units = 1024, Activation = "relu" },
            new Dense { Units = 0 },
        ],
    };
}
