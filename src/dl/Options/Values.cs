// The effective options of one run: defaults, over them a configuration file, over that the
// command line. Every value has been checked against its definition before it gets here.
using System.Globalization;

namespace Dl.Cli.Options;

/// <summary>Reads options by their definition, so a wrong name cannot compile.</summary>
/// <param name="words">What was typed behind the command's name.</param>
internal sealed class Values(CommandSpec command, string[] words)
{
    private readonly Dictionary<string, string[]> _given = [];

    public CommandSpec Command => command;

    /// <summary>What was typed, as a shell takes it again.</summary>
    public string CommandLine =>
        string.Join(' ', ["dl", command.Name, .. Array.ConvertAll(words, Quote)]);

    /// <summary>Sets an option after checking it; a list arrives split into its items.</summary>
    /// <param name="source">What a message names: `--lr`, or `file.json: key 'lr'`.</param>
    /// <exception cref="UsageException">The value is not one that the option takes.</exception>
    public void Set(OptionSpec option, string[] items, string source)
    {
        foreach (string item in items)
        {
            ValueReader.Check(option, item, source);
        }
        _given[option.Name] = items;
    }

    /// <summary>The same options in an own copy, to set others in.</summary>
    public Values Copy()
    {
        var copy = new Values(command, words);
        foreach (var (name, items) in _given)
        {
            copy._given[name] = items;
        }
        return copy;
    }

    public void SetArgument(ArgumentSpec argument, string[] items) => _given[argument.Key] = items;

    public string[] Arguments(ArgumentSpec argument) => _given.GetValueOrDefault(argument.Key, []);

    /// <summary>The only or the first value of an argument that has to be there.</summary>
    public string Argument(ArgumentSpec argument) => _given[argument.Key][0];

    /// <summary>Said by the user, in a file or on the command line.</summary>
    public bool Given(OptionSpec option) => _given.ContainsKey(option.Name);

    public bool Flag(OptionSpec option) => Text(option) == "true";

    public string? Text(OptionSpec option) =>
        _given.TryGetValue(option.Name, out string[]? items) ? items[^1] : option.Default;

    public int? Integer(OptionSpec option) => (int?)Long(option);

    public long? Long(OptionSpec option) =>
        Text(option) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    public double? Number(OptionSpec option) =>
        Text(option) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : null;

    public double? Seconds(OptionSpec option) =>
        Text(option) is { } text ? ValueReader.Seconds(text) : null;

    public long? Bytes(OptionSpec option) =>
        Text(option) is { } text ? ValueReader.Bytes(text) : null;

    /// <summary>Items of a list; empty when nothing was said and there is no default.</summary>
    public string[] List(OptionSpec option) => _given.TryGetValue(option.Name, out string[]? items)
        ? items
        : option.Default is { } text ? ValueReader.Split(text) : [];

    public double[] Numbers(OptionSpec option) =>
        Array.ConvertAll(List(option), item => double.Parse(item, CultureInfo.InvariantCulture));

    private static string Quote(string word)
    {
        bool plain = word.Length > 0;
        foreach (char c in word)
        {
            plain &= char.IsAsciiLetterOrDigit(c) || "-_./:,=+%@".Contains(c);
        }
        return plain ? word : $"'{word.Replace("'", "'\\''")}'";
    }
}
