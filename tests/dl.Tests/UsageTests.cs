// What happens to a wrong command line: exit code 2, one line on stderr that names the culprit and
// what would have been right, and nothing on stdout.
namespace Dl.Tests;

public sealed class UsageTests : IDisposable
{
    private readonly Workplace _place = new();

    [Theory]
    [InlineData("fti", "'fti'", "did you mean 'fit'?")]
    [InlineData("--colour", "--colour", "dl --help")]
    [InlineData("fit --epocs 3", "--epocs", "did you mean --epochs?")]
    [InlineData("fit --epocs=3", "--epocs", "did you mean --epochs?")]
    [InlineData("fit -z", "-z", "dl fit --help")]
    [InlineData("fit x.csv --model mlp --lr", "--lr", "--lr X|find expected")]
    [InlineData("fit --epochs 1.5", "--epochs", "'1.5' given, a whole number of at least 1")]
    [InlineData("fit --epochs 0", "--epochs", "'0' given")]
    [InlineData("fit --epochs 99999999999999999999", "--epochs", "given")]
    [InlineData("fit --epochs=ten", "--epochs", "'ten' given")]
    [InlineData("fit --lr nan", "--lr", "a number above 0 or find expected")]
    [InlineData("fit --lr -0.1", "--lr", "a number above 0 or find expected")]
    [InlineData("fit --lr 0,1", "--lr", "'0,1' given")]
    [InlineData("fit --momentum 1", "--momentum", "below 1")]
    [InlineData("fit --dropout 1", "--dropout", "below 1")]
    [InlineData("fit --time soon", "--time", "10m")]
    [InlineData("fit --time 1h30", "--time", "1h30m")]
    [InlineData("fit x.csv -m mlp -o m.dlm --log ./m.dlm", "--log", "is written by -o too")]
    [InlineData("fit x.csv -m mlp -o m.dlm --schedule cosine:", "'cosine:'", "nothing behind")]
    [InlineData("fit x.csv -m mlp --folds 3 --report r.html", "--report", "keep no training")]
    [InlineData("fit x.csv -m mlp -o m.dlm --class-weights balance", "--class-weights",
        "did you mean 'balanced'?")]
    [InlineData("fit --on-bad-data stop", "--on-bad-data", "one of error, skip expected")]
    [InlineData("fit --split 0.8,0.3,0.1 -m mlp -o m x.csv", "--split", "add up to 1")]
    [InlineData("fit --split 0.8,x -m mlp -o m x.csv", "--split", "'x' given")]
    [InlineData("fit --model mlp -o m.dlm", "fit", "no DATA given")]
    [InlineData("fit x.csv -o m.dlm", "fit", "no --model given")]
    [InlineData("fit x.csv --model mlp", "fit", "no -o MODEL.dlm given")]
    [InlineData("predict", "predict", "no MODEL given")]
    [InlineData("predict --format xml m.dlm", "--format", "one of csv, tsv, jsonl")]
    [InlineData("gen moons", "gen", "'moons' is one argument too many")]
    [InlineData("info", "info", "nothing asked for")]
    [InlineData("info --list models --devices", "info", "more than one thing")]
    [InlineData("info --list modles", "kind 'modles'", "did you mean 'models'?")]
    [InlineData("check", "check", "--selftest")]
    [InlineData("info --log-format xml --list kinds", "--log-format", "one of text, json")]
    public void WrongUsageIsNamed(string line, string subject, string help)
    {
        Ran ran = _place.Dl(line.Split(' '));
        Assert.Equal(2, ran.Code);
        Assert.Empty(ran.Out);
        Assert.StartsWith("dl: ", ran.Error);
        Assert.Contains(subject, ran.Error);
        Assert.Contains(help, ran.Error);
        Assert.Equal(1, ran.Error.Count(c => c == '\n'));
        Assert.DoesNotContain("   at ", ran.Error);
    }

    [Fact]
    public void DebugShowsWhereAnErrorArose()
    {
        Ran ran = _place.Dl("fit", "--debug", "--epochs", "0");
        Assert.Equal(2, ran.Code);
        Assert.Contains("   at ", ran.Error);
    }

    [Theory]
    [InlineData("| head -c 0")]
    [InlineData("| true")]
    public void ABrokenPipeIsQuietSuccess(string reader)
    {
        Ran ran = _place.Shell(
            $"{{ dl info --list models; echo $? >&2; }} {reader}");
        Assert.Equal("0\n", ran.Error);
    }

    [SkippableFact]
    public void AFullDiskIsAnError()
    {
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full here");
        Ran ran = _place.Shell("dl info --list models > /dev/full");
        Assert.Equal(1, ran.Code);
        Assert.Matches("^dl: stdout: .+\n$", ran.Error);
    }

    [Fact]
    public void ClosedStreamsAreSurvived()
    {
        Assert.Equal(1, _place.Shell("dl info --list models >&-").Code);
        Assert.Equal(2, _place.Shell("dl fti 2>&-").Code);
    }

    [Fact]
    public void EnvironmentOfATerminalDoesNotMatter()
    {
        string expected = _place.Dl("fit", "--help").Out;
        foreach (string setting in new[] { "TERM=dumb", "NO_COLOR=1", "COLUMNS=0", "TERM=" })
        {
            Ran ran = _place.Shell($"export {setting}; dl fit --help");
            Assert.Equal(expected, ran.Out);
        }
        Assert.DoesNotContain('\u001b', expected);
    }

    public void Dispose() => _place.Dispose();
}
