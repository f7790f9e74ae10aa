// Training on a device whose memory is short: tests of all devices share this.
using Dl.Data;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public static class Shortage
{
    private static readonly TargetSpec TwoClasses = new()
    {
        Kind = TargetKind.Classes, Names = ["kind"], Labels = ["a", "b"],
    };

    /// <summary>A course of training: losses by epoch, and what it took.</summary>
    /// <param name="Parts">Into how many a batch was cut in the end.</param>
    /// <param name="Bytes">Memory of the device at the end, its pool included.</param>
    public sealed record Course(double[] Losses, float[] Weights, int Parts, long Bytes);

    /// <summary>Trains a perceptron on batches of 64 of a spiral for three epochs.</summary>
    /// <param name="limit">Bytes; null: none.</param>
    /// <param name="watch">Looks on, and may make memory short.</param>
    public static Course Train(
        Device device, long? limit, int accumulate = 1, ITrainingObserver? watch = null,
        string model = "mlp:256,256", int batch = 64)
    {
        int live = device.LiveBuffers;
        device.Trim();
        device.MemoryLimit = limit ?? long.MaxValue;
        var data = MemoryDataset.Spiral(200, 1);
        var task = LearningTask.Create(TwoClasses, null);
        var (graph, _) = Zoo.Resolve(model, data.FeatureShape, task.Outputs, 0);
        var settings = new TrainerSettings(3, batch, 0.003, null, 0, 7, new LossSettings(), 1)
        {
            Accumulate = accumulate,
        };
        try
        {
            using var network = new Model(graph, device);
            network.Weights.Initialize(new Rng(1, 2));
            using var optimizer = new Optimizer(
                Optimizers.Find("adam"), network.Weights, device, null, null);
            using var trainer = new Trainer(
                network, task, optimizer, settings,
                new DataSplits(data, MemoryDataset.Spiral(90, 2), null,
                    new TablePreprocessing { Target = TwoClasses, Columns = [] }));
            if (watch is not null)
            {
                trainer.Observers.Add(watch);
            }
            while (!trainer.Done)
            {
                trainer.RunEpoch(_ => { }, default);
            }
            return new Course(
                [.. trainer.State.History.SelectMany(
                    r => new[] { r.TrainLoss, r.ValLoss!.Value, r.TrainMetric!.Value })],
                network.Weights.Snapshot(), trainer.State.Parts, device.AllocatedBytes);
        }
        finally
        {
            device.MemoryLimit = long.MaxValue;
            Assert.Equal(live, device.LiveBuffers);
        }
    }

    /// <summary>Are two courses one, but for rounding?</summary>
    public static void AssertSame(Course expected, Course actual)
    {
        for (int i = 0; i < expected.Losses.Length; i++)
        {
            Assert.Equal(expected.Losses[i], actual.Losses[i], 1e-4 * Math.Max(
                1, Math.Abs(expected.Losses[i])));
        }
        double distance = 0, size = 0;
        for (int i = 0; i < expected.Weights.Length; i++)
        {
            distance += Math.Pow(expected.Weights[i] - actual.Weights[i], 2);
            size += Math.Pow(expected.Weights[i], 2);
        }
        Assert.InRange(Math.Sqrt(distance / size), 0, 1e-3);
    }

    /// <summary>
    /// Ever less memory: batches are cut, and the course stays that of whole ones; until there is
    /// no room for a sample, which is said.
    /// </summary>
    public static void CutsBatches(Device device, int accumulate)
    {
        var whole = Train(device, null, accumulate);
        Assert.Equal(1, whole.Parts);
        var parts = new SortedSet<int>();
        for (long limit = whole.Bytes; ; limit -= whole.Bytes / 30)
        {
            try
            {
                var cut = Train(device, limit, accumulate);
                Assert.InRange(cut.Bytes, 1, limit);
                AssertSame(whole, cut);
                parts.Add(cut.Parts);
            }
            catch (DeviceMemoryException error)
            {
                Assert.Equal(4, error.ExitCode);
                Assert.Contains("out of memory", error.Message);
                break;
            }
        }
        Assert.True(parts.Count > 2 && parts.Max >= 8, $"parts: {string.Join(", ", parts)}");
    }
}
