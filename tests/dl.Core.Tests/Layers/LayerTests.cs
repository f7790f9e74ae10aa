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
        {
            """{"type":"conv2d","filters":2,"padding":[1,2,0,3]}""", [6, 6, 4], [7, 7, 2],
            "weight 3x3x4x2, bias 2"
        },
        { """{"type":"conv1d","filters":6}""", [9, 3], [9, 6], "weight 3x3x6, bias 6" },
        {
            """{"type":"conv1d","filters":4,"kernel":2,"dilation":3,"padding":"causal"}""",
            [9, 2], [9, 4], "weight 2x2x4, bias 4"
        },
        {
            """{"type":"conv1d","filters":4,"kernel":4,"stride":2,"padding":[3,1]}""", [9, 2],
            [5, 4], "weight 4x2x4, bias 4"
        },
        {
            """{"type":"conv3d","filters":4,"kernel":[3,1,3],"stride":[2,1,1]}""", [5, 4, 6, 2],
            [3, 4, 6, 4], "weight 3x1x3x2x4, bias 4"
        },
        {
            """{"type":"conv3d","filters":4,"groups":2,"padding":[1,0,1]}""", [4, 5, 6, 2],
            [4, 3, 6, 4], "weight 3x3x3x1x4, bias 4"
        },
        {
            """{"type":"conv2d_transpose","filters":5,"kernel":4,"stride":2}""", [4, 5, 3],
            [8, 10, 5], "weight 4x4x5x3, bias 5"
        },
        {
            """
            {"type":"conv2d_transpose","filters":4,"stride":2,"padding":1,"output_padding":[0,1],
            "groups":2}
            """, [4, 5, 6], [7, 10, 4], "weight 3x3x2x6, bias 4"
        },
        {
            """{"type":"conv1d_transpose","filters":5,"stride":3,"padding":"valid"}""", [4, 2],
            [12, 5], "weight 3x5x2, bias 5"
        },
        {
            """{"type":"depthwise_conv2d","multiplier":2,"stride":2}""", [8, 9, 3], [4, 5, 6],
            "weight 3x3x1x6, bias 6"
        },
        {
            """{"type":"separable_conv2d","filters":7,"activation":"relu"}""", [8, 9, 3],
            [8, 9, 7], "depthwise_weight 3x3x1x3, pointwise_weight 1x1x3x7, bias 7"
        },
        {
            """{"type":"squeeze_excitation","ratio":4}""", [5, 6, 8], [5, 6, 8],
            "squeeze_weight 8x2, squeeze_bias 2, expand_weight 2x8, expand_bias 8"
        },
        {
            """{"type":"squeeze_excitation"}""", [5, 8], [5, 8],
            "squeeze_weight 8x1, squeeze_bias 1, expand_weight 1x8, expand_bias 8"
        },
        // Pooling and resizing.
        { """{"type":"max_pool2d"}""", [8, 9, 3], [4, 4, 3], "" },
        {
            """{"type":"max_pool2d","window":3,"stride":2,"padding":"1"}""", [9, 9, 2],
            [5, 5, 2], ""
        },
        { """{"type":"average_pool2d","window":[2,3]}""", [8, 9, 3], [4, 3, 3], "" },
        { """{"type":"global_average_pool2d"}""", [8, 9, 3], [3], "" },
        { """{"type":"max_pool1d","window":3,"stride":2}""", [9, 3], [4, 3], "" },
        { """{"type":"max_pool3d","window":[1,2,3]}""", [4, 5, 6, 2], [4, 2, 2, 2], "" },
        { """{"type":"max_pool3d","window":3,"padding":"same"}""", [4, 5, 6, 2], [2, 2, 2, 2], "" },
        { """{"type":"average_pool1d","padding":1,"window":3}""", [9, 3], [3, 3], "" },
        { """{"type":"average_pool3d","count_padding":true}""", [4, 5, 6, 2], [2, 2, 3, 2], "" },
        { """{"type":"global_average_pool1d"}""", [9, 3], [3], "" },
        { """{"type":"global_average_pool3d"}""", [4, 5, 6, 2], [2], "" },
        { """{"type":"global_max_pool1d"}""", [9, 3], [3], "" },
        { """{"type":"global_max_pool2d"}""", [8, 9, 3], [3], "" },
        { """{"type":"global_max_pool3d"}""", [4, 5, 6, 2], [2], "" },
        {
            """{"type":"max_unpool2d","window":1,"inputs":["input","input"]}""", [4, 5, 3],
            [4, 5, 3], ""
        },
        { """{"type":"resize","scale":2}""", [4, 5, 3], [8, 10, 3], "" },
        { """{"type":"resize","scale":[2,1.5],"mode":"bilinear"}""", [4, 5, 3], [8, 7, 3], "" },
        { """{"type":"resize","size":7}""", [5, 3], [7, 3], "" },
        {
            """{"type":"resize","size":[3,8,2],"mode":"bilinear"}""", [4, 5, 6, 2],
            [3, 8, 2, 2], ""
        },
        { """{"type":"pixel_shuffle"}""", [4, 5, 12], [8, 10, 3], "" },
        { """{"type":"pixel_unshuffle"}""", [4, 6, 3], [2, 3, 12], "" },
        // Normalisation.
        {
            """{"type":"batch_norm"}""", [4, 5, 3], [4, 5, 3],
            "weight 3, bias 3, running_mean 3, running_variance 3"
        },
        {
            """{"type":"batch_norm","affine":false,"momentum":0.5}""", [7], [7],
            "running_mean 7, running_variance 7"
        },
        {
            """{"type":"batch_norm","activation":"tanh"}""", [4, 3], [4, 3],
            "weight 3, bias 3, running_mean 3, running_variance 3"
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
        {
            """{"type":"rnn","units":4,"activation":"relu"}""", [5, 3], [4],
            "input_weight_l0 3x4, hidden_weight_l0 4x4, bias_l0 4"
        },
        {
            """{"type":"lstm","units":4,"layers":2,"output":"sequence","dropout":0.2}""", [5, 3],
            [5, 4],
            "input_weight_l0 3x16, hidden_weight_l0 4x16, bias_l0 16, "
                + "input_weight_l1 4x16, hidden_weight_l1 4x16, bias_l1 16"
        },
        {
            """{"type":"gru","units":3,"bidirectional":true}""", [5, 2], [6],
            "input_weight_l0 2x9, hidden_weight_l0 3x9, bias_l0 9, candidate_bias_l0 3, "
                + "input_weight_l0_reverse 2x9, hidden_weight_l0_reverse 3x9, "
                + "bias_l0_reverse 9, candidate_bias_l0_reverse 3"
        },
        {
            """{"type":"lstm","units":3,"layers":2,"output":"state","unit_forget_bias":false}""",
            [4, 2], [12],
            "input_weight_l0 2x12, hidden_weight_l0 3x12, bias_l0 12, "
                + "input_weight_l1 3x12, hidden_weight_l1 3x12, bias_l1 12"
        },
        { """{"type":"sequence_length","padding":-1}""", [7, 2], [1], "" },
        { """{"type":"last_step"}""", [5, 3], [3], "" },
        { """{"type":"reverse_time"}""", [5, 3], [5, 3], "" },
        {
            """{"type":"multi_head_attention","heads":2}""", [5, 6], [5, 6],
            "in_weight 6x18, in_bias 18, out_weight 6x6, out_bias 6"
        },
        {
            """
            {"type":"multi_head_attention","heads":3,"causal":true,"rotary":true,"dropout":0.2,
            "bias":false}
            """,
            [4, 15], [4, 15], "in_weight 15x45, out_weight 15x15"
        },
        {
            """{"type":"transformer_block","heads":2,"ffn":7,"activation":"relu","norm":"post"}""",
            [4, 6], [4, 6], Block(6, 7)
        },
        {
            """{"type":"transformer_block","heads":1,"causal":true,"rotary":true,"dropout":0.1}""",
            [4, 5], [4, 5], Block(5, 20)
        },
        { """{"type":"embedding","vocabulary":3,"width":4}""", [5], [5, 4], "weight 3x4" },
        {
            """{"type":"embedding","vocabulary":3,"width":4,"padding":0}""", [5, 1], [5, 4],
            "weight 3x4"
        },
        { """{"type":"position_embedding"}""", [5, 4], [5, 4], "weight 5x4" },
        { """{"type":"position_embedding","length":9}""", [5, 4], [5, 4], "weight 9x4" },
        { """{"type":"sinusoidal_positions"}""", [5, 3], [5, 3], "" },
        // Shapes.
        { """{"type":"flatten"}""", [2, 3, 4], [24], "" },
        { """{"type":"reshape","shape":[4,6]}""", [2, 3, 4], [4, 6], "" },
        { """{"type":"permute","order":[2,0,1]}""", [2, 3, 4], [4, 2, 3], "" },
        { """{"type":"crop","margins":[1,0,2,1]}""", [4, 6, 3], [3, 3, 3], "" },
        { """{"type":"crop","margins":2}""", [7, 3], [3, 3], "" },
        { """{"type":"pad","margins":[1,2]}""", [4, 6, 3], [6, 10, 3], "" },
        { """{"type":"pad","margins":[3,2],"mode":"reflect"}""", [4, 3], [9, 3], "" },
        { """{"type":"pad","margins":1,"mode":"edge"}""", [2, 3, 4, 1], [4, 5, 6, 1], "" },
        { """{"type":"slice","start":-2}""", [7, 3], [2, 3], "" },
        { """{"type":"slice","axis":-1,"start":1,"end":-1}""", [7, 5], [7, 3], "" },
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
        { """{"type":"add","inputs":["input","input"]}""", [5], [5], "" },
        { """{"type":"add","activation":"relu","inputs":["input","input"]}""", [5], [5], "" },
        { """{"type":"multiply","inputs":["input","input"]}""", [4, 5], [4, 5], "" },
        { """{"type":"concat","inputs":["input","input"]}""", [2, 5], [2, 10], "" },
    };

    private static string Block(int width, int hidden) =>
        $"norm1_weight {width}, norm1_bias {width}, attention_in_weight {width}x{3 * width}, "
        + $"attention_in_bias {3 * width}, attention_out_weight {width}x{width}, "
        + $"attention_out_bias {width}, norm2_weight {width}, norm2_bias {width}, "
        + $"dense1_weight {width}x{hidden}, dense1_bias {hidden}, "
        + $"dense2_weight {hidden}x{width}, dense2_bias {width}";

    [Theory]
    [MemberData(nameof(Rows))]
    public void ShapesWeightsAndJson(string json, int[] input, int[] output, string weights)
    {
        var layer = JsonSerializer.Deserialize(json, LayerJson.Default.Layer)!;
        var inputs = new Shape[layer.Inputs?.Length ?? 1];
        Array.Fill(inputs, new Shape(input));
        Assert.Equal(new Shape(output), layer.OutputShape(inputs));
        var specs = layer.Parameters(inputs);
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
            device.Update(
                UpdateRules.Sgd, group.Values, group.Gradients, [], group.Count,
                new UpdateNumbers { Rate = step });
        }
        model.Weights.ClearGradients();
        return device.ReadScalar(loss.Storage);
    }

    [Theory]
    [InlineData("""{"type":"dense","units":-1}""", "units -1")]
    [InlineData("""{"type":"conv2d","filters":3,"groups":2}""", "2 groups")]
    [InlineData("""{"type":"conv2d","filters":3,"padding":"sme"}""", "padding 'sme'")]
    [InlineData("""{"type":"max_pool2d","window":9}""", "does not fit")]
    [InlineData("""{"type":"max_pool2d","padding":"2"}""", "smaller than the window")]
    [InlineData("""{"type":"max_pool1d"}""", "expected time x channels; use max_pool2d")]
    [InlineData("""{"type":"conv2d","filters":3,"padding":[1,2,3]}""", "padding '1,2,3'")]
    [InlineData("""{"type":"conv2d","filters":3,"padding":"causal"}""", "padding 'causal'")]
    [InlineData("""{"type":"conv3d","filters":3}""", "use conv2d for height x width x channels")]
    [InlineData("""{"type":"global_max_pool3d"}""", "use global_max_pool2d")]
    [InlineData("""{"type":"conv2d_transpose","filters":3,"output_padding":1}""", "output_padding")]
    [InlineData("""{"type":"conv2d_transpose","filters":3,"padding":"6"}""", "leaves nothing")]
    [InlineData("""{"type":"depthwise_conv2d","multiplier":0}""", "multiplier 0")]
    [InlineData("""{"type":"max_unpool2d"}""", "expected 2")]
    [InlineData("""{"type":"max_unpool2d","inputs":["input","input"]}""", "pooling 8x8x4 gives")]
    [InlineData("""{"type":"resize"}""", "one of scale and size")]
    [InlineData("""{"type":"resize","scale":0.1}""", "would become 0 wide")]
    [InlineData("""{"type":"resize","scale":2,"mode":"bilinaer"}""", "did you mean 'bilinear'?")]
    [InlineData("""{"type":"resize","size":[1,2,3]}""", "3 sizes for 2 dimension(s)")]
    [InlineData("""{"type":"pixel_shuffle","factor":3}""", "factor * factor")]
    [InlineData("""{"type":"pixel_unshuffle","factor":3}""", "multiples of it")]
    [InlineData("""{"type":"squeeze_excitation","ratio":0}""", "ratio of at least 1")]
    [InlineData("""{"type":"crop","margins":4}""", "leave nothing")]
    [InlineData("""{"type":"crop","margins":[1,2,3]}""", "3 margins for a 8x8x4 input")]
    [InlineData("""{"type":"pad","margins":8,"mode":"reflect"}""", "use at most 7")]
    [InlineData("""{"type":"slice","axis":3}""", "expected 0 to 2")]
    [InlineData("""{"type":"slice","start":5,"end":3}""", "axis 0 has 8")]
    [InlineData("""{"type":"dropout","rate":1}""", "rate 1")]
    [InlineData("""{"type":"lstm","units":3}""", "input is 8x8x4, expected time x features")]
    [InlineData("""{"type":"gru","units":3,"masked":true}""", "1 inputs given, expected 2")]
    [InlineData("""{"type":"rnn","units":3,"activation":"tahn"}""", "did you mean 'tanh'?")]
    [InlineData("""{"type":"multi_head_attention","heads":3}""", "expected time x width")]
    [InlineData("""{"type":"embedding","vocabulary":9,"width":2,"padding":9}""", "padding 9")]
    [InlineData("""{"type":"position_embedding"}""", "expected time x width")]
    [InlineData("""{"type":"activation","function":"rleu"}""", "did you mean 'relu'?")]
    [InlineData("""{"type":"batch_norm","momentum":2}""", "momentum 2")]
    [InlineData("""{"type":"batch_norm","epsilon":0}""", "epsilon 0")]
    [InlineData("""{"type":"batch_norm","activation":"rleu"}""", "did you mean 'relu'?")]
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
