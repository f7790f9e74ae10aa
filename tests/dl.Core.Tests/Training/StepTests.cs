// What a training step costs beside its arithmetic: no allocation, no memory that it need not hold,
// and the same bits whether or not memory is used again.
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class StepTests : IDisposable
{
    private const int Batch = 16, Classes = 3, Symbols = 9;

    private readonly Device _device = TestDevice.Cpu();

    public void Dispose() => _device.Dispose();

    [Theory]
    [InlineData("dense64-tanh-dense64-sigmoid-dense64-relu", new[] { 6 })]
    [InlineData("conv4-relu-pool2-conv4-bn-relu-avgpool2-flatten-dense8", new[] { 12, 12, 2 })]
    [InlineData("dense64-dropout0.2-dense64-ln-gelu", new[] { 6 })]
    [InlineData("residual", new[] { 8, 8, 3 })]
    [InlineData("gpt", new[] { 12 })]
    public void NothingIsAllocatedInTheSteadyState(string layers, int[] input)
    {
        using var run = new Run(_device, layers, input, freesEarly: true);
        for (int i = 0; i < 30; i++)
        {
            run.Step();
        }
        long device = _device.AllocatedBytes;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            run.Step();
        }
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        // The runtime itself may allocate once or twice, when it compiles a method again.
        Assert.True(bytes < 100 * 8, $"{bytes / 100.0} bytes a step");
        Assert.Equal(device, _device.AllocatedBytes);
    }

    [Theory]
    [InlineData("dense64-dropout0.2-dense64-elu-dense64-softplus", new[] { 6 })]
    [InlineData("conv4-relu-pool2-conv4-bn-relu-conv4-elu-avgpool2-gap", new[] { 12, 12, 2 })]
    [InlineData("residual", new[] { 8, 8, 3 })]
    [InlineData("unet", new[] { 8, 8, 1 })]
    [InlineData("lstm", new[] { 12 })]
    [InlineData("gpt", new[] { 12 })]
    public void FreeingEarlyLeavesTheBits(string name, int[] input)
    {
        float[] Train(bool freesEarly, out long bytes)
        {
            using var device = TestDevice.Cpu();
            using var run = new Run(device, name, input, freesEarly);
            for (int i = 0; i < 5; i++)
            {
                run.Step();
            }
            bytes = device.AllocatedBytes;
            return run.Weights;
        }

        Assert.Equal(Train(false, out long late), Train(true, out long early));
        Assert.True(early <= late, $"{early} bytes instead of {late}");
    }

    private static Graph Build(string name, Shape input)
    {
        var graph = name switch
        {
            "unet" => UNet.Build(2, 4, Classes),
            "lstm" => LanguageModels.Lstm(Symbols, 8, 8, 2),
            "gpt" => LanguageModels.Gpt(new GptSizes(Symbols, 16, 2, 2)),
            "residual" => new Graph
            {
                Layers =
                [
                    new Conv2d { Name = "a", Filters = 8, Activation = "relu" },
                    new Conv2d { Name = "b", Filters = 8 },
                    new BatchNorm { Name = "c" },
                    new Add { Name = "d", Inputs = ["a", "c"], Activation = "relu" },
                    new Conv2d { Name = "e", Filters = 8, Activation = "tanh" },
                    new Add { Name = "f", Inputs = ["d", "e", "a"] },
                    new Flatten { Name = "g" },
                    new Dense { Name = "h", Units = 0 },
                ],
            },
            _ => null,
        };
        return graph is null
            ? Zoo.Resolve(name, input, Classes, 0).Graph : graph.Resolve(input, Classes);
    }

    /// <summary>A model with its optimiser on one batch.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Model _model;
        private readonly Optimizer _optimizer;
        private readonly Tape _inputs, _tape;
        private readonly Tensor _x, _labels;
        private readonly Pass _pass;

        public Run(Device device, string layers, int[] input, bool freesEarly)
        {
            var graph = Build(layers, new Shape(input));
            _model = new Model(graph, device);
            var rng = new Rng(1);
            _model.Weights.Initialize(rng);
            _optimizer = new Optimizer(
                Optimizers.Find("adam"), _model.Weights, device, null, null);
            _inputs = new Tape(device);
            _tape = new Tape(device) { FreesEarly = freesEarly };
            var values = new float[Batch * graph.InputShape.Count];
            bool ids = layers is "lstm" or "gpt";
            foreach (ref float value in values.AsSpan())
            {
                value = ids ? rng.NextInt(Symbols) : rng.NextNormal();
            }
            var labels = new int[Batch * _model.Plan.Output.Rows];
            for (int i = 0; i < labels.Length; i++)
            {
                labels[i] = i % Classes;
            }
            _x = _inputs.Input(graph.InputShape.Prepend(Batch), values);
            _labels = _inputs.Input(new Shape(labels.Length), labels);
            _pass = new Pass(_tape, true, rng);
        }

        public float[] Weights => _model.Weights.Snapshot();

        public void Step()
        {
            var loss = _tape.SoftmaxCrossEntropy(_model.Forward(_pass, _x), _labels);
            _tape.Backward(loss);
            _optimizer.Step(0.01, null);
            _tape.Reset();
        }

        public void Dispose()
        {
            _tape.Dispose();
            _inputs.Dispose();
            _optimizer.Dispose();
            _model.Dispose();
        }
    }
}
