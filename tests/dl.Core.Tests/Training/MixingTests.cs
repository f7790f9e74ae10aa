// Mixtures of samples: what is in them, how they are drawn, and that a model learns from them.
using Dl.Cpu;
using Dl.Data;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class MixingTests
{
    private static readonly Shape Image = new(6, 5, 2);

    [Fact]
    public void BlendsAreSharesOfTwoSamples()
    {
        var mixing = new Mixing(new MixingSettings(0.4, 0), Image, 1, 3);
        using var batches = Pictures(8);
        foreach (var batch in batches)
        {
            var mixed = mixing.Mix(batch, 0, 0).ToArray();
            for (int i = 0; i < 8; i++)
            {
                // Sample i is filled with i, and its target is i.
                float other = mixing.Others(8)[i];
                float expected = (mixing.Share * i) + ((1 - mixing.Share) * other);
                Assert.All(mixed[(i * 60)..((i + 1) * 60)], v => Assert.Equal(expected, v, 1e-5f));
            }
            Assert.Equal(Enumerable.Range(0, 8), mixing.Others(8).ToArray().Select(v => (int)v)
                .Order());
        }
    }

    [Fact]
    public void BoxesHaveTheShareThatTheLossIsTold()
    {
        using var batches = Pictures(8);
        foreach (var batch in batches)
        {
            bool boxes = false;
            for (int step = 0; step < 30; step++)
            {
                var mixing = new Mixing(new MixingSettings(0, 1), Image, 1, 3);
                var mixed = mixing.Mix(batch, 1, step).ToArray();
                for (int i = 0; i < 8; i++)
                {
                    float other = mixing.Others(8)[i];
                    var pixels = mixed[(i * 60)..((i + 1) * 60)];
                    Assert.All(pixels, v => Assert.True(v == i || v == other));
                    if (other != i)
                    {
                        int left = pixels.Count(v => v == i);
                        Assert.Equal(mixing.Share, left / 60f, 1e-5f);
                        boxes |= left is > 0 and < 60;
                    }
                }
            }
            Assert.True(boxes);
        }
    }

    [Fact]
    public void DrawsDependOnEpochAndStepAlone()
    {
        using var batches = Pictures(8);
        foreach (var batch in batches)
        {
            var (a, b) = (
                new Mixing(new MixingSettings(1, 1), Image, 1, 3),
                new Mixing(new MixingSettings(1, 1), Image, 1, 3));
            a.Mix(batch, 0, 0);
            float[] later = a.Mix(batch, 2, 5).ToArray();
            Assert.Equal(later, b.Mix(batch, 2, 5).ToArray());
            Assert.NotEqual(later, b.Mix(batch, 2, 6).ToArray());
        }
    }

    [Theory]
    [InlineData(0.2, 1 / (4 * 1.4))]
    [InlineData(1, 1 / 12.0)]
    [InlineData(4, 1 / 36.0)]
    [InlineData(0.001, 1 / (4 * 1.002))]
    public void SharesAreBeta(double alpha, double variance)
    {
        var rng = new Rng(5);
        double sum = 0, squares = 0;
        const int n = 20_000;
        for (int i = 0; i < n; i++)
        {
            double share = Mixing.Beta(rng, alpha);
            Assert.InRange(share, 0, 1);
            sum += share;
            squares += (share - 0.5) * (share - 0.5);
        }
        // Mean 1/2 and variance 1 / (4 (2 alpha + 1)).
        Assert.Equal(0.5, sum / n, 0.015);
        Assert.Equal(variance, squares / n, variance * 0.05);
    }

    [Fact]
    public void AMixedTrainingLearnsAndRepeats()
    {
        float[] first = Train(0.4, out double accuracy), second = Train(0.4, out _);
        Assert.Equal(first, second);
        Assert.NotEqual(first, Train(0, out _));
        Assert.InRange(accuracy, 0.75, 1);
    }

    [Fact]
    public void BoxesNeedImages()
    {
        new MixingSettings(1, 0).Check(new Shape(13));
        new MixingSettings(0, 1).Check(Image);
        var error = Assert.Throws<UsageException>(
            () => new MixingSettings(0, 1).Check(new Shape(13)));
        Assert.Contains("the input is 13", error.Message);
    }

    private static float[] Train(double mixup, out double accuracy)
    {
        using var device = new CpuDevice(1);
        var task = LearningTask.Create(MemoryDataset.Classes("a", "b"), null);
        var data = MemoryDataset.Spiral(200, 1);
        var (graph, _) = Zoo.Resolve("mlp:32", data.FeatureShape, task.Outputs, 0);
        using var model = new Model(graph, device);
        model.Weights.Initialize(new Rng(1, 2));
        using var optimizer = new Optimizer(
            Optimizers.Find("adam"), model.Weights, device, null, null);
        using var trainer = new Trainer(
            model, task, optimizer,
            new TrainerSettings(40, 16, 0.02, null, 0, 1, new LossSettings(), 1)
            {
                Mixing = new MixingSettings(mixup, 0),
            },
            new DataSplits(data, null, null, new TablePreprocessing
            {
                Target = MemoryDataset.Classes("a", "b"), Columns = [],
            }));
        while (!trainer.Done)
        {
            trainer.RunEpoch(_ => { }, default);
        }
        accuracy = trainer.Evaluate(MemoryDataset.Spiral(200, 2)).Metrics["accuracy"];
        return model.Weights.Snapshot();
    }

    private static Batches Pictures(int count) => new(
        new MemoryDataset(
            count, Image, 1, (i, x) => Array.Fill(x, i), (i, y) => y[0] = i),
        count, null, 1);
}
