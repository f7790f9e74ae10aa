// From the words of the command line to checked values. System.CommandLine finds out which word is
// an option, a value or an argument; the definitions say whether what it found is right.
using System.CommandLine;
using System.CommandLine.Parsing;

namespace Dl.Cli.Options;

internal static class Parser
{
    /// <summary>Reads <paramref name="words"/> that follow the command's name.</summary>
    /// <exception cref="UsageException">An unknown option, a bad value.</exception>
    public static Values Parse(CommandSpec spec, string[] words)
    {
        // A plain Command, not a RootCommand: help, version and suggestions are ours.
        var command = new Command(spec.Name);
        var rest = new Argument<string[]>("rest") { Arity = ArgumentArity.ZeroOrMore };
        command.Arguments.Add(rest);
        var pairs = new List<(OptionSpec Spec, Option Option)>();
        foreach (OptionSpec option in spec.Options)
        {
            Option made = Make(option);
            pairs.Add((option, made));
            command.Options.Add(made);
        }
        ParseResult parsed = command.Parse(
            words, new ParserConfiguration { ResponseFileTokenReplacer = null });

        RefuseUnknown(spec, parsed);
        var values = new Values(spec, words);
        var line = new List<(OptionSpec Spec, string[] Items)>();
        string? config = null;
        foreach ((OptionSpec option, Option made) in pairs)
        {
            if (parsed.GetResult(made) is not { Implicit: false } result)
            {
                continue;
            }
            string[] items = Items(option, result);
            line.Add((option, items));
            config = option == CommonOptions.Config ? items[^1] : config;
        }
        if (parsed.Errors.Count > 0)
        {
            throw new UsageException($"{spec.Name}: {parsed.Errors[0].Message}");
        }
        if (config is not null)
        {
            ConfigFile.Apply(config, values);
        }
        foreach ((OptionSpec option, string[] items) in line)
        {
            values.Set(option, items, option.Long);
        }
        Distribute(spec, parsed.GetValue(rest) ?? [], values);
        return values;
    }

    private static Option Make(OptionSpec spec)
    {
        string[] aliases = spec.Alias is { } letter ? [$"-{letter}"] : [];
        if (spec.IsFlag)
        {
            return new Option<bool>(spec.Long, aliases);
        }
        // Any number of times, one value each: the last one counts, lists add up.
        return new Option<string[]>(spec.Long, aliases)
        {
            Arity = new ArgumentArity(1, 100_000), AllowMultipleArgumentsPerToken = false,
        };
    }

    private static string[] Items(OptionSpec option, OptionResult result)
    {
        if (option.IsFlag)
        {
            return [result.Tokens.Count > 0 ? result.Tokens[^1].Value : "true"];
        }
        if (result.Tokens.Count == 0)
        {
            throw new UsageException(
                $"{option.Long}: no value given, {option.Long} {option.Value} expected");
        }
        if (!option.IsList)
        {
            return [result.Tokens[^1].Value];
        }
        var items = new List<string>();
        foreach (Token token in result.Tokens)
        {
            items.AddRange(option.Split(token.Value));
        }
        return [.. items];
    }

    /// <summary>
    /// The parser takes a misspelt option for an argument; this finds such words: they start with a
    /// dash, stand before `--`, and are not the value of the option in front of them.
    /// </summary>
    private static void RefuseUnknown(CommandSpec spec, ParseResult parsed)
    {
        bool valueFollows = false;
        string option = "";
        foreach (Token token in parsed.Tokens)
        {
            if (token.Type == TokenType.DoubleDash)
            {
                return;
            }
            if (token.Type == TokenType.Argument && !valueFollows
                && token.Value.Length > 1 && token.Value[0] == '-')
            {
                throw new UsageException(Unknown(spec, token.Value));
            }
            if (token.Type == TokenType.Option && valueFollows)
            {
                // Of an option that is given again, the parser would not miss the second value.
                throw new UsageException($"{option}: no value given, but {token.Value} after it");
            }
            valueFollows = token.Type == TokenType.Option && !IsFlag(spec, token.Value);
            option = token.Value;
        }
    }

    private static bool IsFlag(CommandSpec spec, string word)
    {
        foreach (OptionSpec option in spec.Options)
        {
            if (option.Long == word || (word.Length == 2 && option.Alias == word[1]))
            {
                return option.IsFlag;
            }
        }
        return true;
    }

    private static string Unknown(CommandSpec spec, string word)
    {
        string name = word.Split('=', ':')[0];
        var known = new List<string>();
        foreach (OptionSpec option in spec.Options)
        {
            known.Add(option.Long);
        }
        string? near = name.StartsWith("--", StringComparison.Ordinal)
            ? Nearest.Find(name, known) : null;
        string hint = near is null ? "" : $"; did you mean {near}?";
        return $"{name}: no such option of dl {spec.Name}{hint} (dl {spec.Name} --help lists them)";
    }

    /// <summary>Hands the positional words out; the last argument takes what is left.</summary>
    private static void Distribute(CommandSpec spec, string[] words, Values values)
    {
        int next = 0;
        foreach (ArgumentSpec argument in spec.Arguments)
        {
            int end = argument.Many ? words.Length : Math.Min(next + 1, words.Length);
            string[] taken = words[next..end];
            next += taken.Length;
            if (taken.Length > 0)
            {
                values.SetArgument(argument, taken);
            }
        }
        if (next < words.Length)
        {
            throw new UsageException(
                $"{spec.Name}: '{words[next]}' is one argument too many (dl {spec.Name} --help)");
        }
    }

    /// <summary>Checked when the command runs: `--dump-config` works on half a line.</summary>
    /// <exception cref="UsageException">An argument that has to be there is not.</exception>
    public static void RequireArguments(Values values)
    {
        foreach (ArgumentSpec argument in values.Command.Arguments)
        {
            if (values.Arguments(argument).Length < argument.Min)
            {
                string name = values.Command.Name;
                throw new UsageException(
                    $"{name}: no {argument.Name} given; it is {argument.Help}");
            }
        }
    }
}
