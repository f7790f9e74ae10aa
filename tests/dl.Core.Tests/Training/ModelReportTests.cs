// What people and scripts read about a model.
using System.Text.Json;
using Dl.Files;
using Dl.Models;
using Dl.Tensors;
using Dl.Tests.Files;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class ModelReportTests
{
    [Fact]
    public void TheLayerTableAddsUp()
    {
        // The course's network on 28 x 28: 320 + 18,496 + 3,212,288 + 10,250 parameters.
        var (graph, _) = Zoo.Resolve("cnn", new Shape(28, 28, 1), 10, 0);
        string[] lines = ModelReport.Layers(graph.Plan()).Split('\n');
        Assert.Equal(graph.Layers.Length + 4, lines.Length);
        Assert.Matches("^conv2d_1 +conv2d +28x28x32 +320 ", lines[2]);
        Assert.Matches("^output +dense +10 +10,250", lines[^3]);
        Assert.Matches("^total +3,241,354$", lines[^2]);
        Assert.DoesNotContain(lines, l => l.EndsWith(' '));
    }

    [Fact]
    public void MemoryCountsEveryRunOnce()
    {
        var (graph, _) = Zoo.Resolve("mlp:5", new Shape(4), 3, 0);
        // 4*5 + 5 + 5*3 + 3 = 43 weights; 4 + 5 + 3 values, and gradients of 5 + 3.
        var memory = ModelMemory.Of(graph.Plan(), 10, OptimizerSettings.Parse("adam"));
        Assert.Equal(43 * 4, memory.Weights);
        Assert.Equal(43 * 4 * 3, memory.State);
        Assert.Equal((12 + 8) * 10 * 4, memory.Activations);
    }

    [Fact]
    public void TheTextNamesWhatMatters()
    {
        using var model = ModelFile.Load(Shared.Fixture("models/format-1.dlm"));
        string text = ModelReport.Text(model);
        Assert.Contains("task        classification of kind\n", text);
        Assert.Contains("labels      ant, bee, cat\n", text);
        Assert.Contains("2 columns as 4 numbers: size, colour\n", text);
        Assert.Contains("mlp:5, 43 parameters\n", text);
        Assert.Contains("train       loss 0.25, accuracy 0.9\n", text);
        Assert.Contains("batch_size 32, lr 0.001", text);
    }

    [Fact]
    public void TheJsonIsTheDocument()
    {
        using var json = JsonDocument.Parse(ModelReport.Json(TinyModel.Document()));
        Assert.Equal(1, json.RootElement.GetProperty("format").GetInt32());
        Assert.Equal(
            3, json.RootElement.GetProperty("graph").GetProperty("layers").GetArrayLength());
    }
}
