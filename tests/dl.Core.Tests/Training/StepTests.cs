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
    private const int Batch = 16, Classes = 3;

    private readonly Device _device = TestDevice.Cpu();

    public void Dispose() => _device.Dispose();

    public static TheoryData<string, int[]> Models => new()
    {
        { "dense64-tanh-dense64-sigmoid-dense64-relu", [6] },
        { "conv4-relu-pool2-conv4-relu-conv4-leaky_relu-avgpool2-flatten-dense8-relu", [12, 12, 2] },
        { "dense64-dropout0.2-dense64-elu-dense64-softplus", [6] },
    };

    [Theory]
    [MemberData(nameof(Models))]
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
    [MemberData(nameof(Models))]
    public void FreeingEarlyLeavesTheBits(string layers, int[] input)
    {
        float[] Train(bool freesEarly, out long bytes)
        {
            using var device = TestDevice.Cpu();
            using var run = new Run(device, layers, input, freesEarly);
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
            var (graph, _) = Zoo.Resolve(layers, new Shape(input), Classes, 0);
            _model = new Model(graph, device);
            var rng = new Rng(1);
            _model.Weights.Initialize(rng);
            _optimizer = new Optimizer(
                Optimizers.Find("adam"), _model.Weights, device, null, null);
            _inputs = new Tape(device);
            _tape = new Tape(device) { FreesEarly = freesEarly };
            var values = new float[Batch * graph.InputShape.Count];
            foreach (ref float value in values.AsSpan())
            {
                value = rng.NextNormal();
            }
            var labels = new int[Batch];
            for (int i = 0; i < Batch; i++)
            {
                labels[i] = i % Classes;
            }
            _x = _inputs.Input(graph.InputShape.Prepend(Batch), values);
            _labels = _inputs.Input(new Shape(Batch), labels);
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
