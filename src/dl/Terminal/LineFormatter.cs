// Messages as people read them on stderr: one line, and the level only where it matters.
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Dl.Cli.Terminal;

/// <param name="before">Written in front of a message: it clears the line of progress.</param>
internal sealed class LineFormatter(Func<string> before) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(
        in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter writer)
    {
        string prefix = entry.LogLevel switch
        {
            LogLevel.Warning => "dl: warning: ",
            LogLevel.Error or LogLevel.Critical => "dl: error: ",
            _ => "",
        };
        string text = Printable.Of(entry.Formatter(entry.State, entry.Exception), lines: true);
        writer.Write(before() + prefix + text + "\n");
    }
}
