// Losses by name: arguments, which tasks they suit, what they make of targets and outputs.
using Dl.Data;
using Dl.Ops;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Tests.Tasks;

public sealed class LossTests
{
    private static readonly TargetSpec Numbers = new()
    {
        Kind = TargetKind.Numeric,
        Names = ["a", "b"],
        Mean = [10, 0],
        Std = [2, 4],
    };

    private static TargetSpec Classes(int count) => new()
    {
        Kind = TargetKind.Classes,
        Names = ["label"],
        Labels = [.. Enumerable.Range(0, count).Select(i => $"c{i}")],
    };

    [Theory]
    [InlineData("huber", "huber", 1)]
    [InlineData("huber:0.5", "huber:0.5", 0.5f)]
    [InlineData("quantile:0.9", "quantile:0.9", 0.9f)]
    [InlineData("focal:3,0.25", "focal:3,0.25", 3)]
    [InlineData("triplet:0.2", "triplet:0.2", 0.2f)]
    public void Arguments_stand_behind_a_colon(string text, string stored, float first)
    {
        var loss = Losses.Find(text);
        Assert.Equal(stored, loss.Text);
        Assert.Equal(first, loss.Arguments[0]);
    }

    [Theory]
    [InlineData("mse:3", "loss 'mse:3': mse takes no arguments")]
    [InlineData("huber:0", "loss 'huber:0': delta is '0', expected a number above 0")]
    [InlineData("huber:", "loss 'huber:': delta is '', expected a number above 0")]
    [InlineData("huber:x", "loss 'huber:x': delta is 'x', expected a number above 0")]
    [InlineData("quantile:1.5",
        "loss 'quantile:1.5': q is '1.5', expected a number between 0 and 1")]
    [InlineData("focal:-1", "loss 'focal:-1': gamma is '-1', expected a number of at least 0")]
    [InlineData("focal:1,0.5,3",
        "loss 'focal:1,0.5,3': 3 arguments given, expected focal:GAMMA,ALPHA")]
    [InlineData("cosine_embedding:2",
        "loss 'cosine_embedding:2': margin is '2', expected a number from -1 to 1")]
    [InlineData("hubber:1", "loss 'hubber': no such loss; did you mean 'huber'?")]
    public void Wrong_arguments_are_named(string text, string message) =>
        Assert.StartsWith(
            message, Assert.Throws<UsageException>(() => Losses.Find(text)).Message);

    [Theory]
    [InlineData("triplet", "needs triplets of samples")]
    [InlineData("ctc", "needs sequences of frames")]
    [InlineData("quantile:0.9", "does not suit classification")]
    [InlineData("quantile:0.9", ", or --task regression")]
    [InlineData("dice", ", or --task multilabel")]
    public void Unsuitable_losses_say_what_they_are_for(string loss, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<UsageException>(() => LearningTask.Create(Classes(3), loss)).Message);

    /// <summary>Every loss that a task takes gives a finite number and a gradient.</summary>
    [Theory]
    [InlineData(2, "binary_cross_entropy cross_entropy focal:2,0.2 kl_divergence hinge perceptron")]
    [InlineData(4, "cross_entropy focal kl_divergence hinge perceptron")]
    [InlineData(-3, "binary_cross_entropy focal dice hinge")]
    [InlineData(0, "mse mae huber:2 log_cosh quantile:0.1 poisson gaussian_nll adaptive_robust")]
    public void Every_loss_goes_through_its_task(int labels, string losses)
    {
        var target = labels == 0 ? Numbers : labels > 0 ? Classes(labels)
            : Classes(-labels) with { Kind = TargetKind.MultiLabel };
        using var device = TestDevice.Cpu();
        foreach (string name in losses.Split(' '))
        {
            var task = LearningTask.Create(target, name);
            using var tape = new Tape(device);
            const int Batch = 6;
            int width = labels > 0 ? 1 : target.Width;
            var targets = new float[Batch * width];
            for (int i = 0; i < targets.Length; i++)
            {
                targets[i] = labels > 0 ? i % labels : i % 2;
            }
            var shape = new Shape(Batch, task.Outputs);
            var storage = tape.Rent(DType.F32, shape.Count);
            device.Write(storage, Array.ConvertAll(
                new float[shape.Count], _ => 0.3f));
            var output = Tensor.Leaf(shape, storage);
            var settings = new LossSettings
            {
                LabelSmoothing = 0.1f,
                ClassWeights = labels > 0 ? [.. Enumerable.Range(1, labels).Select(i => (float)i)]
                    : null,
                Learnt = [.. task.LossParameters.Select(
                    p => tape.Input(p.Shape, new float[p.Shape.Count]))],
            };
            var loss = task.BatchLoss(tape, output, targets, Batch, settings);
            Assert.True(float.IsFinite(loss.ToArray()[0]), name);
            tape.Backward(loss);
            var gradient = new float[shape.Count];
            device.Read(output.Gradient!, gradient);
            Assert.All(gradient, g => Assert.True(float.IsFinite(g), name));
            Assert.Contains(gradient, g => g != 0);
        }
    }

