// What a graph file may not say, and how it is told: file, line and key, without names of our types.
using Dl.Models;
using Dl.Tests.Files;

namespace Dl.Tests.Models;

public sealed class GraphJsonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("""{"layers":[null]}""", "'layers' is null")]
    [InlineData("""{"layers":[{"type":"add","inputs":[null]}]}""", "'inputs' is null")]
    [InlineData("""{"layers":[{"type":"dense","units":3,"activation":null}]}""",
        "'activation' is null")]
    [InlineData("null", "the file is null")]
    [InlineData("{}", "'layers' is missing")]
    [InlineData("""{"layers":[{"type":"conv1d"}]}""", "'filters' is missing (at $.layers[0])")]
    [InlineData("""{"layers":[{"type":"dens","units":3}]}""", "did you mean 'dense'?")]
    [InlineData("""{"layers":[{"units":3}]}""", "a layer has no type (at $.layers[0])")]
    [InlineData("""{"layers":[{"type":"lstm","units":1073741825}]}""",
        "'units' is a number beyond 16777216")]
    [InlineData("""{"layers":[{"type":"dense","units":"x"}]}""", "a value of another kind")]
    [InlineData("""{"layers":[{"type":"dense","unit":3}]}""", "unknown key 'unit'")]
    public void WhatIsWrongIsNamed(string text, string says)
    {
        string path = _folder.File("graph.json");
        File.WriteAllText(path, text);
        string message = Assert.Throws<UsageException>(() => GraphJson.Read(path)).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(says, message);
        Assert.DoesNotContain("Dl.", message);
    }

    [Fact]
    public void TheLineIsCounted()
    {
        string path = _folder.File("graph.json");
        File.WriteAllText(path, "{\n// a comment\n\"layers\": [\n{\"type\":\"dense\",\"units\":1e9}]}");
        Assert.StartsWith(
            $"{path}:4: 'units'",
            Assert.Throws<UsageException>(() => GraphJson.Read(path)).Message);
    }

    public void Dispose() => _folder.Dispose();
}
