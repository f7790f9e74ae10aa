// `dl --help` and `dl COMMAND --help`: plain text, 80 columns, no colour.
using System.Text;

namespace Dl.Cli.Options;

internal static class HelpText
{
    private const int Columns = 80;
    private const int Indent = 28;

    public static void WriteOverview(TextWriter writer)
    {
        writer.Write("dl trains deep-learning models and runs them, from the shell.\n\n");
        writer.Write("Usage: dl COMMAND [OPTION...]\n\nCommands:\n");
        foreach (CommandSpec command in CliApp.Listed())
        {
            Entry(writer, "  " + command.Name, command.Summary, 12);
        }
        writer.Write("\n`dl COMMAND --help` says what a command takes; dl(1) has more.\n");
        writer.Write("`dl --version` prints the version.\n");
    }

    public static void Write(CommandSpec command, TextWriter writer)
    {
        string lead = "Usage: ";
        foreach (string usage in command.Usage)
        {
            writer.Write($"{lead}dl {command.Name} {usage}\n");
            lead = "       ";
        }
        writer.Write($"\n{command.Summary}.\n");
        if (command.Arguments.Length > 0)
        {
            writer.Write("\nArguments:\n");
            foreach (ArgumentSpec argument in command.Arguments)
            {
                Entry(writer, "  " + argument.Name, argument.Help, Indent);
            }
        }
        foreach (OptionGroup group in command.Groups)
        {
            writer.Write($"\n{group.Title}:\n");
            foreach (OptionSpec option in group.Options)
            {
                Entry(writer, Left(option), Right(option), Indent);
            }
        }
        if (command.Examples.Length > 0)
        {
            writer.Write("\nExamples:\n");
            foreach (Example example in command.Examples)
            {
                writer.Write($"  {example.Line}\n");
            }
        }
    }

    private static string Left(OptionSpec option)
    {
        string letter = option.Alias is { } alias ? $"-{alias}, " : "    ";
        return $"  {letter}{option.Long}" + (option.IsFlag ? "" : " " + option.Value);
    }

    private static string Right(OptionSpec option)
    {
        var text = new StringBuilder(option.Help);
        if (option.Allowed is { } allowed)
        {
            text.Append(": ").AppendJoin(", ", allowed);
        }
        if (option.Default is { } value)
        {
            text.Append($" [{value}]");
        }
        return text.ToString();
    }

    /// <summary>A term and its text from a column on, wrapped between words.</summary>
    private static void Entry(TextWriter writer, string term, string text, int indent)
    {
        var line = new StringBuilder(term);
        if (term.Length > indent - 2)
        {
            writer.Write(term + "\n");
            line.Clear();
        }
        line.Append(' ', indent - line.Length);
        bool first = true;
        foreach (string word in text.Split(' '))
        {
            if (!first && line.Length + 1 + word.Length > Columns)
            {
                writer.Write(line.ToString() + "\n");
                line.Clear().Append(' ', indent);
                first = true;
            }
            line.Append(first ? "" : " ").Append(word);
            first = false;
        }
        writer.Write(line.ToString() + "\n");
    }
}
