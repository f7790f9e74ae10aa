using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Tests.Models;

public sealed class ZooTests
{
    /// <summary>Parameter counts worked out by hand from the published layer sizes.</summary>
    [Theory]
    [InlineData("perceptron", new[] { 4 }, 3, (4 * 3) + 3)]
    [InlineData("linear", new[] { 4 }, 1, 5)]
    [InlineData("logistic", new[] { 28, 28, 1 }, 10, 7850)]
    [InlineData("mlp:512,256", new[] { 28, 28, 1 }, 10, 535818)]
    [InlineData("cnn", new[] { 28, 28, 1 }, 10, 3241354)]
    [InlineData("lenet", new[] { 28, 28, 1 }, 10, 61706)]
    [InlineData("resnet18", new[] { 224, 224, 3 }, 1000, 11689512)]
    [InlineData("resnet34", new[] { 224, 224, 3 }, 1000, 21797672)]
    [InlineData("resnet50", new[] { 224, 224, 3 }, 1000, 25557032)]
    [InlineData("resnet18", new[] { 32, 32, 3 }, 10, 11173962)]
    [InlineData("mobilenet", new[] { 224, 224, 3 }, 1000, 4231976)]
    [InlineData("mobilenet", new[] { 32, 32, 3 }, 10, 543050)]
    [InlineData("conv32-relu-pool2-conv64-relu-pool2-dense1024-relu", new[] { 28, 28, 1 }, 10,
        3241354)]
    [InlineData("conv8x5s2-gap", new[] { 28, 28, 3 }, 4, (25 * 3 * 8) + 8 + (8 * 4) + 4)]
    [InlineData("conv8-bn-relu-pool2-dense4-ln-prelu", new[] { 8, 8, 3 }, 2,
        (27 * 8) + 8 + 16 + (128 * 4) + 4 + 8 + 4 + 8 + 2)]
    [InlineData("dense5-tanh", new[] { 2 }, 2, 10 + 5 + 10 + 2)]
    [InlineData("conv8-relu-pool2-conv4x5s2-gmp", new[] { 16, 3 }, 2,
        (3 * 3 * 8) + 8 + (5 * 8 * 4) + 4 + (4 * 2) + 2)]
    [InlineData("conv8-pool4-dense5", new[] { 16, 3 }, 2,
        (3 * 3 * 8) + 8 + (4 * 8 * 5) + 5 + (5 * 2) + 2)]
    [InlineData("conv2-relu-avgpool2-gap", new[] { 4, 6, 6, 1 }, 3, 54 + 2 + 6 + 3)]
    [InlineData("conv8-se4-dwconv3s2-relu-sepconv4-gap", new[] { 9, 9, 1 }, 2,
        80 + (8 * 2) + 2 + (2 * 8) + 8 + (9 * 8) + 8 + (9 * 8) + (8 * 4) + 4 + 8 + 2)]
    [InlineData("conv4s2-up2-convt3x4s2", new[] { 4, 4, 1 }, 2,
        40 + (16 * 4 * 3) + 3 + (8 * 8 * 3 * 2) + 2)]
    [InlineData("lstm8", new[] { 20, 3 }, 2, (4 * 8 * (3 + 8 + 1)) + (8 * 2) + 2)]
    [InlineData("bigru4-dropout0.1-rnn5-dense3-relu", new[] { 20, 2 }, 2,
        (2 * ((3 * 4 * (2 + 4 + 1)) + 4)) + (5 * (8 + 5 + 1)) + (5 * 3) + 3 + (3 * 2) + 2)]
    [InlineData("gru6", new[] { 28, 28, 3 }, 10, (3 * 6 * (84 + 6 + 1)) + 6 + (6 * 10) + 10)]
    [InlineData("conv4-pool2-lstm3-gap", new[] { 20, 2 }, 2,
        (3 * 2 * 4) + 4 + (4 * 3 * (4 + 3 + 1)) + (3 * 2) + 2)]
    [InlineData("rnn6", new[] { 9 }, 1, (6 * (1 + 6 + 1)) + 6 + 1)]
    public void ParameterCounts(string model, int[] input, int outputs, int parameters)
    {
        var (graph, _) = Zoo.Resolve(model, new Shape(input), outputs, 0);
        var plan = graph.Plan();
        Assert.Equal(parameters, plan.ParameterCount);
        Assert.Equal(new Shape(outputs), plan.Output);
    }

