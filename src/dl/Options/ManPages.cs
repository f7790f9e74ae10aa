// Man pages from templates. A template is roff with lines that start with `@`:
//   @TITLE@ NAME SECTION   the .TH line      @SYNOPSIS@ COMMAND   usage lines
//   @OPTIONS@ COMMAND      all options       @EXAMPLES@ COMMAND   its examples
//   @ARGUMENTS@ COMMAND    its arguments     @COMMANDS@           the list of commands
using System.Text;

namespace Dl.Cli.Options;

internal static class ManPages
{
    /// <summary>Writes a page for every `*.in` file of <paramref name="templates"/>.</summary>
    /// <exception cref="DlException">A template names no known command or placeholder.</exception>
    public static void Write(string templates, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string path in Directory.GetFiles(templates, "*.in"))
        {
            var page = new StringBuilder();
            page.Append(".\\\" Made by `make man` from the option definitions and ");
            page.Append($"man/templates/{Path.GetFileName(path)}.\n");
            foreach (string line in File.ReadLines(path))
            {
                Expand(line, page, path);
            }
            string name = Path.GetFileNameWithoutExtension(path);
            File.WriteAllText(Path.Combine(folder, name), page.ToString());
        }
    }

    private static void Expand(string line, StringBuilder page, string path)
    {
        if (!line.StartsWith('@'))
        {
            page.Append(line).Append('\n');
            return;
        }
        string[] words = line.Split(' ');
        switch (words[0])
        {
            case "@TITLE@":
                string manual = words[2] == "1" ? "User Commands" : "File Formats";
                string program = $"dl {CliApp.Version}";
                page.Append($".TH {words[1]} {words[2]} \"\" \"{program}\" \"{manual}\"\n");
                // Ragged right and whole words: options and paths can be searched and copied.
                page.Append(".ad l\n.nh\n");
                break;
            case "@SYNOPSIS@":
                Synopsis(Command(words, path), page);
                break;
            case "@ARGUMENTS@":
                Arguments(Command(words, path), page);
                break;
            case "@OPTIONS@":
                Options(Command(words, path), page);
                break;
            case "@EXAMPLES@":
                Examples(Command(words, path), page);
                break;
            case "@COMMANDS@":
                Commands(page);
                break;
            default:
                throw new DlException($"{path}: '{words[0]}' is no placeholder");
        }
    }

    private static CommandSpec Command(string[] words, string path)
    {
        foreach (CommandSpec command in CliApp.Commands)
        {
            if (words.Length > 1 && command.Name == words[1])
            {
                return command;
            }
        }
        throw new DlException($"{path}: '{string.Join(' ', words)}' names no command");
    }

    private static void Synopsis(CommandSpec command, StringBuilder page)
    {
        string lead = "";
        foreach (string usage in command.Usage)
        {
            page.Append($"{lead}.B dl {command.Name}\n{Escape(usage)}\n");
            lead = ".br\n";
        }
    }

    private static void Arguments(CommandSpec command, StringBuilder page)
    {
        foreach (ArgumentSpec argument in command.Arguments)
        {
            page.Append($".TP\n.I {argument.Name}\n{Sentence(argument.Help)}\n");
        }
    }

    private static void Options(CommandSpec command, StringBuilder page)
    {
        foreach (OptionGroup group in command.Groups)
        {
            page.Append($".SS {group.Title}\n");
            foreach (OptionSpec option in group.Options)
            {
                Option(option, page);
            }
        }
    }

    private static void Option(OptionSpec option, StringBuilder page)
    {
        page.Append(".TP\n");
        page.Append(option.Alias is { } letter ? $"\\fB\\-{letter}\\fR, " : "");
        page.Append($"\\fB{Escape(option.Long)}\\fR");
        page.Append(option.IsFlag ? "\n" : $" \\fI{Escape(option.Value)}\\fR\n");
        (string about, string? otherwise) = Cut(option.Help);
        page.Append(Sentence(about)).Append('\n');
        if (option.More is { } more)
        {
            page.Append(Bold(more)).Append('\n');
        }
        if (option.Allowed is { } allowed)
        {
            page.Append($"One of {Bold(string.Join(", ", allowed.Select(a => $"`{a}`")))}.\n");
        }
        if (option.Registry is { } kind)
        {
            page.Append(Bold($"Names: `dl info --list {kind}`.")).Append('\n');
        }
        if (option.Kind is ValueKind.Integer or ValueKind.Number)
        {
            page.Append(Escape($"Takes {ValueReader.Expected(option)}.")).Append('\n');
        }
        if ((otherwise ?? (option.Default is { } value ? $"`{value}`" : null)) is { } words)
        {
            page.Append(Bold($"Default: {words}.")).Append('\n');
        }
    }

    private static void Examples(CommandSpec command, StringBuilder page)
    {
        foreach (Example example in command.Examples)
        {
            page.Append($".PP\n{Escape(example.Says)}\n.PP\n.RS 4\n.EX\n");
            page.Append($"{Escape(example.Line)}\n.EE\n.RE\n");
        }
    }

    private static void Commands(StringBuilder page)
    {
        foreach (CommandSpec command in CliApp.Listed())
        {
            page.Append($".TP\n.BR dl\\-{command.Name} (1)\n{Escape(command.Summary)}.\n");
        }
    }

    /// <summary>Cuts a help line from the default that some carry in brackets.</summary>
    private static (string About, string? Otherwise) Cut(string help)
    {
        int bracket = help.IndexOf(" [", StringComparison.Ordinal);
        return bracket < 0 ? (help, null) : (help[..bracket], help[(bracket + 2)..^1]);
    }

    private static string Sentence(string help) =>
        Escape(char.ToUpperInvariant(help[0]) + help[1..]) + ".";

    /// <summary>Escapes, and sets what stands in backticks in bold.</summary>
    private static string Bold(string text)
    {
        string[] parts = text.Split('`');
        var result = new StringBuilder();
        for (int i = 0; i < parts.Length; i++)
        {
            result.Append(i % 2 == 0 ? Escape(parts[i]) : $"\\fB{Escape(parts[i])}\\fR");
        }
        return result.ToString();
    }

    /// <summary>Text that roff prints as it is: plain dashes, no control lines.</summary>
    private static string Escape(string text)
    {
        string escaped = text.Replace("\\", "\\e").Replace("-", "\\-");
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" + escaped : escaped;
    }
}
