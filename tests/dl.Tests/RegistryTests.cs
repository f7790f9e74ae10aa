// `dl info --list KIND`: what options refer to is there, and prints the same as text and as JSON.
using System.Text.Json;
using Dl.Cli;
using Dl.Cli.Options;

namespace Dl.Tests;

public sealed class RegistryTests : IDisposable
{
    private readonly Workplace _place = new();

    [Fact]
    public void EveryKindListsAsTextAndAsJson()
    {
        string[] kinds = [.. _place.Dl("info", "--list", "kinds").Lines.Select(Name)];
        Assert.Contains("models", kinds);
        foreach (string kind in kinds)
        {
            Ran text = _place.Dl("info", "--list", kind);
            Ran json = _place.Dl("info", "--list", kind, "--json");
            Assert.Equal(0, text.Code);
            Assert.NotEmpty(text.Lines);
            Assert.Equal(text.Lines.Select(Name), json.Lines.Select(line =>
                JsonDocument.Parse(line).RootElement.GetProperty("name").GetString()!));
        }
    }

    [Fact]
    public void EveryRegistryThatAnOptionNamesExists()
    {
        foreach (CommandSpec command in CliApp.Listed())
        {
            foreach (OptionSpec option in command.Options.Where(o => o.Registry is not null))
            {
                Assert.True(Registries.Has(option.Registry!), $"{option.Long}: {option.Registry}");
            }
        }
    }

    private static string Name(string line) => line.Split('\t')[0];

    public void Dispose() => _place.Dispose();
}
