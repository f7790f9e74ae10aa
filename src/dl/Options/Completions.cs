// Completion scripts for bash, zsh and fish, written from the definitions. Names that live in a
// registry are asked for when they are needed (`dl info --list KIND`), the rest is in the script.
using System.Text;

namespace Dl.Cli.Options;

internal static class Completions
{
    private const string Lookup = "dl info --list {0} 2>/dev/null | cut -f1";

    public static string Bash()
    {
        var script = new StringBuilder("# bash completion of dl\n_dl() {\n");
        script.Append("    local word=${COMP_WORDS[COMP_CWORD]}\n");
        script.Append("    local before=${COMP_WORDS[COMP_CWORD-1]}\n");
        script.Append("    local options=\n    COMPREPLY=()\n");
        script.Append("    if [ \"$COMP_CWORD\" -eq 1 ]; then\n");
        script.Append($"        COMPREPLY=($(compgen -W \"{CommandNames()} --help --version\" ");
        script.Append("-- \"$word\"))\n        return\n    fi\n");
        script.Append("    case \"${COMP_WORDS[1]} $before\" in\n");
        foreach (CommandSpec command in CliApp.Listed())
        {
            foreach (OptionSpec option in command.Options)
            {
                AppendBashValues(script, command, option);
            }
        }
        script.Append("    esac\n    case \"${COMP_WORDS[1]}\" in\n");
        foreach (CommandSpec command in CliApp.Listed())
        {
            script.Append($"        {command.Name}) options=\"");
            script.AppendJoin(' ', command.Options.Select(option => option.Long)).Append("\" ;;\n");
        }
        script.Append("    esac\n    case \"$word\" in\n");
        script.Append("        -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n");
        script.Append("    esac\n}\ncomplete -o default -F _dl dl\n");
        return script.ToString();
    }

    private static void AppendBashValues(
        StringBuilder script, CommandSpec command, OptionSpec option)
    {
        if (option.IsFlag || option.Kind == ValueKind.Path)
        {
            return;
        }
        script.Append($"        \"{command.Name} {option.Long}\"");
        if (option.Alias is { } letter)
        {
            script.Append($"|\"{command.Name} -{letter}\"");
        }
        script.Append(") ");
        string words = option.Allowed is { } allowed ? string.Join(' ', allowed)
            : option.Registry is { } kind ? $"$({string.Format(Lookup, kind)})" : "";
        if (words.Length > 0)
        {
            script.Append($"COMPREPLY=($(compgen -W \"{words}\" -- \"$word\")); ");
        }
        script.Append("return ;;\n");
    }

    public static string Zsh()
    {
        var script = new StringBuilder("#compdef dl\n# zsh completion of dl\n_dl() {\n");
        script.Append("    local -a commands\n    commands=(\n");
        foreach (CommandSpec command in CliApp.Listed())
        {
            script.Append($"        {Quote($"{command.Name}:{command.Summary}")}\n");
        }
        script.Append("    )\n    if (( CURRENT == 2 )); then\n");
        script.Append("        _describe command commands\n        return\n    fi\n");
        script.Append("    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n");
        script.Append("    case $command in\n");
        foreach (CommandSpec command in CliApp.Listed())
        {
            script.Append($"        {command.Name}) _arguments");
            foreach (OptionSpec option in command.Options)
            {
                AppendZsh(script, option);
            }
            script.Append(" \\\n            '*:file:_files' ;;\n");
        }
        script.Append("    esac\n}\n_dl \"$@\"\n");
        return script.ToString();
    }

    private static void AppendZsh(StringBuilder script, OptionSpec option)
    {
        string about = $"[{option.Help.Replace("[", "\\[").Replace("]", "\\]")}]";
        string value = option switch
        {
            { IsFlag: true } => "",
            { Allowed: { } allowed } => $":value:({string.Join(' ', allowed)})",
            { Registry: { } kind } => $":name:($({string.Format(Lookup, kind)}))",
            { Kind: ValueKind.Path } => ":file:_files",
            _ => ":value:",
        };
        script.Append($" \\\n            {Quote($"*{option.Long}{about}{value}")}");
        if (option.Alias is { } letter)
        {
            script.Append($" \\\n            {Quote($"*-{letter}{about}{value}")}");
        }
    }

    public static string Fish()
    {
        var script = new StringBuilder("# fish completion of dl\n");
        foreach (CommandSpec command in CliApp.Listed())
        {
            script.Append($"complete -c dl -n __fish_use_subcommand -f -a {command.Name}");
            script.Append($" -d {Quote(command.Summary)}\n");
        }
        foreach (CommandSpec command in CliApp.Listed())
        {
            foreach (OptionSpec option in command.Options)
            {
                script.Append($"complete -c dl -n '__fish_seen_subcommand_from {command.Name}'");
                script.Append(option.Alias is { } letter ? $" -s {letter}" : "");
                script.Append($" -l {option.Name} -d {Quote(option.Help)}");
                script.Append(option switch
                {
                    { IsFlag: true } => "",
                    { Allowed: { } allowed } => $" -x -a {Quote(string.Join(' ', allowed))}",
                    { Registry: { } kind } =>
                        $" -x -a {Quote($"({string.Format(Lookup, kind)})")}",
                    { Kind: ValueKind.Path } => " -r",
                    _ => " -x",
                });
                script.Append('\n');
            }
        }
        return script.ToString();
    }

    private static string CommandNames() => string.Join(' ', CliApp.Listed().Select(c => c.Name));

    /// <summary>In single quotes, as all three shells read them.</summary>
    private static string Quote(string text) => $"'{text.Replace("'", "'\\''")}'";
}
