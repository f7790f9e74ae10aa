// The course of a training: schedules, averages and accumulated gradients, and that all of them go
// on after an interruption as if there had been none.
using Dl.Cpu;
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class CourseTests
{
    private static readonly TargetSpec TwoClasses = MemoryDataset.Classes("a", "b");

    private static readonly TrainerSettings Plain = new(
        4, 16, 0.01, null, 0, 1, new LossSettings(), 2);

    /// <summary>150 samples are 10 batches: 4 updates of 3 batches, the last of 1.</summary>
    public static TheoryData<string, string?, int, double, double> Courses => new()
    {
        { "step:every=1,gamma=0.5", null, 1, 0, 0 },
        { "multistep:at=0.3,0.6", "4", 1, 0, 0 },
        { "exponential", "0.1", 1, 0, 0 },
        { "polynomial:power=2", null, 1, 0, 0 },
        { "cosine_restarts:first=1", null, 1, 0, 0 },
        { "one_cycle", null, 1, 0, 0 },
        { "inverse_sqrt", "7", 1, 0, 0 },
        { "reduce_on_plateau:patience=0,threshold=0.2", null, 1, 0, 0 },
        { "cosine", "3", 3, 0, 0 },
        { "constant", null, 1, 0.99, 0 },
        { "cosine", null, 1, 0, 0.4 },
        { "cosine", "0.2:from=0.1", 3, 0.9, 0 },
        { "one_cycle", null, 4, 0, 0.5 },
    };

    [Theory]
    [MemberData(nameof(Courses))]
    public void ResumingIsBitEqual(
        string schedule, string? warmup, int accumulate, double ema, double swa)
    {
        var shape = Schedules.Find(schedule);
        var settings = Plain with
        {
            Schedule = shape,
            Warmup = RateCurve.Choose(shape, warmup),
            Accumulate = accumulate,
            Averaging = new AveragingSettings(ema, swa, null),
        };
        using var whole = new Run(settings);
        whole.Train();
        foreach (int stopAfter in (int[])[1, 10, 17, 31])
        {
            using var first = new Run(settings);
            first.Train(stopAfter);
            using var second = new Run(settings);
            second.TakeOver(first);
            second.Train();
            Assert.Equal(whole.Model.Weights.Snapshot(), second.Model.Weights.Snapshot());
            Assert.Equal(whole.Trainer.BestWeights, second.Trainer.BestWeights);
            Assert.Equal(whole.Trainer.AverageWeights, second.Trainer.AverageWeights);
            Assert.Equal(
                whole.Trainer.State.History.Select(r => r with { Seconds = 0 }),
                second.Trainer.State.History.Select(r => r with { Seconds = 0 }));
        }
    }

    /// <summary>Batches of 16, four to an update, are a batch of 64; the last has 150 - 128.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AccumulatedStepsAreThoseOfALargeBatch(bool weighted)
    {
        var loss = new LossSettings { ClassWeights = weighted ? [0.4f, 1.7f] : null };
        using var large = new Run(Plain with { BatchSize = 64, Loss = loss }, "sgd");
        using var small = new Run(Plain with { Accumulate = 4, Loss = loss }, "sgd");
        large.Train();
        small.Train();
        Assert.Equal(3, small.Trainer.UpdatesPerEpoch);
        Assert.Equal(large.Optimizer.Steps, small.Optimizer.Steps);
        var (expected, actual) =
            (large.Model.Weights.Snapshot(), small.Model.Weights.Snapshot());
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 5e-6f);
        }
        Assert.Equal(
            large.Trainer.State.History[^1].LearningRate,
            small.Trainer.State.History[^1].LearningRate);
    }

    [Fact]
    public void TheExponentialAverageIsItsFormula()
    {
        const double Decay = 0.9;
        using var run = new Run(
            Plain with { Averaging = new AveragingSettings(Decay, 0, null) });
        var recorder = new Recorder();
        run.Trainer.Observers.Add(recorder);
        run.Train();
        double[] average = Array.ConvertAll(recorder.Updates[0], w => (double)w);
        for (int t = 1; t < recorder.Updates.Count; t++)
        {
            double keep = Math.Min(Decay, (1.0 + t) / (10 + t));
            for (int i = 0; i < average.Length; i++)
            {
                average[i] = (keep * average[i]) + ((1 - keep) * recorder.Updates[t][i]);
            }
        }
        AssertNear(average, run.Trainer.AverageWeights!);
        // Without validation the last epoch is kept, and that is the average.
        Assert.Equal(run.Trainer.AverageWeights, run.Trainer.BestWeights);
        Assert.NotEqual(run.Trainer.AverageWeights, run.Model.Weights.Snapshot());
    }

    [Fact]
    public void TheAverageOfTheLastPartIsTheirMeanAtAConstantRate()
    {
        using var run = new Run(Plain with
        {
            Schedule = Schedules.Find("cosine"),
            Averaging = new AveragingSettings(0, 0.25, null),
        });
        var recorder = new Recorder();
        run.Trainer.Observers.Add(recorder);
        run.Train();
        var mean = new double[run.Model.Weights.Length];
        foreach (float[] weights in recorder.Updates[30..])
        {
            for (int i = 0; i < mean.Length; i++)
            {
                mean[i] += weights[i] / 10;
            }
        }
        AssertNear(mean, run.Trainer.BestWeights!);
        Assert.All(recorder.Rates[30..], rate => Assert.Equal(recorder.Rates[30], rate));
        Assert.Equal(0.01 * (1 + Math.Cos(0.75 * Math.PI)) / 2, recorder.Rates[30], 12);
    }

    /// <summary>
    /// With all samples in one batch, the mean of a dense layer's output is that layer at the mean
    /// of its input, which the averaged weights give and no former ones.
    /// </summary>
    [Fact]
    public void RunningStatisticsFitTheAveragedWeights()
    {
        using var run = new Run(
            Plain with
            {
                BatchSize = 150,
                Epochs = 12,
                LearningRate = 0.1,
                Averaging = new AveragingSettings(0, 0.5, null),
            },
            model: "dense8-bn-relu");
        run.Train();
        run.Trainer.UseBest();
        var weights = run.Model.Weights.All.ToDictionary(
            p => p.Name, p => p.Tensor.ToArray());
        string layer = weights.Keys.First(
            name => name.EndsWith(".weight", StringComparison.Ordinal))[..^7];
        float[] mean = weights.Single(
            p => p.Key.EndsWith(".running_mean", StringComparison.Ordinal)).Value;
        var (x, y, center) = (new float[2], new float[1], new double[2]);
        var data = MemoryDataset.Spiral(150, 1);
        for (int i = 0; i < 150; i++)
        {
            data.Read(i, x, y);
            (center[0], center[1]) = (center[0] + (x[0] / 150), center[1] + (x[1] / 150));
        }
        for (int j = 0; j < 8; j++)
        {
            float[] w = weights[$"{layer}.weight"];
            double shift = weights.TryGetValue($"{layer}.bias", out var bias) ? bias[j] : 0;
            Assert.Equal(
                (center[0] * w[j]) + (center[1] * w[8 + j]) + shift, mean[j], 1e-5);
        }
    }

    /// <summary>Epochs before the average do not count against it.</summary>
    [Fact]
    public void OnlyAveragesCompeteForTheBestEpoch()
    {
        using var run = new Run(
            Plain with { Averaging = new AveragingSettings(0, 0.5, 0.002) },
            validation: MemoryDataset.Spiral(60, 3));
        run.Train();
        Assert.InRange(run.Trainer.State.BestEpoch, 3, 4);
        Assert.Equal(0.002, run.Trainer.State.History[^1].LearningRate);
        Assert.Equal(0.01, run.Trainer.State.History[1].LearningRate);
    }

    [Fact]
    public void ThePlateauLowersTheRateForTheEpochsAfter()
    {
        // A rate of nearly nothing: no epoch gains anything.
        using var run = new Run(
            Plain with
            {
                LearningRate = 1e-9,
                Schedule = Schedules.Find("reduce_on_plateau:factor=0.5,patience=1"),
                Epochs = 6,
            }, validation: MemoryDataset.Spiral(60, 3));
        run.Train();
        Assert.Equal(
            [1e-9, 1e-9, 1e-9, 5e-10, 5e-10, 2.5e-10],
            run.Trainer.State.History.Select(r => r.LearningRate));
    }

    private static void AssertNear(double[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-6);
        }
    }

    private sealed class Recorder : ITrainingObserver
    {
        public List<float[]> Updates { get; } = [];

        public List<double> Rates { get; } = [];

        public void Updated(in TrainingMoment moment)
        {
            Updates.Add(moment.Model.Weights.Snapshot());
            Rates.Add(moment.Rate);
        }
    }

    /// <summary>A small perceptron on the spiral.</summary>
    private sealed class Run : IDisposable
    {
        private readonly Device _device = new CpuDevice(2);

        public Run(
            TrainerSettings settings, string optimizer = "adam", IDataset? validation = null,
            string model = "mlp:16")
        {
            var task = LearningTask.Create(TwoClasses, null);
            var data = MemoryDataset.Spiral(150, 1);
            var (graph, _) = Zoo.Resolve(model, data.FeatureShape, task.Outputs, 0);
            Model = new Model(graph, _device);
            Model.Weights.Initialize(new Rng(1, 2));
            Optimizer = new Optimizer(
                Optimizers.Find(optimizer), Model.Weights, _device, null, null);
            Trainer = new Trainer(
                Model, task, Optimizer, settings,
                new DataSplits(data, validation, null,
                    new TablePreprocessing { Target = TwoClasses, Columns = [] }));
        }

        public Model Model { get; }

        public Optimizer Optimizer { get; }

        public Trainer Trainer { get; }

        public void Train(int stopAfter = int.MaxValue)
        {
            using var cancel = new CancellationTokenSource();
            int steps = 0;
            while (!Trainer.Done && !cancel.IsCancellationRequested)
            {
                Trainer.RunEpoch(_ =>
                {
                    if (++steps >= stopAfter)
                    {
                        cancel.Cancel();
                    }
                }, cancel.Token);
            }
        }

        /// <summary>What a checkpoint carries from one run to the next.</summary>
        public void TakeOver(Run other)
        {
            Model.Weights.Restore(other.Model.Weights.Snapshot());
            var state = other.Optimizer.Snapshot().ToDictionary(s => s.Name, s => s.Values);
            Optimizer.Restore(name => state[name]);
            Optimizer.Steps = other.Optimizer.Steps;
            Trainer.Restore(
                other.Trainer.State, other.Trainer.BestWeights, other.Trainer.AverageWeights);
        }

        public void Dispose()
        {
            Trainer.Dispose();
            Optimizer.Dispose();
            Model.Dispose();
            Assert.Equal(0, _device.LiveBuffers);
            _device.Dispose();
        }
    }
}
