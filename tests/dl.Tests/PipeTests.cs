// Manners on pipes: answers come as soon as their row has, readers may leave, streams may be closed
// or full, signals end a wait, and nothing from data steers the terminal.
using System.Diagnostics;
using System.IO.Compression;

namespace Dl.Tests;

[Collection(PredictCollection.Name)]
public sealed class PipeTests(PredictModels models)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Workplace _place = models.Place;

    [Theory]
    [InlineData("a,b,colour\n0.5,6.5,red\n", "8.5,-1,green\n", "csv", false)]
    [InlineData("a,b,colour\n0.5,6.5,red\n", "8.5,-1,green\n", "tsv", false)]
    [InlineData("a,b,colour\n0.5,6.5,red\n", "8.5,-1,green\n", "jsonl", false)]
    [InlineData("a,b,colour\n0.5,6.5,red\n", "8.5,-1,green\n", "csv", true)]
    [InlineData("{\"a\":0.5,\"b\":6.5,\"colour\":\"red\"}\n",
        "{\"a\":8.5,\"b\":-1,\"colour\":\"green\"}\n", "csv", false)]
    [InlineData("{\"a\":0.5,\"b\":6.5,\"colour\":\"red\"}\n",
        "{\"a\":8.5,\"b\":-1,\"colour\":\"green\"}\n", "jsonl", true)]
    public async Task TheFirstRowIsAnsweredBeforeTheSecondIsSent(
        string first, string second, string form, bool packed)
    {
        using Process process = _place.Start("predict", "t.dlm", "-", "--format", form);
        Stream input = process.StandardInput.BaseStream;
        Stream rows = packed
            ? new GZipStream(input, CompressionLevel.Fastest, leaveOpen: true)
            : input;
        async Task Send(string text)
        {
            await rows.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
            await rows.FlushAsync();
            await input.FlushAsync();
        }
        async Task<string?> Next() => await process.StandardOutput.ReadLineAsync().WaitAsync(Limit);

        await Send(first);
        string? answer = await Next();
        answer = form == "jsonl" ? answer : await Next();
        Assert.Contains("left", answer);
        await Send(second);
        Assert.Contains("right", await Next());
        if (packed)
        {
            await rows.DisposeAsync();
        }
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(Limit));
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task NamesOfPicturesAreAnsweredOneByOne()
    {
        string folder = Path.Combine(_place.Folder, "digits", "test");
        string[] names = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        using Process process = _place.Start("predict", "digits.dlm", "--paths", "-");
        string? head = null;
        foreach (string name in names.Take(3))
        {
            await process.StandardInput.WriteAsync(name + "\n");
            await process.StandardInput.FlushAsync();
            head ??= await process.StandardOutput.ReadLineAsync().WaitAsync(Limit);
            Assert.StartsWith(
                name, await process.StandardOutput.ReadLineAsync().WaitAsync(Limit));
        }
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(Limit));
        Assert.Equal((0, "path,prediction"), (process.ExitCode, head));
    }

    [Fact]
    public void APauseBetweenRowsIsAPauseBetweenAnswers()
    {
        // The second row is sent when the first is answered, or after a minute, which fails.
        Ran ran = _place.Shell(
            "(echo a,b,colour; echo 0.5,6.5,red; for i in {1..600}; do "
            + "grep -qs left answers && break; sleep 0.1; done; wc -l < answers >&2; "
            + "echo 8.5,-1,green) | dl predict t.dlm - > answers; cat answers");
        Assert.Equal(
            ("row,prediction\n1,left\n2,right\n", "2\n", 0), (ran.Out, ran.Error, ran.Code));
    }

    public static TheoryData<string> Printing =>
    [
        "--help", "fit --help", "--version", "info --list models", "info t.csv", "info t.dlm",
        "check t.csv", "completion bash", "gen --toy xor -n 3",
        "gen --toy xor -n 3 --format parquet",
        "predict t.dlm t.csv", "predict t.dlm t.csv --format parquet",
        "predict t.dlm t.csv --score --json", "fit --dump-config",
        "fit -m linear lin.csv -o piped.dlm --epochs 1 --device cpu --json",
    ];

    [SkippableTheory]
    [MemberData(nameof(Printing))]
    public void AFullOutputIsAnErrorOfEveryCommand(string line)
    {
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full here");
        Ran ran = _place.Shell($"dl {line} > /dev/full");
        Assert.Equal(1, ran.Code);
        Assert.Matches("(?m)^dl: stdout: .+\n\\z", ran.Error);
    }

    [Theory]
    [MemberData(nameof(Printing))]
    public void AClosedOutputIsAnErrorAndNothingElseIsWrittenTo(string line)
    {
        byte[] model = File.ReadAllBytes(Path.Combine(_place.Folder, "t.dlm"));
        Ran ran = _place.Shell($"dl {line} >&-");
        Assert.Equal(1, ran.Code);
        Assert.Matches("(?m)^dl: stdout: is closed, .+\n\\z", ran.Error);
        Assert.Equal(model, File.ReadAllBytes(Path.Combine(_place.Folder, "t.dlm")));
    }

    [Theory]
    [MemberData(nameof(Printing))]
    public void AReaderThatHasLeftIsQuietSuccess(string line)
    {
        Ran ran = _place.Shell(
            $"{{ sleep 0.2; dl {line} 2> errors; echo $? >&2; cat errors >&2; }} | true");
        Assert.StartsWith("0\n", ran.Error);
        Assert.DoesNotContain("dl: ", ran.Error);
    }

    [Theory]
    [InlineData("predict t.dlm -")]
    [InlineData("predict t.dlm")]
    [InlineData("predict digits.dlm --paths -")]
    [InlineData("fit -m linear - -o closed.dlm")]
    [InlineData("predict -")]
    [InlineData("info --log -")]
    [InlineData("fit -c -")]
    public void AClosedInputIsSaid(string line)
    {
        Ran ran = _place.Shell($"dl {line} <&-");
        Assert.Equal(3, ran.Code);
        Assert.StartsWith("dl: stdin: is closed", ran.Error);
    }

    [SkippableTheory]
    [InlineData("INT", "a,b,colour\n0.5,6.5,red\n")]
    [InlineData("TERM", "a,b,colour\n0.5,6.5,red\n8.5,-1,gre")]
    [InlineData("INT", "")]
    public async Task ASignalEndsAWait(string signal, string input)
    {
        Skip.If(OperatingSystem.IsWindows(), "no signals there");
        using Process process = _place.Start("predict", "t.dlm", "-");
        await process.StandardInput.WriteAsync(input);
        await process.StandardInput.FlushAsync();
        if (input.Length > 0)
        {
            Assert.Equal("row,prediction",
                await process.StandardOutput.ReadLineAsync().WaitAsync(Limit));
            Assert.Equal("1,left",
                await process.StandardOutput.ReadLineAsync().WaitAsync(Limit));
        }
        else
        {
            // Nothing shows when it has begun to wait; killed before that, it has the same code.
            await Task.Delay(2000);
        }
        var watch = Stopwatch.StartNew();
        using (var kill = Process.Start("kill", ["-" + signal, $"{process.Id}"]))
        {
            await kill.WaitForExitAsync();
        }
        Assert.True(process.WaitForExit(Limit));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
        Assert.Equal(130, process.ExitCode);
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync());
        string error = await process.StandardError.ReadToEndAsync();
        Assert.True(error == "dl: interrupted\n" || (error == "" && input == ""), error);
    }

    [Fact]
    public void EscapesInDataDoNotReachTheTerminal()
    {
        Ran category = _place.Fed(
            "a,b,colour\n1,6,\u001b[31mred\u0007\n", "predict", "t.dlm");
        Assert.Equal(0, category.Code);
        Assert.Contains("is '\\x1b[31mred\\x07'", category.Error);
        Ran cell = _place.Fed(
            "a,b,colour\n\"\u001b]0;x\u009c\ndl: ok\u202e\",6,red\n", "predict", "t.dlm");
        Assert.Equal(3, cell.Code);
        Assert.Contains("is '\\x1b]0;x\\x9c\\x0adl: ok\\u202e'", cell.Error);
        Ran name = _place.Dl("predict", "t.dlm", "no\u001b[2Jfile.csv");
        Assert.Contains("no\\x1b[2Jfile.csv: no such file", name.Error);
        Ran label = _place.Fed(
            "a,b,colour,kind\n1,6,red,\u001b[0m\n", "predict", "t.dlm", "--score");
        Assert.Contains("label '\\x1b[0m'", label.Error);
        foreach (Ran ran in (Ran[])[category, cell, name, label])
        {
            Assert.DoesNotContain(ran.Error, c => char.IsControl(c) && c != '\n');
        }
    }

    [Fact]
    public void LineEndsAndALastLineWithoutOneChangeNothing()
    {
        const string json = "{\"a\":0.5,\"b\":6.5,\"colour\":\"red\"}\n{\"a\":1,\"b\":6}\n";
        Ran expected = _place.Fed(json, "predict", "t.dlm");
        Assert.Equal(3, expected.Lines.Length);
        Assert.Equal(expected, _place.Fed(json.TrimEnd(), "predict", "t.dlm"));
        Assert.Equal(expected.Out, _place.Fed(json.Replace("\n", "\r\n"), "predict", "t.dlm").Out);
        string names = string.Join('\n', Directory.GetFiles(
            Path.Combine(_place.Folder, "digits", "test"), "*", SearchOption.AllDirectories));
        Ran pictures = _place.Fed(names, "predict", "digits.dlm", "--paths", "-");
        Assert.Equal(0, pictures.Code);
        Assert.Equal(pictures, _place.Fed(names + "\n", "predict", "digits.dlm", "--paths", "-"));
        string zeros = names.Replace('\n', '\0');
        Assert.Equal(pictures, _place.Fed(zeros, "predict", "digits.dlm", "--paths", "-"));
    }
}
