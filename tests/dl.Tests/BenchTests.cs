// `dl bench` through the program: what it prints, and what it refuses.
using System.Text.Json;

namespace Dl.Tests;

public sealed class BenchTests : IDisposable
{
    private readonly Workplace _place = new();

    [Fact]
    public void AWorkloadPrintsTheKeysOfItsPeer()
    {
        Ran ran = _place.Dl(
            "bench", "mlp_small", "--device", "cpu", "--seconds", "0", "--json");
        Assert.Equal(0, ran.Code);
        JsonElement line = JsonDocument.Parse(Assert.Single(ran.Lines)).RootElement;
        Assert.Equal("mlp_small", line.GetProperty("workload").GetString());
        Assert.Equal("cpu", line.GetProperty("device").GetString());
        Assert.Equal(16, line.GetProperty("batch").GetInt32());
        Assert.Equal(1699, line.GetProperty("params").GetInt32());
        double step = line.GetProperty("step_ms").GetDouble();
        // Both are rounded.
        Assert.InRange(line.GetProperty("samples_per_s").GetDouble() * step / 16e3, 0.98, 1.02);
        Assert.True(
            line.GetProperty("loss_last").GetDouble() < line.GetProperty("loss_first").GetDouble());
        foreach (string key in new[] { "gflop", "gbyte", "device_bytes", "peak_bytes", "steps" })
        {
            Assert.True(line.GetProperty(key).GetDouble() > 0, key);
        }
    }

    [Fact]
    public void LayersArePrintedAfterTheStep()
    {
        Ran ran = _place.Dl(
            "bench", "mlp_small", "--device", "cpu", "--seconds", "0", "--layers");
        Assert.Equal(0, ran.Code);
        Assert.Equal(
            ["workload", "mlp_small", "layer", "dense_1", "dense_2", "dense_3", "loss", "update"],
            ran.Lines.Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void PartsTellTheirSpeed()
    {
        Ran ran = _place.Dl(
            "bench", "matmul", "--sizes", "16,32", "--device", "cpu", "--seconds", "0", "--json");
        Assert.Equal(0, ran.Code);
        JsonElement[] lines = [.. ran.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["16", "32"], lines.Select(line => line.GetProperty("name").GetString()));
        foreach (JsonElement line in lines)
        {
            double seconds = line.GetProperty("ms").GetDouble() / 1e3;
            double n = double.Parse(line.GetProperty("name").GetString()!);
            // Milliseconds are rounded to 0.1 microseconds, which is much of so short a time.
            Assert.InRange(
                line.GetProperty("gflops").GetDouble() * 1e9 * seconds / (2 * n * n * n), 0.7, 1.4);
        }
    }

    [Fact]
    public void PicturesAreReadIntoBatches()
    {
        string folder = Path.Combine(_place.Folder, "drawn");
        Assert.Equal(0, _place.Dl("gen", "--toy", "shapes", "-n", "20", "-o", folder).Code);
        Ran ran = _place.Dl(
            "bench", "images", folder, "--image-size", "16", "--seconds", "0", "--json");
        Assert.Equal(0, ran.Code);
        JsonElement line = JsonDocument.Parse(Assert.Single(ran.Lines)).RootElement;
        Assert.Equal(20, line.GetProperty("pictures").GetInt32());
        Assert.Equal(16, line.GetProperty("image_size").GetInt32());
        foreach (string key in new[] { "samples_per_s", "read_ms", "decode_ms", "resize_ms" })
        {
            Assert.True(line.GetProperty(key).GetDouble() > 0, key);
        }
        Assert.Contains("images/s: 20 in 1 passes", _place.Dl(
            "bench", "images", folder, "--seconds", "0").Out);
    }

    [Theory]
    [InlineData("images", "expected dl bench images DIR")]
    [InlineData("mlp --image-size 9", "--image-size: mlp given, expected images DIR")]
    [InlineData("mpl", "did you mean 'mlp'?")]
    [InlineData("mlp_small --sizes 12", "--sizes: mlp_small given, expected matmul")]
    [InlineData("peak --layers", "--layers: peak given, expected a workload")]
    [InlineData("peak --batch-size 3", "--batch-size: peak given, expected a workload")]
    [InlineData("resnet50 --batch-size 1000000", "resnet50 takes at most ")]
    [InlineData("matmul --sizes 0", "0")]
    [InlineData("mlp --device nonsense", "nonsense")]
    public void WrongUsageIsNamed(string words, string message)
    {
        Ran ran = _place.Dl(["bench", .. words.Split(' ')]);
        Assert.Equal(2, ran.Code);
        Assert.Empty(ran.Out);
        Assert.Contains(message, ran.Error);
    }

    public void Dispose() => _place.Dispose();
}
