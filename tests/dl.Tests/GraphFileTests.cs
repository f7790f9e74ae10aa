// What a graph file may not say, and how it is told: file, line and key, without names of our
// types. Black box, because the words of the JSON library differ where they are trimmed.
namespace Dl.Tests;

public sealed class GraphFileTests : IDisposable
{
    private readonly Workplace _place = new();

    [Theory]
    [InlineData("""{"layers":[null]}""", "g.json:1: 'layers' is null")]
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
    [InlineData("{\n// comment\n\"layers\": [\n{\"type\":\"dense\",\"units\":1e9}]}",
        "g.json:4: 'units'")]
    [InlineData("""{"layers":[{"type":"add"},{"type":"dense","units":0}]}""",
        "1 input(s) given, expected two or more")]
    public void WhatIsWrongIsNamed(string text, string says)
    {
        _place.Write("g.json", text);
        _place.Write("x.csv", "a,b,y\n1,2,0.5\n2,1,1.5\n3,5,2.5\n4,2,3.5\n");
        Ran ran = _place.Dl("fit", "-m", "g.json", "x.csv", "-o", "m.dlm", "-q");
        Assert.Equal(2, ran.Code);
        Assert.Contains(says, ran.Error);
        Assert.DoesNotContain("Dl.", ran.Error);
    }

    public void Dispose() => _place.Dispose();
}
