// What layers over series, images and volumes give for small inputs, worked out by hand.
using System.Text.Json;
using Dl.Cpu;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tests.Layers;

public sealed class SpatialTests
{
    [Theory]
    [InlineData("""{"type":"pad","margins":[2,1],"mode":"reflect"}""", "3 2 1 2 3 2")]
    [InlineData("""{"type":"pad","margins":[2,1],"mode":"edge"}""", "1 1 1 2 3 3")]
    [InlineData("""{"type":"pad","margins":[2,1]}""", "0 0 1 2 3 0")]
    [InlineData("""{"type":"crop","margins":[1,0]}""", "2 3")]
    [InlineData("""{"type":"slice","start":-2,"end":-1}""", "2")]
    [InlineData("""{"type":"resize","scale":2}""", "1 1 2 2 3 3")]
    [InlineData("""{"type":"resize","scale":2,"mode":"bilinear"}""", "1 1.25 1.75 2.25 2.75 3")]
    [InlineData("""{"type":"resize","size":5,"mode":"bilinear","align_corners":true}""",
        "1 1.5 2 2.5 3")]
    [InlineData("""{"type":"max_pool1d","window":2,"stride":1}""", "2 3")]
    [InlineData("""{"type":"average_pool1d","window":3,"stride":1,"padding":1}""", "1.5 2 2.5")]
    [InlineData(
        """{"type":"average_pool1d","window":3,"stride":3,"padding":1,"count_padding":true}""",
        "1")]
    [InlineData("""{"type":"global_max_pool1d"}""", "3")]
    [InlineData("""{"type":"global_average_pool1d"}""", "2")]
    [InlineData("""{"type":"permute","order":[1,0]}""", "1 2 3")]
    public void Of_the_series_1_2_3(string json, string expected) =>
        Assert.Equal(expected, Run(json, new Shape(3, 1), [1, 2, 3]));

    /// <summary>All weights 1: the sums that the window sees.</summary>
    [Theory]
    [InlineData("""{"type":"conv1d","filters":1,"padding":"causal"}""", "1 3 6 9")]
    [InlineData("""{"type":"conv1d","filters":1,"padding":"causal","dilation":2}""", "1 2 4 6")]
    [InlineData("""{"type":"conv1d","filters":1,"padding":"causal","stride":2}""", "1 6")]
    [InlineData("""{"type":"conv1d","filters":1,"padding":[0,2]}""", "6 9 7 4")]
    [InlineData("""{"type":"conv1d","filters":1}""", "3 6 9 7")]
    [InlineData("""{"type":"conv1d_transpose","filters":1,"kernel":2,"stride":2}""",
        "1 1 2 2 3 3 4 4")]
    [InlineData("""{"type":"conv1d_transpose","filters":1,"stride":2,"padding":1}""",
        "1 3 2 5 3 7 4")]
    [InlineData(
        """{"type":"conv1d_transpose","filters":1,"stride":2,"padding":1,"output_padding":1}""",
        "1 3 2 5 3 7 4 4")]
    public void Of_the_series_1_2_3_4_with_weights_1(string json, string expected) =>
        Assert.Equal(expected, Run(json, new Shape(4, 1), [1, 2, 3, 4]));

    [Fact]
    public void Unpooling_puts_values_where_the_pool_found_them() => Assert.Equal(
        "0 2 0 0 0 0 0 9",
        Run("""{"type":"max_pool2d","name":"pool"}""", new Shape(2, 4, 1),
            [1, 2, 3, 4, 0, 1, 8, 9],
            """{"type":"max_unpool2d","inputs":["pool","input"]}"""));

    [Fact]
    public void Ties_in_a_volume_go_to_the_first()
    {
        using var device = new CpuDevice(1);
        using var tape = new Tape(device);
        var storage = tape.Rent(DType.F32, 8);
        device.Fill(storage, 8, 1);
        var x = Tensor.Leaf(new Shape(1, 2, 2, 2, 1), storage);
        var size = new Size3(2, 2, 2);
        tape.Backward(tape.MaxPool3d(x, size, size, default), [1]);
        var gradient = new float[8];
        device.Read(x.Gradient!, gradient);
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 0], gradient);
    }

    [Fact]
    public void Sizes_are_written_as_they_are_read()
    {
        const string Json =
            """{"type":"conv2d","filters":2,"kernel":5,"stride":[2,1],"padding":[1,2,0,2]}""";
        var conv = Assert.IsType<Conv2d>(JsonSerializer.Deserialize(Json, LayerJson.Default.Layer));
        Assert.Equal((5, 5), (conv.Kernel.Height, conv.Kernel.Width));
        Assert.Equal("1,2,0,2", conv.Padding);
        string written = JsonSerializer.Serialize<Layer>(conv, LayerJson.Default.Layer);
        Assert.Contains("\"padding\":[1,2,0,2]", written);
        Assert.Contains("\"kernel\":[5,5]", written);
    }

    [Theory]
    [InlineData("""{"type":"conv2d","filters":2,"kernel":[3]}""")]
    [InlineData("""{"type":"conv3d","filters":2,"kernel":[3,3]}""")]
    [InlineData("""{"type":"conv2d","filters":2,"stride":0}""")]
    [InlineData("""{"type":"resize","scale":-1}""")]
    [InlineData("""{"type":"crop","margins":[]}""")]
    public void Wrong_sizes_are_refused(string json) => Assert.Throws<JsonException>(() =>
        JsonSerializer.Deserialize(json, LayerJson.Default.Layer));

    /// <summary>The output of the last layer, its weights all 1 and its biases 0.</summary>
    private static string Run(string json, Shape input, float[] values, string? next = null)
    {
        var layers = new List<Layer>();
        foreach (string text in next is null ? [json] : new[] { json, next })
        {
            layers.Add(JsonSerializer.Deserialize(text, LayerJson.Default.Layer)!);
        }
        using var device = new CpuDevice(1);
        using var model = new Model(
            new Graph { Layers = [.. layers] }.Resolve(input, 1), device);
        foreach (var weight in model.Weights.All)
        {
            device.Fill(weight.Tensor.Storage, (int)weight.Tensor.Shape.Count,
                weight.Name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1);
        }
        using var tape = new Tape(device, recording: false);
        var y = model.Forward(
            new Pass(tape, false, new Rng(1)), tape.Input(input.Prepend(1), values));
        return FormattableString.Invariant($"{string.Join(' ', y.ToArray())}");
    }
}
