// Messages as people read them on stderr: one line, and the level only where it matters.
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Dl.Cli.Terminal;

internal sealed class LineFormatter() : ConsoleFormatter(FormatterName)
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
        writer.Write(prefix + entry.Formatter(entry.State, entry.Exception) + "\n");
    }
}