    [Theory]
    [InlineData("inception", "no such model")]
    [InlineData("resnet19", "did you mean 'resnet18'?")]
    [InlineData("resnet18", "needs images")]
    [InlineData("mobilenet", "needs images")]
    [InlineData("mpl", "did you mean 'mlp'?")]
    [InlineData("mlp:0", "'0' is not a layer size")]
    [InlineData("mlp:12,x", "'x' is not a layer size")]
    [InlineData("cnn:3", "takes no arguments")]
    [InlineData("cnn", "needs images")]
    [InlineData("dense5-rleu", "did you mean 'relu'?")]
    [InlineData("conv0-relu", "'conv0' is no layer")]
    [InlineData("sepcnov3", "did you mean 'sepconv'?")]
    [InlineData("missing.json", "cannot be read")]
    public void WrongModelsAreNamed(string model, string message)
    {
        var error = Assert.Throws<UsageException>(() => Zoo.Resolve(model, new Shape(4), 2, 0));
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void DropoutFollowsHiddenActivations()
    {
        var (graph, _) = Zoo.Resolve("dense5-relu-dense4-tanh", new Shape(3), 2, 0.25f);
        Assert.Equal(
            ["dense_1", "dropout_1", "dense_2", "dropout_2", "output"],
            graph.Layers.Select(l => l.Name));
        Assert.Equal(0.25f, ((Dropout)graph.Layers[1]).Rate);
    }

    [Fact]
    public void ActivationsBehindNormsBelongToThem()
    {
        var (graph, _) = Zoo.Resolve("dense5-bn-relu-dense4-prelu", new Shape(3), 2, 0.25f);
        Assert.Equal(
            ["dense_1", "batch_norm_1", "dropout_1", "dense_2", "prelu_1", "dropout_2", "output"],
            graph.Layers.Select(l => l.Name));
        Assert.Equal("relu", Assert.IsType<BatchNorm>(graph.Layers[1]).Activation);
    }

    [Fact]
    public void GraphFilesAreReadAndChecked()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        try
        {
            File.WriteAllText(path, """
                {
                  "layers": [
                    { "type": "dense", "name": "a", "units": 4, "activation": "relu" },
                    { "type": "dense", "name": "b", "units": 4, "inputs": ["input"] },
                    { "type": "add", "name": "sum", "inputs": ["a", "b"] }, // a comment
                    { "type": "dense", "units": 0 }
                  ]
                }
                """);
            var (graph, _) = Zoo.Resolve(path, new Shape(3), 2, 0);
            Assert.Equal(new Shape(2), graph.Plan().Output);
            Assert.Equal(16 + 16 + 10, graph.Plan().ParameterCount);

            File.WriteAllText(path, """
                { "layers": [
                  { "type": "dense", "name": "a", "units": 4 },
                  { "type": "add", "inputs": ["a", "bb"] } ] }
                """);
            var error = Assert.Throws<UsageException>(
                () => Zoo.Resolve(path, new Shape(3), 2, 0));
            Assert.Contains("layer 'add_1': earlier layer 'bb'", error.Message);

            File.WriteAllText(path, """{ "layers": [ { "type": "dens", "units": 4 } ] }""");
            error = Assert.Throws<UsageException>(() => Zoo.Resolve(path, new Shape(3), 2, 0));
            Assert.Contains(path + ":1", error.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
