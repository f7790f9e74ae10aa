// Finds the command, parses, runs, and turns whatever goes wrong into one line and an exit code.
// `dl --help` must not cost more than starting the runtime: nothing here touches a parser, a
// logger or an engine type before a command is really run.
using Dl.Cli.Commands;
using Dl.Cli.Options;
using Dl.Cli.Terminal;

namespace Dl.Cli;

internal static class CliApp
{
    public const int Interrupted = 130;

    /// <summary>Every command, in the order in which help lists them.</summary>
    public static readonly CommandSpec[] Commands =
    [
        FitCommand.Spec, PredictCommand.Spec, GenCommand.Spec, InfoCommand.Spec, CheckCommand.Spec,
        BenchCommand.Spec, ManCommand.Spec, CompletionCommand.Spec,
    ];

    public static string Version => typeof(CliApp).Assembly.GetName().Version!.ToString(3);

    public static int Run(string[] args)
    {
        bool debug = Array.IndexOf(args, CommonOptions.Debug.Long) >= 0;
        try
        {
            return Dispatch(args);
        }
        catch (BrokenPipeException)
        {
            // Whoever read our output has seen enough.
            return 0;
        }
        catch (OperationCanceledException)
        {
            StandardStream.WriteError("dl: interrupted\n");
            return Interrupted;
        }
        catch (DlException e)
        {
            return Fail(e, e.Message, e.ExitCode, debug);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Fail(e, e.Message, 1, debug);
        }
        catch (OutOfMemoryException e)
        {
            return Fail(e, "out of memory; try a smaller --batch-size", 1, debug);
        }
        catch (Exception e)
        {
            string hint = debug ? "" : "; run again with --debug";
            return Fail(e, $"internal error: {e.GetType().Name}: {e.Message}{hint}", 1, debug);
        }
    }

    private static int Dispatch(string[] args)
    {
        if (args.Length == 0)
        {
            var overview = new StringWriter();
            HelpText.WriteOverview(overview);
            StandardStream.WriteError(overview.ToString());
            return 2;
        }
        switch (args[0])
        {
            case "--version" or "-V":
                WriteOut(writer => writer.Write($"dl {Version}\n"));
                return 0;
            case "--help" or "-h" or "help":
                CommandSpec? named = args.Length > 1 ? Find(args[1]) : null;
                WriteOut(named is null ? HelpText.WriteOverview : w => HelpText.Write(named, w));
                return 0;
        }
        CommandSpec command = Find(args[0]);
        string[] words = args[1..];
        if (AsksForHelp(words))
        {
            WriteOut(writer => HelpText.Write(command, writer));
            return 0;
        }
        return Start(command, words);
    }

    private static int Start(CommandSpec command, string[] words)
    {
        Values values = Parser.Parse(command, words);
        if (values.Flag(CommonOptions.DumpConfig))
        {
            WriteOut(writer => writer.Write(ConfigFile.Dump(values) + "\n"));
            return 0;
        }
        Parser.RequireArguments(values);
        using var session = new Session(values);
        int code = command.Run(session);
        session.Out.Flush();
        return code;
    }

    private static CommandSpec Find(string name)
    {
        foreach (CommandSpec command in Commands)
        {
            if (command.Name == name)
            {
                return command;
            }
        }
        if (name.StartsWith('-'))
        {
            throw new UsageException(
                $"{name}: no such option of dl; options stand behind the command; see dl --help");
        }
        throw new UsageException(Nearest.Unknown("command", name, Listed().Select(c => c.Name)));
    }

    /// <summary>The commands that are for users.</summary>
    public static IEnumerable<CommandSpec> Listed()
    {
        foreach (CommandSpec command in Commands)
        {
            if (!command.Hidden)
            {
                yield return command;
            }
        }
    }

    private static bool AsksForHelp(string[] words)
    {
        foreach (string word in words)
        {
            if (word == "--")
            {
                return false;
            }
            if (word is "--help" or "-h")
            {
                return true;
            }
        }
        return false;
    }

    private static void WriteOut(Action<TextWriter> write)
    {
        using TextWriter writer = StandardStream.OpenOutput();
        write(writer);
    }

    private static int Fail(Exception e, string message, int code, bool debug)
    {
        // An error is one line, but for what a compiler of kernels said.
        string line = $"dl: {Printable.Of(message, lines: e is DeviceException)}\n";
        StandardStream.WriteError(debug ? $"{line}{Printable.Of($"{e}\n", lines: true)}" : line);
        return code;
    }
}
