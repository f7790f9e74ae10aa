// A one-block causal transformer learns a periodic sequence by heart, on the next-token task at
// every step; lengths hide what is padding; causal blocks do not look ahead.
using Dl.Cpu;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Tests.Models;

public sealed class TransformerTests
{
    private const int Time = 12, Vocabulary = 5, Width = 16;

    /// <summary>Another token follows its second 1 than its first: one step is no clue.</summary>
    private static readonly int[] Period = [1, 2, 3, 1, 4, 0];

    [Theory]
    [InlineData("pre", false)]
    [InlineData("post", false)]
    [InlineData("pre", true)]
    public void LearnsTheNextTokenOfASequence(string norm, bool rotary)
    {
        using var device = new CpuDevice(2);
        var graph = Causal(norm, rotary).Resolve(new Shape(Time), 1);
        using (var model = new Model(graph, device))
        {
            model.Weights.Initialize(new Rng(1));
            using var optimizer = new Optimizer(
                OptimizerSettings.Parse("adam"), model.Weights, device);
            float loss = float.NaN;
            for (int step = 0; step < 150; step++)
            {
                loss = Step(model, optimizer);
            }
            // From the second token on the next one is certain.
            Assert.True(loss < 0.4 * Math.Log(Vocabulary), $"loss {loss}");
            Assert.Equal(Expected(2), Predicted(model, 2));
        }
        Assert.Equal(0, device.LiveBuffers);
    }

    [Fact]
    public void CausalStepsDoNotSeeLaterOnes()
    {
        using var device = new CpuDevice(2);
        using var model = new Model(Causal("pre", false).Resolve(new Shape(Time), 1), device);
        model.Weights.Initialize(new Rng(1));
        float[] tokens = Tokens(0);
        float[] first = Outputs(model, tokens);
        tokens[^1] = 2;
        float[] second = Outputs(model, tokens);
        int last = (Time - 1) * Vocabulary;
        Assert.Equal(first[..last], second[..last]);
        Assert.NotEqual(first[last..], second[last..]);
    }

    /// <summary>With one seed, the graph of parts and the layer in one piece start alike.</summary>
    [Theory]
    [InlineData("pre", false)]
    [InlineData("post", true)]
    public void ABlockIsTheGraphOfItsParts(string norm, bool causal)
    {
        using var device = new CpuDevice(2);
        var layers = new List<Layer>();
        var options = new TransformerOptions(8, 2, 20, norm == "pre", Rotary: true);
        string output = causal
            ? TransformerGraph.Decoder(layers, "block", "input", options)
            : TransformerGraph.Encoder(layers, "block", "input", options);
        Assert.Equal(output, layers[^1].Name);
        var block = new TransformerBlock
        {
            Heads = 2, Ffn = 20, Norm = norm, Causal = causal, Rotary = true,
        };
        float[] x = Values(new Rng(4), 2 * 5 * 8);
        float[] Run(params Layer[] parts)
        {
            using var model = new Model(
                new Graph { Layers = parts }.Resolve(new Shape(5, 8), 1), device);
            model.Weights.Initialize(new Rng(3));
            using var tape = new Tape(device, recording: false);
            return model.Forward(
                new Pass(tape, false, new Rng(1)), tape.Input(new(2, 5, 8), x)).ToArray();
        }

        Assert.Equal(Run(block), Run([.. layers]));
    }

