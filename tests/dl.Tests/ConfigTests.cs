// `-c FILE.json` and `--dump-config`: defaults < file < command line, and what is dumped can be
// taken up again.
using System.Text.Json;
using Dl.Cli;
using Dl.Cli.Options;

namespace Dl.Tests;

public sealed class ConfigTests : IDisposable
{
    private readonly Workplace _place = new();

    private JsonElement Dump(params string[] arguments)
    {
        Ran ran = _place.Dl([.. arguments, "--dump-config"]);
        Assert.Equal("", ran.Error);
        Assert.Equal(0, ran.Code);
        return JsonDocument.Parse(ran.Out).RootElement;
    }

    [Fact]
    public void ValuesKeepTheirTypes()
    {
        JsonElement dump = Dump(
            "fit", "a.csv", "b.csv", "-m", "mlp:256,128", "--lr", "1e-3", "-b64", "--target", "a,b",
            "--target", "c", "--grayscale", "--split=0.8,0.1,0.1", "--time", "10m");
        Assert.Equal("mlp:256,128", dump.GetProperty("model").GetString());
        Assert.Equal(0.001, dump.GetProperty("lr").GetDouble());
        Assert.Equal(64, dump.GetProperty("batch-size").GetInt32());
        Assert.True(dump.GetProperty("grayscale").GetBoolean());
        Assert.False(dump.GetProperty("resume").GetBoolean());
        Assert.Equal(["a", "b", "c"], Texts(dump.GetProperty("target")));
        Assert.Equal(["a.csv", "b.csv"], Texts(dump.GetProperty("data")));
        Assert.Equal(0.8, dump.GetProperty("split")[0].GetDouble());
        Assert.Equal(1, dump.GetProperty("seed").GetInt64());
        Assert.False(dump.TryGetProperty("config", out _));
        Assert.False(dump.TryGetProperty("dump-config", out _));
    }

    [Theory]
    [InlineData("""{"\ud800": 1}""")]
    [InlineData("""{"model": "\udc00"}""")]
    public void HalfASurrogatePairIsRefused(string text)
    {
        string path = _place.Write("run.json", text);
        var error = Assert.Throws<UsageException>(
            () => ConfigFile.Apply(path, new Values(Cli.Commands.FitCommand.Spec, [])));
        Assert.StartsWith(path, error.Message);
    }

    [Fact]
    public void TheLineBeatsTheFileAndTheFileTheDefaults()
    {
        _place.Write("run.json", """
            {
              // comments and a comma at the end are fine
              "model": "cnn", "epochs": 12, "lr": "0.5", "seed": 7, "target": "x,y",
              "data": ["train.csv"], "grayscale": true, "val": null,
            }
            """);
        JsonElement dump = Dump("fit", "-c", "run.json", "--epochs", "3", "--target", "z");
        Assert.Equal("cnn", dump.GetProperty("model").GetString());
        Assert.Equal(3, dump.GetProperty("epochs").GetInt32());
        Assert.Equal(0.5, dump.GetProperty("lr").GetDouble());
        Assert.Equal(7, dump.GetProperty("seed").GetInt64());
        Assert.Equal(["z"], Texts(dump.GetProperty("target")));
        Assert.Equal(["train.csv"], Texts(dump.GetProperty("data")));
        Assert.Equal("auto", dump.GetProperty("device").GetString());
        JsonElement off = Dump("fit", "-c", "run.json", "--grayscale=false", "other.csv");
        Assert.False(off.GetProperty("grayscale").GetBoolean());
        Assert.Equal(["other.csv"], Texts(off.GetProperty("data")));
    }

    [Theory]
    [MemberData(nameof(HelpTests.Commands), MemberType = typeof(HelpTests))]
    public void EveryOptionSurvivesDumpAndFile(string command)
    {
        CommandSpec spec = CliApp.Listed().Single(c => c.Name == command);
        var words = new List<string> { command };
        foreach (OptionSpec option in spec.Options.Where(o => !o.Transient))
        {
            words.Add(option.Long);
            words.AddRange(option.IsFlag ? [] : [Sample(option)]);
        }
        string first = _place.Dl([.. words, "--dump-config"]).Out;
        JsonElement dump = JsonDocument.Parse(first).RootElement;
        foreach (OptionSpec option in spec.Options.Where(o => !o.Transient))
        {
            Assert.True(dump.TryGetProperty(option.Name, out _), option.Name);
        }
        _place.Write("all.json", first);
        Assert.Equal(first, _place.Dl(command, "-c", "all.json", "--dump-config").Out);
        Assert.Equal(first, _place.Fed(first, command, "-c", "-", "--dump-config").Out);
    }

    [Theory]
    [InlineData("""{"epocs": 3}""", "key 'epocs'", "did you mean 'epochs'?")]
    [InlineData("""{"epochs": "3x"}""", "key 'epochs'", "'3x' given")]
    [InlineData("""{"epochs": 2.5}""", "key 'epochs'", "a whole number")]
    [InlineData("""{"epochs": [1, 2]}""", "key 'epochs'", "a text, a number, true or false")]
    [InlineData("""{"config": "x.json"}""", "key 'config'", "no such option")]
    [InlineData("""{"grayscale": "maybe"}""", "key 'grayscale'", "true or false")]
    [InlineData("[1]", "bad.json", "one JSON object")]
    [InlineData("{\n\"epochs\": }", "bad.json:2", "not JSON")]
    public void BadFilesAreNamed(string text, string subject, string help)
    {
        _place.Write("bad.json", text);
        Ran ran = _place.Dl("fit", "-c", "bad.json", "--dump-config");
        Assert.Equal(2, ran.Code);
        Assert.Contains("bad.json", ran.Error);
        Assert.Contains(subject, ran.Error);
        Assert.Contains(help, ran.Error);
    }

    [Fact]
    public void AMissingFileIsNamed()
    {
        Ran ran = _place.Dl("fit", "-c", "nowhere.json");
        Assert.Equal(2, ran.Code);
        Assert.Contains("nowhere.json: cannot be read", ran.Error);
    }

    private static string Sample(OptionSpec option) => option switch
    {
        { Allowed: { } allowed } => allowed[^1],
        { Kind: ValueKind.Integer } => "3",
        { Kind: ValueKind.Number } => "0.25",
        { Kind: ValueKind.Numbers, Min: >= 1 } => "2,3",
        { Kind: ValueKind.Numbers } => "0.5,0.25,0.25",
        { Kind: ValueKind.Duration } => "1h30m",
        { Kind: ValueKind.Size } => "2G",
        { Kind: ValueKind.List } => "a,b",
        _ => "some text",
    };

    private static string[] Texts(JsonElement array) =>
        [.. array.EnumerateArray().Select(item => item.GetString()!)];

    public void Dispose() => _place.Dispose();
}
