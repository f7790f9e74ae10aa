// The one definition of an option. The parser, `--help`, the man pages, the shell completions and
// the configuration file are all made from it, so none of them can say something else.
namespace Dl.Cli.Options;

/// <summary>How the text of a value is read.</summary>
internal enum ValueKind
{
    /// <summary>No value: there or not there.</summary>
    Flag,

    /// <summary>Any text.</summary>
    Text,

    /// <summary>A file or a folder; shells complete it.</summary>
    Path,

    /// <summary>Names separated by commas; repeating the option adds to them.</summary>
    List,

    /// <summary>Any texts, empty ones too: each repetition of the option is one.</summary>
    Texts,

    /// <summary>A whole number within <see cref="OptionSpec.Min"/> and its Max.</summary>
    Integer,

    /// <summary>A finite number within the same bounds.</summary>
    Number,

    /// <summary>Numbers separated by commas.</summary>
    Numbers,

    /// <summary>Seconds, or `90s`, `10m`, `1.5h`, `1h30m`.</summary>
    Duration,

    /// <summary>Bytes, or `500M`, `2G`, `1.5GiB`; units are powers of 1024.</summary>
    Size,
}

/// <summary>One long option, `--name`, with everything that is ever said about it.</summary>
/// <param name="Name">Without the dashes, in kebab-case; its key in a configuration file.</param>
/// <param name="Help">One line for `--help`, without a full stop.</param>
internal sealed record OptionSpec(string Name, string Help)
{
    /// <summary>One letter: `b` for `-b`.</summary>
    public char? Alias { get; init; }

    public ValueKind Kind { get; init; } = ValueKind.Text;

    /// <summary>What stands for the value in help: `N`, `FILE`.</summary>
    public string Value { get; init; } = "TEXT";

    /// <summary>The value when nothing is said, as typed; null: decided elsewhere.</summary>
    public string? Default { get; init; }

    /// <summary>The only values there are; null: any.</summary>
    public string[]? Allowed { get; init; }

    /// <summary>Words that may stand for a number, such as `find`; null: none.</summary>
    public string[]? Words { get; init; }

    /// <summary>The kind of `dl info --list KIND` that holds the names; null: none does.</summary>
    public string? Registry { get; init; }

    /// <summary>Further sentences for the man page; words in backticks are set in bold.</summary>
    public string? More { get; init; }

    public double Min { get; init; } = double.NegativeInfinity;

    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>The value has to lie above <see cref="Min"/>, not on it.</summary>
    public bool AboveMin { get; init; }

    /// <summary>The value has to lie below <see cref="Max"/>, not on it.</summary>
    public bool BelowMax { get; init; }

    /// <summary>Not in a configuration file or dump: it steers this run.</summary>
    public bool Transient { get; init; }

    public string Long => "--" + Name;

    public bool IsFlag => Kind == ValueKind.Flag;

    public bool IsList => Kind is ValueKind.List or ValueKind.Numbers or ValueKind.Texts;

    /// <summary>The items that one word stands for.</summary>
    public string[] Split(string text) =>
        Kind is ValueKind.List or ValueKind.Numbers ? ValueReader.Split(text) : [text];
}

/// <summary>A positional argument.</summary>
/// <param name="Name">In capitals, as in the usage line; in lower case its key in a file.</param>
/// <param name="Min">How many there have to be.</param>
/// <param name="Many">Takes all that are left.</param>
internal sealed record ArgumentSpec(string Name, string Help, int Min, bool Many)
{
    public string Key => Name.ToLowerInvariant();
}

/// <summary>Options under one heading.</summary>
internal sealed record OptionGroup(string Title, params OptionSpec[] Options);

/// <summary>A command line worth showing, and what it does.</summary>
internal sealed record Example(string Line, string Says);

/// <summary>One command: what it takes, what is said about it, what it runs.</summary>
internal sealed record CommandSpec(string Name, string Summary)
{
    /// <summary>What stands behind `dl NAME` in the usage lines.</summary>
    public required string[] Usage { get; init; }

    public ArgumentSpec[] Arguments { get; init; } = [];

    public required OptionGroup[] Groups { get; init; }

    public Example[] Examples { get; init; } = [];

    /// <summary>For building and packaging; not listed.</summary>
    public bool Hidden { get; init; }

    /// <summary>Returns the exit code.</summary>
    public required Func<Session, int> Run { get; init; }

    public IEnumerable<OptionSpec> Options
    {
        get
        {
            foreach (OptionGroup group in Groups)
            {
                foreach (OptionSpec option in group.Options)
                {
                    yield return option;
                }
            }
        }
    }

    /// <summary>The option of that name, or null.</summary>
    public OptionSpec? Find(string name)
    {
        foreach (OptionSpec option in Options)
        {
            if (option.Name == name)
            {
                return option;
            }
        }
        return null;
    }
}