    [Fact]
    public void ADecoderAttendsToItsMemory()
    {
        using var device = new CpuDevice(2);
        var layers = new List<Layer> { new Dense { Units = 6, Name = "memory" } };
        TransformerGraph.Decoder(
            layers, "block", "input", new TransformerOptions(8, 2, 16, Dropout: 0.1f), "memory");
        using var model = new Model(
            new Graph { Layers = [.. layers] }.Resolve(new Shape(5, 8), 1), device);
        Assert.Equal(new Shape(5, 8), model.Plan.Output);
        Assert.Contains(model.Weights.All, w =>
            w.Name == "block_memory_branch.memory_weight" && w.Spec.Shape == new Shape(6, 16));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatIsBehindTheLengthDoesNotMatter(bool cross)
    {
        using var device = new CpuDevice(2);
        var attention = new MultiHeadAttention { Heads = 2, Masked = true };
        using var tape = new Tape(device);
        Shape[] shapes = cross ? [new(3, 4), new(6, 4), new(1)] : [new(6, 4), new(1)];
        Assert.Equal(shapes[0], attention.OutputShape(shapes));
        var rng = new Rng(2);
        var weights = attention.Parameters(shapes).Select(spec => Random(
            tape, rng, spec.Shape)).ToArray();
        float[] memory = Values(rng, 2 * 6 * 4);
        var query = cross ? Random(tape, rng, new(2, 3, 4)) : null;
        float[] Run(float[] values)
        {
            var x = tape.Input(new(2, 6, 4), values);
            var lengths = tape.Input(new(2, 1), (float[])[4, 6]);
            return attention.Forward(
                new Pass(tape, false, new Rng(1)),
                query is null ? [x, lengths] : [query, x, lengths], weights).ToArray();
        }

        float[] before = Run(memory);
        // Step 4 of the first sample is padding; what it gives itself does not count.
        memory[4 * 4] += 1;
        float[] after = Run(memory);
        int seen = cross ? before.Length : 4 * 4;
        Assert.Equal(before[..seen], after[..seen]);
        memory[3 * 4] += 1;
        Assert.NotEqual(before[..seen], Run(memory)[..seen]);
    }

    [Fact]
    public void ThePaddingRowStaysZero()
    {
        using var device = new CpuDevice(1);
        var layer = new Embedding { Vocabulary = 4, Width = 3, Padding = 2 };
        using var model = new Model(
            new Graph { Layers = [layer] }.Resolve(new Shape(3), 1), device);
        model.Weights.Initialize(new Rng(1));
        Assert.Equal(new float[3], model.Weights.All[0].Tensor.ToArray()[6..9]);
        using var tape = new Tape(device);
        var y = model.Forward(
            new Pass(tape, true, new Rng(1)), tape.Input(new(1, 3), (float[])[2, 1, 2]));
        Assert.Equal(new float[3], y.ToArray()[..3]);
        tape.Backward(tape.Sum(y));
        var gradient = new float[12];
        device.Read(model.Weights.All[0].Tensor.Gradient!, gradient);
        Assert.Equal([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0], gradient);
    }

    private static Graph Causal(string norm, bool rotary) => new()
    {
        Layers =
        [
            new Embedding { Vocabulary = Vocabulary, Width = Width },
            rotary ? new Activation { Function = "linear" } : new PositionEmbedding(),
            new TransformerBlock
            {
                Heads = 2, Ffn = 32, Norm = norm, Causal = true, Rotary = rotary,
            },
            new Dense { Units = Vocabulary },
        ],
    };

    private static float Step(Model model, Optimizer optimizer)
    {
        var device = model.Device;
        using var tape = new Tape(device);
        float[] tokens = [.. Enumerable.Range(0, Period.Length).SelectMany(Tokens)];
        int[] next =
            [.. Enumerable.Range(0, Period.Length).SelectMany(o => Tokens(o + 1))
                .Select(token => (int)token)];
        var y = model.Forward(
            new Pass(tape, true, new Rng(1)), tape.Input(new(Period.Length, Time), tokens));
        var loss = tape.SoftmaxCrossEntropy(y, tape.Input(new(Period.Length, Time), next));
        tape.Backward(loss);
        optimizer.Step(0.01, null);
        return device.ReadScalar(loss.Storage);
    }

    /// <summary>The sequence from a place in its period.</summary>
    private static float[] Tokens(int offset) =>
        [.. Enumerable.Range(offset, Time).Select(i => (float)Period[i % Period.Length])];

    private static int[] Expected(int offset) =>
        [.. Tokens(offset + 1).Skip(1).Select(token => (int)token)];

    /// <summary>Without the first: one token does not say where the sequence is.</summary>
    private static int[] Predicted(Model model, int offset)
    {
        float[] y = Outputs(model, Tokens(offset));
        return [.. y.Chunk(Vocabulary).Select(p => Array.IndexOf(p, p.Max())).Skip(1)];
    }

    private static float[] Outputs(Model model, float[] tokens)
    {
        using var tape = new Tape(model.Device, recording: false);
        return model.Forward(
            new Pass(tape, false, new Rng(1)), tape.Input(new(1, Time), tokens)).ToArray();
    }

    private static float[] Values(Rng rng, int n) =>
        [.. Enumerable.Range(0, n).Select(_ => rng.NextNormal())];

    private static Tensor Random(Tape tape, Rng rng, Shape shape) =>
        tape.Input(shape, Values(rng, (int)shape.Count));
}
