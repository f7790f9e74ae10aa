// Recurrent layers in graphs: lengths as an edge, states handed from one layer to another, and
// learning a task that needs memory.
using System.Text.Json;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Layers;

public sealed class RecurrentLayerTests : IDisposable
{
    private readonly Device _device = TestDevice.Cpu();

    public void Dispose() => _device.Dispose();

    /// <summary>What stands behind the end of a sample changes nothing.</summary>
    [Theory]
    [InlineData("rnn")]
    [InlineData("lstm")]
    [InlineData("gru")]
    public void Padding_does_not_count(string kind)
    {
        string rest = $$"""
            {"type":"{{kind}}","units":6,"layers":2,"bidirectional":true
            """;
        float[] x = Draw(2 * 5 * 3);
        x.AsSpan(15 + 6).Clear();
        using var model = Build([5, 3],
            """{"type":"sequence_length","name":"n"}""",
            rest + ""","masked":true,"inputs":["input","n"]}""");
        float[] masked = Forward(model, x, 2);
        // The second sample has two steps only.
        using var shorter = Build([2, 3], rest + "}");
        float[] cut = Forward(shorter, x[15..21], 1);
        Assert.Equal(cut, masked[12..]);
    }

    [Fact]
    public void A_state_goes_from_layer_to_layer()
    {
        // Both halves with the same weights are the whole.
        const string Layer = """{"type":"lstm","units":4,"layers":2,"output":"state" """;
        float[] x = Draw(6 * 2);
        using var whole = Build([6, 2], Layer + "}");
        using var first = Build([3, 2], Layer + "}");
        using var tape = new Tape(_device);
        float[] expected = Forward(whole, x, 1);
        var state = first.Forward(
            new Pass(tape, false, new Rng(1)), tape.Input(new(1, 3, 2), x[..6]));
        var layer = Parse(Layer + ""","initial_state":true,"inputs":["input","s"]}""");
        var weights = whole.Weights.All.Select(p => p.Tensor).ToArray();
        var second = layer.Forward(new Pass(tape, false, new Rng(1)),
            [tape.Input(new(1, 3, 2), x[6..]), state], weights);
        Assert.Equal(expected, second.ToArray());
        Assert.Equal(new Shape(16), layer.OutputShape([new(3, 2), new(16)]));
        var error = Assert.Throws<UsageException>(
            () => layer.OutputShape([new(3, 2), new(15)]));
        Assert.StartsWith(
            "lstm: the initial state is 15, expected 16 numbers: h and c of 2 layer(s) in 1",
            error.Message);
    }

    [Fact]
    public void Lengths_are_steps_before_the_padding_at_the_end()
    {
        using var tape = new Tape(_device);
        var ids = tape.Input(new(3, 4), (int[])[5, 0, 2, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
        Assert.Equal([3, 0, 4], tape.SequenceLengths(ids, 0).ToArray());
        var values = tape.Input(new(1, 3, 2), (float[])[0, 1, 7, -1, -1, -1]);
        Assert.Equal([2], tape.SequenceLengths(values, -1).ToArray());
    }

    [Fact]
    public void Dropout_between_layers_is_for_training_only()
    {
        using var model = Build([5, 3],
            """{"type":"gru","units":6,"layers":2,"dropout":0.5,"output":"sequence"}""");
        float[] x = Draw(15);
        Assert.Equal(Forward(model, x, 1), Forward(model, x, 1));
        Assert.NotEqual(Forward(model, x, 1, training: true), Forward(model, x, 1));
    }

    /// <summary>
    /// Temporal order (Hochreiter and Schmidhuber 1997, task 6a): among distractors stand two
    /// symbols, each of two kinds; the class is which came, in which order. Lengths vary.
    /// </summary>
    [Theory]
    [InlineData("lstm")]
    [InlineData("gru")]
    public void Memory_is_learnt_and_the_same_bits_come_twice(string kind)
    {
        var (accuracy, weights) = Learn(kind);
        Assert.True(accuracy > 0.98, $"{kind}: accuracy {accuracy}");
        Assert.Equal(weights, Learn(kind).Weights);
    }

    private const int Steps = 16, Symbols = 6, Batch = 64;

    private (double Accuracy, float[] Weights) Learn(string kind)
    {
        const int Updates = 300;
        using var model = Build([Steps, Symbols],
            """{"type":"sequence_length","name":"n"}""",
            $$"""{"type":"{{kind}}","units":24,"masked":true,"inputs":["input","n"]}""",
            """{"type":"dense","units":4}""");
        using var optimizer = new Optimizer(
            OptimizerSettings.Parse("adam"), model.Weights, _device);
        using var tape = new Tape(_device);
        for (int step = 1; step <= Updates; step++)
        {
            var (x, target) = Order(step);
            var y = model.Forward(new Pass(tape, true, new Rng(1)),
                tape.Input(new(Batch, Steps, Symbols), x));
            tape.Backward(tape.SoftmaxCrossEntropy(y, tape.Input(new(Batch), target)));
            optimizer.Step(0.01, null);
            tape.Reset();
        }
        return (Accuracy(model), model.Weights.Snapshot());
    }

    private double Accuracy(Model model)
    {
        var (x, target) = Order(100_000);
        float[] y = Forward(model, x, Batch);
        int right = 0;
        for (int i = 0; i < Batch; i++)
        {
            var row = y.AsSpan(i * 4, 4);
            right += Largest(row) == target[i] ? 1 : 0;
        }
        return right / (double)Batch;
    }

    private static int Largest(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    /// <summary>Symbols 0 and 1 count, the others distract; zeros behind the end.</summary>
    private static (float[] X, int[] Target) Order(int number)
    {
        var rng = new Rng(11, (ulong)number);
        var (x, target) = (new float[Batch * Steps * Symbols], new int[Batch]);
        for (int b = 0; b < Batch; b++)
        {
            int length = 8 + rng.NextInt(Steps - 7);
            int first = rng.NextInt(length / 2), second = (length / 2) + rng.NextInt(length / 4);
            int a = rng.NextInt(2), c = rng.NextInt(2);
            for (int t = 0; t < length; t++)
            {
                int symbol = t == first ? a : t == second ? c : 2 + rng.NextInt(Symbols - 2);
                x[(((b * Steps) + t) * Symbols) + symbol] = 1;
            }
            target[b] = (2 * a) + c;
        }
        return (x, target);
    }

    private static float[] Draw(int count)
    {
        var rng = new Rng(5);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = rng.NextNormal();
        }
        return values;
    }

    private static Layer Parse(string json) =>
        JsonSerializer.Deserialize(json, LayerJson.Default.Layer)!;

    /// <summary>With the same weights each time.</summary>
    private Model Build(int[] input, params string[] layers)
    {
        var graph = new Graph { Layers = [.. layers.Select(Parse)] };
        var model = new Model(graph.Resolve(new Shape(input), 1), _device);
        model.Weights.Initialize(new Rng(3));
        return model;
    }

    private float[] Forward(Model model, float[] x, int batch, bool training = false)
    {
        using var tape = new Tape(_device, recording: false);
        var input = tape.Input(model.Plan.Input.Prepend(batch), x);
        return model.Forward(new Pass(tape, training, new Rng(1)), input).ToArray();
    }
}
