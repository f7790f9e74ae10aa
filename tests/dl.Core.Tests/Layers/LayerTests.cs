using System.Text.Json;
using Dl.Cpu;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tests.Layers;

/// <summary>A layer is one row: input, output, weights, and what its JSON says.</summary>
public sealed class LayerTests
{
    public static TheoryData<string, int[], int[], string> Rows => new()
    {
        { """{"type":"dense","units":5}""", [7], [5], "weight 7x5, bias 5" },
        { """{"type":"dense","units":5,"bias":false}""", [3, 7], [3, 5], "weight 7x5" },
        // Convolutions.
        { """{"type":"conv2d","filters":6}""", [8, 9, 3], [8, 9, 6], "weight 3x3x3x6, bias 6" },
        {
            """{"type":"conv2d","filters":4,"kernel":[5,3],"stride":2,"padding":"valid"}""",
            [11, 10, 2], [4, 4, 4], "weight 5x3x2x4, bias 4"
        },
        {
            """{"type":"conv2d","filters":8,"groups":4,"bias":false,"padding":"1"}""",
            [6, 6, 4], [6, 6, 8], "weight 3x3x1x8"
        },
        // Pooling and resizing.
        { """{"type":"max_pool2d"}""", [8, 9, 3], [4, 4, 3], "" },
        {
            """{"type":"max_pool2d","window":3,"stride":2,"padding":"1"}""", [9, 9, 2],
            [5, 5, 2], ""
        },
        { """{"type":"average_pool2d","window":[2,3]}""", [8, 9, 3], [4, 3, 3], "" },
        { """{"type":"global_average_pool2d"}""", [8, 9, 3], [3], "" },
        // Normalisation.
        {
            """{"type":"batch_norm"}""", [4, 5, 3], [4, 5, 3],
            "weight 3, bias 3, running_mean 3, running_variance 3"
        },
        {
            """{"type":"batch_norm","affine":false,"momentum":0.5}""", [7], [7],
            "running_mean 7, running_variance 7"
        },
        { """{"type":"layer_norm"}""", [6, 8], [6, 8], "weight 8, bias 8" },
        { """{"type":"layer_norm","dimensions":2,"bias":false}""", [6, 8], [6, 8], "weight 6x8" },
        { """{"type":"group_norm","groups":2}""", [5, 5, 6], [5, 5, 6], "weight 6, bias 6" },
        { """{"type":"instance_norm"}""", [9, 4], [9, 4], "" },
        {
            """{"type":"instance_norm","affine":true}""", [2, 3, 4, 2], [2, 3, 4, 2],
            "weight 2, bias 2"
        },
        { """{"type":"rms_norm"}""", [6, 8], [6, 8], "weight 8" },
        // Sequences.
        // Shapes.
        { """{"type":"flatten"}""", [2, 3, 4], [24], "" },
        { """{"type":"reshape","shape":[4,6]}""", [2, 3, 4], [4, 6], "" },
        { """{"type":"permute","order":[2,0,1]}""", [2, 3, 4], [4, 2, 3], "" },
        // Activations and noise.
        { """{"type":"activation","function":"tanh"}""", [2, 3], [2, 3], "" },
        { """{"type":"softmax"}""", [5], [5], "" },
        { """{"type":"log_softmax"}""", [5], [5], "" },
        { """{"type":"prelu"}""", [4, 3], [4, 3], "slope 3" },
        { """{"type":"dropout","rate":0.5}""", [5], [5], "" },
        { """{"type":"spatial_dropout","rate":0.5}""", [6, 5], [6, 5], "" },
        { """{"type":"alpha_dropout","rate":0.2}""", [5], [5], "" },
        { """{"type":"gaussian_dropout","rate":0.2}""", [5], [5], "" },
        { """{"type":"gaussian_noise","deviation":0.3}""", [5], [5], "" },
        // Joins.
        { """{"type":"add"}""", [5], [5], "" },
        { """{"type":"multiply"}""", [4, 5], [4, 5], "" },
        { """{"type":"concat"}""", [2, 5], [2, 5], "" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void ShapesWeightsAndJson(string json, int[] input, int[] output, string weights)
    {
        var layer = JsonSerializer.Deserialize(json, LayerJson.Default.Layer)!;
        Assert.Equal(new Shape(output), layer.OutputShape([new Shape(input)]));
        var specs = layer.Parameters([new Shape(input)]);
        Assert.Equal(weights, string.Join(", ", specs.Select(s => $"{s.Name} {s.Shape}")));
        string written = JsonSerializer.Serialize(layer, LayerJson.Default.Layer);
        var again = JsonSerializer.Deserialize(written, LayerJson.Default.Layer)!;
        Assert.Equal(written, JsonSerializer.Serialize(again, LayerJson.Default.Layer));
    }

    /// <summary>Every row runs, gives its shape, and gradient descent lowers a loss.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public void OneStepLowersALoss(string json, int[] input, int[] output, string weights)
    {
        _ = weights;
        var layer = JsonSerializer.Deserialize(json, LayerJson.Default.Layer)!;
        using var device = new CpuDevice(2);
        var graph = new Graph { Layers = [layer] }.Resolve(new Shape(input), 1);
        using (var model = new Model(graph, device))
        {
            model.Weights.Initialize(new Rng(3));
            double first = Loss(model, input, output, step: 0.01f);
            double second = Loss(model, input, output, step: 0);
            if (model.Plan.ParameterCount > 0)
            {
                Assert.True(second < first, $"{first} -> {second}");
            }
        }
        Assert.Equal(0, device.LiveBuffers);
    }

    [Fact]
    public void EveryLayerHasARow()
    {
        var kinds = Rows.Select(r => JsonDocument.Parse((string)((object[])r)[0])
            .RootElement.GetProperty("type").GetString());
        Assert.Empty(LayerJson.Kinds.Except(kinds!));
    }

    [Fact]
    public void EveryLayerIsDescribed() =>
        Assert.All(LayerJson.Kinds, kind => Assert.NotEmpty(LayerDescriptions.Of(kind)));

    /// <summary>So that a function without gradient is refused wherever it stands.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public void LayersWithAnActivationSaySo(string json, int[] input, int[] output, string weights)
    {
        _ = (input, output, weights);
        var layer = JsonSerializer.Deserialize(json, LayerJson.Default.Layer)!;
        using var written = JsonDocument.Parse(
            JsonSerializer.Serialize(layer, LayerJson.Default.Layer));
        Assert.Equal(
            written.RootElement.TryGetProperty("activation", out _) || layer is Activation,
            layer is IActivated);
    }

    private static double Loss(Model model, int[] input, int[] output, float step)
    {
        var device = model.Device;
        using var tape = new Tape(device);
        var rng = new Rng(5);
        var x = new float[new Shape(input).Prepend(4).Count];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = rng.NextNormal();
        }
        var y = model.Forward(
            new Pass(tape, true, new Rng(7)), tape.Input(new Shape(input).Prepend(4), x));
        Assert.Equal(new Shape(output).Prepend(4), y.Shape);
        var loss = tape.Mean(tape.Unary(UnaryOps.Square, tape.Unary(UnaryOps.Tanh, y)));
        tape.Backward(loss);
        model.Weights.CompleteGradients();
        foreach (var group in model.Weights.Groups)
        {
            device.SgdStep(group.Values, group.Gradients, null, group.Count, step, 0, 0, false);
        }
        model.Weights.ClearGradients();
        return device.ReadScalar(loss.Storage);
    }

    [Theory]
    [InlineData("""{"type":"dense","units":-1}""", "units -1")]
    [InlineData("""{"type":"conv2d","filters":3,"groups":2}""", "2 groups")]
    [InlineData("""{"type":"conv2d","filters":3,"padding":"sme"}""", "padding 'sme'")]
    [InlineData("""{"type":"max_pool2d","window":9}""", "does not fit")]
    [InlineData("""{"type":"dropout","rate":1}""", "rate 1")]
    [InlineData("""{"type":"activation","function":"rleu"}""", "did you mean 'relu'?")]
    [InlineData("""{"type":"batch_norm","momentum":2}""", "momentum 2")]
    [InlineData("""{"type":"batch_norm","epsilon":0}""", "epsilon 0")]
    [InlineData("""{"type":"layer_norm","dimensions":4}""", "expected 1 to 3")]
    [InlineData("""{"type":"group_norm","groups":3}""", "4 channels in 3 groups")]
    [InlineData("""{"type":"gaussian_noise","deviation":-1}""", "deviation -1")]
    [InlineData("""{"type":"permute","order":[0,2,2]}""", "each of 0 to 2 once")]
    public void WrongLayersAreNamed(string json, string message)
    {
        var layer = JsonSerializer.Deserialize(json, LayerJson.Default.Layer)!;
        var graph = new Graph { Layers = [layer] }.Resolve(new Shape(8, 8, 4), 1);
        var error = Assert.Throws<UsageException>(() => graph.Plan());
        Assert.Contains(message, error.Message);
        Assert.StartsWith("layer '", error.Message);
    }

    [Fact]
    public void UnknownKeysAreRefused() => Assert.Throws<JsonException>(() =>
        JsonSerializer.Deserialize(
            """{"type":"dense","units":3,"unist":4}""", LayerJson.Default.Layer));
}
