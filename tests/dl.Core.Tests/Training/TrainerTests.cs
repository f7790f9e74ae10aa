using Dl.Cpu;
using Dl.Data;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class TrainerTests
{
    private static readonly TargetSpec TwoClasses = MemoryDataset.Classes("a", "b");

    [Theory]
    [InlineData("sgd", 0.3, 5.0)]
    [InlineData("momentum", 0.05, null)]
    [InlineData("nesterov", 0.05, null)]
    [InlineData("adagrad", 0.05, null)]
    [InlineData("adadelta", 1.0, null)]
    [InlineData("rmsprop", 0.005, null)]
    [InlineData("adam", 0.01, null)]
    [InlineData("amsgrad", 0.01, null)]
    [InlineData("adamw", 0.01, null)]
    [InlineData("adamax", 0.02, null)]
    [InlineData("nadam", 0.01, null)]
    [InlineData("radam", 0.01, null)]
    [InlineData("adafactor", 0.01, null)]
    [InlineData("ftrl", 0.05, null)]
    [InlineData("lion", 0.001, null)]
    public void EveryOptimizerLearnsTheSpiral(string optimizer, double rate, double? clip)
    {
        using var run = new Run(
            "mlp:32,32", MemoryDataset.Spiral(600, 1), TwoClasses, optimizer, rate, epochs: 60,
            clip: clip);
        run.Train();
        var test = run.Trainer.Evaluate(MemoryDataset.Spiral(400, 2));
        Assert.True(test.Metrics["accuracy"] > 0.97, $"{optimizer}: {test.Metrics["accuracy"]}");
    }

    [Fact]
    public void LinearRegressionFindsItsCoefficients()
    {
        using var run = new Run(
            "linear", MemoryDataset.Line(256, 1), MemoryDataset.Number(), "sgd", 0.1, epochs: 40);
        run.Train();
        float[] weight = run.Model.Weights.All[0].Tensor.ToArray();
        Assert.Equal(1, weight[0], 3);
        Assert.Equal(2, weight[1], 3);
        Assert.Equal(3, weight[2], 3);
        Assert.Equal(0.5f, run.Model.Weights.All[1].Tensor.ToArray()[0], 3);
    }

    /// <summary>
    /// Rosenblatt's rule by hand, sample by sample: w += (t - step(w x)) x in signs, that is, w +=
    /// y x
    /// where y w x is not positive.
    /// </summary>
    [Fact]
    public void PerceptronFollowsRosenblattsRule()
    {
        var data = new MemoryDataset(
            40, new Shape(2), 1,
            (i, x) =>
            {
                var rng = new Rng(9, (ulong)i);
                (x[0], x[1]) = (rng.NextNormal() + (i % 2 * 3), rng.NextNormal() - (i % 2 * 3));
            },
            (i, y) => y[0] = i % 2);
        using var run = new Run(
            "perceptron", data, TwoClasses, "sgd", 1, epochs: 3, batch: 1, loss: "perceptron",
            init: "zeros");
        float[] w = [0, 0];
        float bias = 0;
        var (x, target) = (new float[2], new float[1]);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            foreach (int i in Batches.Order(40, 1, epoch))
            {
                data.Read(i, x, target);
                float y = (2 * target[0]) - 1;
                if (y * ((w[0] * x[0]) + (w[1] * x[1]) + bias) <= 0)
                {
                    w = [w[0] + (y * x[0]), w[1] + (y * x[1])];
                    bias += y;
                }
            }
        }
        run.Train(useBest: false);
        float[] learnt = run.Model.Weights.All[0].Tensor.ToArray();
        Assert.Equal(w[0], learnt[0], 4);
        Assert.Equal(w[1], learnt[1], 4);
        Assert.Equal(bias, run.Model.Weights.All[1].Tensor.ToArray()[0], 4);
    }

    /// <summary>Stopped between any two steps and taken up in a new run: the same bits.</summary>
    [Theory]
    [InlineData("adam", 0)]
    [InlineData("momentum", 3)]
    [InlineData("adamw", 17)]
    public void ResumingIsBitEqual(string optimizer, int stopAfter)
    {
        Run Create() => new(
            "mlp:16", MemoryDataset.Spiral(150, 1), TwoClasses, optimizer, 0.01, epochs: 4,
            dropout: 0.3f, validation: MemoryDataset.Spiral(50, 3), schedule: "cosine");
        using var whole = Create();
        whole.Train(useBest: false);

        using var first = Create();
        using var cancel = new CancellationTokenSource();
        int steps = 0;
        while (!first.Trainer.Done && !cancel.IsCancellationRequested)
        {
            first.Trainer.RunEpoch(_ =>
            {
                if (++steps > stopAfter)
                {
                    cancel.Cancel();
                }
            }, cancel.Token);
        }
        using var second = Create();
        second.Model.Weights.Restore(first.Model.Weights.Snapshot());
        var state = first.Optimizer.Snapshot().ToDictionary(s => s.Name, s => s.Values);
        second.Optimizer.Restore(name => state[name]);
        second.Optimizer.Steps = first.Optimizer.Steps;
        second.Trainer.Restore(first.Trainer.State, first.Trainer.BestWeights);
        second.Train(useBest: false);

        Assert.Equal(whole.Model.Weights.Snapshot(), second.Model.Weights.Snapshot());
        Assert.Equal(whole.Trainer.BestWeights, second.Trainer.BestWeights);
        Assert.Equal(
            whole.Trainer.State.History.Select(r => r with { Seconds = 0 }),
            second.Trainer.State.History.Select(r => r with { Seconds = 0 }));
    }

    [Fact]
    public void StopsEarlyAndKeepsTheBestEpoch()
    {
        // Labels are noise, so validation cannot improve for long.
        var noise = new MemoryDataset(
            60, new Shape(4), 1,
            (i, x) => { for (int j = 0; j < 4; j++) { x[j] = new Rng(5, (ulong)i).NextNormal(); } },
            (i, y) => y[0] = new Rng(6, (ulong)i).NextInt(2));
        using var run = new Run(
            "mlp:16", noise, TwoClasses, "adam", 0.01, epochs: 200, patience: 4,
            validation: MemoryDataset.Spiral(2, 1) is var _ ? Noise(30) : null);
        run.Train();
        Assert.True(run.Trainer.State.Epoch < 200);
        Assert.Equal(
            run.Trainer.State.BestEpoch + 4, run.Trainer.State.Epoch);
        var best = run.Trainer.State.History[run.Trainer.State.BestEpoch - 1];
        Assert.Equal(best.ValMetric, run.Trainer.State.History.Max(r => r.ValMetric));
    }

    [Fact]
    public void ExplodingTrainingIsAnErrorThatSaysWhatToTry()
    {
        using var run = new Run(
            "linear", MemoryDataset.Line(64, 1), MemoryDataset.Number(), "sgd", 1e9, epochs: 50);
        var error = Assert.Throws<DlException>(() => run.Train());
        Assert.Contains("the loss became", error.Message);
        Assert.Contains("--lr", error.Message);
    }

    [Fact]
    public void BuffersAreReturned()
    {
        var device = new CpuDevice(2);
        using (var run = new Run(
            "mlp:8", MemoryDataset.Spiral(50, 1), TwoClasses, "adam", 0.01, epochs: 2,
            device: device))
        {
            run.Train();
        }
        Assert.Equal(0, device.LiveBuffers);
        device.Dispose();
    }

    private static MemoryDataset Noise(int count) => new(
        count, new Shape(4), 1,
        (i, x) => { for (int j = 0; j < 4; j++) { x[j] = new Rng(7, (ulong)i).NextNormal(); } },
        (i, y) => y[0] = new Rng(8, (ulong)i).NextInt(2));

    /// <summary>A trainer with its model and optimiser.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Device _device;
        private readonly bool _ownsDevice;

        public Run(
            string model, IDataset data, TargetSpec target, string optimizer, double rate,
            int epochs, int batch = 16, double? clip = null, float dropout = 0,
            string? loss = null, string? init = null, int patience = 0,
            IDataset? validation = null, Device? device = null, string schedule = "constant")
        {
            _ownsDevice = device is null;
            _device = device ?? new CpuDevice(2);
            var task = LearningTask.Create(target, loss);
            var (graph, _) = Zoo.Resolve(model, data.FeatureShape, task.Outputs, dropout);
            Model = new Model(graph, _device);
            Model.Weights.Initialize(new Rng(1, 2), init);
            Optimizer = new Optimizer(
                Optimizers.Find(optimizer), Model.Weights, _device, null, null);
            var preprocessing = new TablePreprocessing { Target = target, Columns = [] };
            Trainer = new Trainer(
                Model, task, Optimizer,
                new TrainerSettings(
                    epochs, batch, rate, clip, patience, 1, new LossSettings(), 2)
                {
                    Schedule = Schedules.Find(schedule),
                },
                new DataSplits(data, validation, null, preprocessing));
        }

        public Model Model { get; }

        public Optimizer Optimizer { get; }

        public Trainer Trainer { get; }

        public void Train(bool useBest = true)
        {
            while (!Trainer.Done)
            {
                Trainer.RunEpoch(_ => { }, CancellationToken.None);
            }
            if (useBest)
            {
                Trainer.UseBest();
            }
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            Model.Dispose();
            if (_ownsDevice)
            {
                _device.Dispose();
            }
        }
    }
}
