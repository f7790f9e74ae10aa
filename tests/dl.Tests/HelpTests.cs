// Help, man pages and completions all come from the option definitions; these tests hold the
// printed form of each against the definitions.
using System.Diagnostics;
using Dl.Cli;
using Dl.Cli.Options;

namespace Dl.Tests;

public sealed class HelpTests : IDisposable
{
    private readonly Workplace _place = new();

    public static TheoryData<string> Commands()
    {
        var names = new TheoryData<string>();
        foreach (CommandSpec command in CliApp.Listed())
        {
            names.Add(command.Name);
        }
        return names;
    }

    private static CommandSpec Spec(string name) => CliApp.Listed().Single(c => c.Name == name);

    [Fact]
    public void OverviewListsEveryCommandOnStdout()
    {
        Ran ran = _place.Dl("--help");
        Assert.Equal(0, ran.Code);
        Assert.Empty(ran.Error);
        foreach (CommandSpec command in CliApp.Listed())
        {
            Assert.Contains($"\n  {command.Name} ", ran.Out);
        }
        Assert.DoesNotContain("completion", ran.Out);
    }

    [Fact]
    public void NoCommandIsWrongUsage()
    {
        Ran ran = _place.Dl();
        Assert.Equal(2, ran.Code);
        Assert.Empty(ran.Out);
        Assert.Contains("Usage: dl COMMAND", ran.Error);
    }

    [Fact]
    public void VersionIsOneLine()
    {
        Ran ran = _place.Dl("--version");
        Assert.Equal(0, ran.Code);
        Assert.Matches(@"^dl \d+\.\d+\.\d+\n$", ran.Out);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void HelpShowsEveryOptionWithin80Columns(string command)
    {
        Ran ran = _place.Dl(command, "--help");
        Assert.Equal(0, ran.Code);
        Assert.Empty(ran.Error);
        Assert.StartsWith($"Usage: dl {command} ", ran.Out);
        foreach (OptionSpec option in Spec(command).Options)
        {
            Assert.Contains($" {option.Long}", ran.Out);
        }
        Assert.All(ran.Lines, line => Assert.True(line.Length <= 80, line));
        Assert.Equal(ran.Out, _place.Dl("help", command).Out);
        Assert.Equal(ran.Out, _place.Dl(command, "--nonsense", "-h").Out);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void HelpTextsHaveOneStyle(string command)
    {
        CommandSpec spec = Spec(command);
        var names = new HashSet<string>();
        var letters = new HashSet<char>();
        foreach (OptionSpec option in spec.Options)
        {
            Assert.True(names.Add(option.Name), $"--{option.Name} twice");
            Assert.True(option.Alias is not { } letter || letters.Add(letter), $"-{option.Alias}");
            Assert.Matches("^[a-z][a-z0-9-]*$", option.Name);
            Assert.False(option.Help.EndsWith('.'), option.Help);
            Assert.InRange(option.Help.Length, 5, 60);
            if (option.Default is { } value && !option.IsFlag)
            {
                ValueReader.Check(option, value, option.Long);
            }
        }
        Assert.NotEmpty(spec.Examples);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void ExamplesUseOptionsThatExist(string command)
    {
        foreach (Example example in Spec(command).Examples)
        {
            foreach (string part in example.Line.Split('|'))
            {
                string[] words = part.Trim().Split(' ');
                if (words[0] == "dl")
                {
                    Parser.Parse(Spec(words[1]), words[2..].Where(w => w != "-c" && w != "run.json")
                        .ToArray());
                }
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Commands))]
    public void ManPageShowsEveryOption(string command)
    {
        Skip.If(Repository.Root is null, "not run from the repository");
        string page = File.ReadAllText(Path.Combine(Repository.Root!, "man", $"dl-{command}.1"));
        foreach (OptionSpec option in Spec(command).Options)
        {
            Assert.Contains($"\\fB{option.Long.Replace("-", "\\-")}\\fR", page);
        }
        string overview = File.ReadAllText(Path.Combine(Repository.Root!, "man", "dl.1"));
        Assert.Contains($".BR dl\\-{command} (1)", overview);
    }

    [SkippableFact]
    public void ManPagesAreFresh()
    {
        Skip.If(Repository.Root is null, "not run from the repository");
        string man = Path.Combine(Repository.Root!, "man");
        Assert.Equal(0, _place.Dl("man", Path.Combine(man, "templates"), "out").Code);
        string[] pages = Directory.GetFiles(Path.Combine(_place.Folder, "out"));
        Assert.NotEmpty(pages);
        foreach (string page in pages)
        {
            string committed = Path.Combine(man, Path.GetFileName(page));
            Assert.True(
                File.ReadAllText(page) == File.ReadAllText(committed), $"{committed}: make man");
        }
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void CompletionKnowsEveryOption(string shell)
    {
        Ran ran = _place.Dl("completion", shell);
        Assert.Equal(0, ran.Code);
        foreach (CommandSpec command in CliApp.Listed())
        {
            foreach (OptionSpec option in command.Options)
            {
                Assert.Contains(shell == "fish" ? $" -l {option.Name} " : option.Long, ran.Out);
            }
        }
    }

    [Theory]
    [InlineData("dl fi", "fit")]
    [InlineData("dl fit --epo", "--epochs")]
    [InlineData("dl predict --format j", "jsonl")]
    [InlineData("dl fit --optimizer adamw", "adamw")]
    public void BashCompletes(string typed, string expected)
    {
        string[] words = typed.Split(' ');
        _place.Write("completion", _place.Dl("completion", "bash").Out);
        Ran ran = _place.Shell(
            $". ./completion; COMP_WORDS=({typed}); COMP_CWORD={words.Length - 1}; _dl; "
            + "printf '%s\\n' \"${COMPREPLY[@]}\"");
        Assert.Equal(expected, Assert.Single(ran.Lines));
    }

    [SkippableFact]
    public void HelpStartsFast()
    {
        string? binary = Environment.GetEnvironmentVariable("DL_BIN");
        Skip.If(binary is null || !File.Exists(binary), "DL_BIN names no published program");
        var times = new List<double>();
        for (int i = 0; i < 10; i++)
        {
            long start = Stopwatch.GetTimestamp();
            _place.Dl("--help");
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        // The best of ten: a busy machine may slow some of them, but not make one faster.
        Assert.InRange(times.Min(), 0, 80);
    }

    public void Dispose() => _place.Dispose();
}
