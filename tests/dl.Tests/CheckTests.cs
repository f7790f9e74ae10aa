// `dl check` as a user runs it: exit codes, both streams, --json, --fix.
using System.Text.Json;

namespace Dl.Tests;

public sealed class CheckTests : IDisposable
{
    private readonly Workplace _place = new();

    private void Write(string name, params string[] extra)
    {
        IEnumerable<string> rows = Enumerable.Range(0, 60).Select(i =>
            $"{i * 37 % 61},{i * i * 11 % 97}.5,{(i * 7 % 5 < 2 ? "apple" : "plum")}");
        _place.Write(name, string.Join('\n', ["a,b,label", .. rows, .. extra]) + "\n");
    }

    [Fact]
    public void ACleanTableIsOkInOneLine()
    {
        Write("t.csv");
        Ran ran = _place.Dl("check", "t.csv");
        Assert.Equal(("t.csv: ok\n", "", 0), (ran.Out, ran.Error, ran.Code));
        Assert.Equal(
            "{\"ok\":true,\"errors\":0,\"warnings\":0,\"notes\":0}\n",
            _place.Dl("check", "t.csv", "--json").Out);
    }

    [Fact]
    public void ErrorsEndInExitCodeThreeAndAllAreReported()
    {
        Write("t.csv", "1,2", "3,inf,plum", "4,5,");
        Ran ran = _place.Dl("check", "t.csv");
        Assert.Equal(3, ran.Code);
        Assert.Contains("error ragged-row", ran.Out);
        Assert.Contains("  t.csv:62: the row has 2 fields, expected 3", ran.Out);
        Assert.Contains("  t.csv:63: column 'b' is infinite", ran.Out);
        Assert.Contains("  t.csv:64: no value in target label", ran.Out);
        Assert.EndsWith("t.csv: 3 errors\n", ran.Out);
        Assert.StartsWith("dl: t.csv:62: ", ran.Error);
        Assert.Contains("(and 2 more errors)", ran.Error);
        Assert.DoesNotContain("internal error", ran.Error);
    }

    [Fact]
    public void WarningsAloneAreNoFailure()
    {
        Write("t.csv", "0,0.5,apple", "0,0.5,Apple");
        Ran ran = _place.Dl("check", "t.csv");
        Assert.Equal(0, ran.Code);
        Assert.Contains("warning duplicate-row", ran.Out);
        Assert.Contains("warning label-typo", ran.Out);
        Assert.Contains("t.csv: ok, ", ran.Out.Split('\n')[^2]);
    }

    [Fact]
    public void JsonIsAnObjectAFindingAndASummary()
    {
        Write("t.csv", "1,2", "3,4,5,6");
        Ran ran = _place.Dl("check", "t.csv", "--json");
        Assert.Equal(3, ran.Code);
        JsonElement[] lines = [.. ran.Lines.Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal(3, lines.Length);
        Assert.Equal("error", lines[0].GetProperty("severity").GetString());
        Assert.Equal("ragged-row", lines[0].GetProperty("code").GetString());
        Assert.Equal("t.csv:62", lines[0].GetProperty("place").GetString());
        Assert.StartsWith("the row has 2", lines[0].GetProperty("message").GetString());
        Assert.False(lines[2].GetProperty("ok").GetBoolean());
        Assert.StartsWith("t.csv:62: ", lines[2].GetProperty("error").GetString());
        Assert.Equal(2, lines[2].GetProperty("errors").GetInt32());
    }

    [Fact]
    public void TheFirstPlacesAreShownAndAllOnDemand()
    {
        Write("t.csv", [.. Enumerable.Repeat("1,2", 8)]);
        Ran few = _place.Dl("check", "t.csv"), all = _place.Dl("check", "t.csv", "--all");
        Assert.Contains("  and 3 more (--all shows them)\n", few.Out);
        Assert.DoesNotContain("t.csv:69:", few.Out);
        Assert.Contains("t.csv:69:", all.Out);
    }

    [Theory]
    [InlineData("check t.csv --target lable", 2, "did you mean 'label'?")]
    [InlineData("check t.csv --ignore c", 2, "column 'c'")]
    [InlineData("check t.csv --fix", 2, "go together")]
    [InlineData("check t.csv -o clean.csv", 2, "go together")]
    [InlineData("check t.csv --fix -o t.csv", 2, "never changed")]
    [InlineData("check t.csv --task regression", 3, "expected a number")]
    [InlineData("check nowhere.csv", 3, "no such file")]
    [InlineData("check empty", 3, "no data found")]
    public void OptionsAreUnderstoodAsByFit(string line, int code, string says)
    {
        Write("t.csv");
        Directory.CreateDirectory(Path.Combine(_place.Folder, "empty"));
        Ran ran = _place.Dl(line.Split(' '));
        Assert.Equal(code, ran.Code);
        Assert.Contains(says, ran.Error);
    }

    [Fact]
    public void StdinIsChecked()
    {
        Ran ran = _place.Fed("a,y\n1,p\n2,q\n3\n", "check", "-");
        Assert.Equal(3, ran.Code);
        Assert.Contains("stdin:4: the row has 1 fields", ran.Out);
    }

    [Fact]
    public void FixWritesACleanTableAndSaysWhatItLeftOut()
    {
        Write("t.csv", "1,2", "0,0.5,apple", "3,inf,plum");
        Ran ran = _place.Dl("check", "t.csv", "--fix", "-o", "clean.csv");
        Assert.Equal(0, ran.Code);
        Assert.Contains("left out: ragged rows: 1", ran.Error);
        Assert.Contains("left out: duplicate rows: 1", ran.Error);
        Assert.Contains("clean.csv: 60 rows; every change is in clean.csv.log", ran.Error);
        Assert.Equal("clean.csv: ok\n", _place.Dl("check", "clean.csv").Out);
        Assert.Equal(3, File.ReadAllLines(Path.Combine(_place.Folder, "clean.csv.log")).Length);
        Assert.Equal(
            ["clean.csv", "clean.csv.log", "t.csv"],
            Directory.GetFiles(_place.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void WhatFixCannotMendIsStillAnError()
    {
        _place.Write("t.csv", "a,y\n" + string.Concat(
            Enumerable.Range(0, 30).Select(i => $"{i * 7 % 31},same\n")) + "5\n");
        Ran ran = _place.Dl("check", "t.csv", "--fix", "-o", "clean.csv");
        Assert.Equal(3, ran.Code);
        Assert.Contains("not to be mended by --fix", ran.Error);
        Assert.True(File.Exists(Path.Combine(_place.Folder, "clean.csv")));
    }

    public void Dispose() => _place.Dispose();
}