    [Fact]
    public void Deviations_come_in_the_units_of_the_target()
    {
        var task = LearningTask.Create(Numbers, "gaussian_nll");
        Assert.Equal(4, task.Outputs);
        var values = new float[task.InterpretedWidth];
        task.Interpret([1, 2, 0, MathF.Log(9)], values);
        Assert.Equal([12, 8, 2, 12], values.Select(v => MathF.Round(v, 4)));
        var predictions = new Predictions(task);
        predictions.Add([1, 2, 0, MathF.Log(9)], [1, 2], 1);
        Assert.Equal([12, 8], predictions.Values(0).ToArray());
        // Right on the mean: log(sigma sqrt(2 pi)), mean over sigma 2 and 12.
        double expected = Math.Log(Math.Sqrt(2 * Math.PI)) + ((Math.Log(2) + Math.Log(12)) / 2);
        Assert.Equal(expected, predictions.Compute()["nll"], 5);
    }

    [Fact]
    public void Rates_are_positive()
    {
        var task = LearningTask.Create(
            Numbers with { Mean = [0, 0], Std = [2, 4] }, "poisson");
        var values = new float[2];
        task.Interpret([0, MathF.Log(3)], values);
        Assert.Equal([2, 12], values.Select(v => MathF.Round(v, 4)));
    }

    [Fact]
    public void Quantiles_are_scored_as_such()
    {
        var task = LearningTask.Create(
            Numbers with { Names = ["a"], Mean = [0], Std = [1] }, "quantile:0.9");
        var predictions = new Predictions(task);
        predictions.Add([1, 1, 1, 1], [0, 1, 3, -1], 4);
        var metrics = predictions.Compute();
        Assert.Equal(((0.1 * 1) + 0 + (0.9 * 2) + (0.1 * 2)) / 4, metrics["pinball"], 6);
        Assert.Equal(0.75, metrics["share_below"], 12);
        Assert.Equal("pinball", task.Metrics[0].Name);
    }

    /// <summary>Weighing by class: as if a sample of weight 3 were there three times.</summary>
    [Theory]
    [InlineData("focal")]
    [InlineData("hinge")]
    [InlineData("kl_divergence")]
    [InlineData("cross_entropy")]
    public void Class_weights_count_samples_again(string name)
    {
        using var device = TestDevice.Cpu();
        using var tape = new Tape(device);
        var task = LearningTask.Create(Classes(3), name);
        float[] a = [0.5f, -1, 2], b = [1, 0.2f, -0.3f];
        var weighted = task.BatchLoss(
            tape, tape.Input(new(2, 3), (float[])[.. a, .. b]), [0, 2], 2,
            new LossSettings { ClassWeights = [1, 1, 3] });
        var repeated = task.BatchLoss(
            tape, tape.Input(new(4, 3), (float[])[.. a, .. b, .. b, .. b]), [0, 2, 2, 2], 4,
            new LossSettings());
        Assert.Equal(repeated.ToArray()[0], weighted.ToArray()[0], 1e-5f);
    }

    [Fact]
    public void Shares_of_classes_are_taken_for_indices()
    {
        using var device = TestDevice.Cpu();
        using var tape = new Tape(device);
        var loss = Losses.Find("cross_entropy");
        var output = tape.Input(new(2, 3), (float[])[1, 2, 3, 0, 1, 0]);
        var hard = loss.Apply(
            tape, output, tape.Input(new(2), (int[])[1, 2]), new LossSettings());
        var soft = loss.Apply(
            tape, output, tape.Input(new(2, 3), (float[])[0, 1, 0, 0, 0, 1]), new LossSettings());
        Assert.Equal(hard.ToArray()[0], soft.ToArray()[0], 1e-6f);
    }
}
