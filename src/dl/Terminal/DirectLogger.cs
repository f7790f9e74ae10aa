// Writes each message, text or JSON, to stderr before it returns. The console provider hands
// messages to a thread, and one in sixty was lost when the program ended right behind it: how to
// resume, of all.
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Dl.Cli.Terminal;

/// <param name="formatter">Turns a message into its line.</param>
internal sealed class DirectLogger(ConsoleFormatter formatter) : ILogger
{
    private readonly Lock _gate = new();
    private readonly StringWriter _line = new();

    public bool IsEnabled(LogLevel level) => level != LogLevel.None;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(
        LogLevel level, EventId id, TState state, Exception? exception,
        Func<TState, Exception?, string> text)
    {
        lock (_gate)
        {
            formatter.Write(
                new LogEntry<TState>(level, "dl", id, state, exception, text), null, _line);
            StandardStream.WriteError(_line.ToString());
            _line.GetStringBuilder().Clear();
        }
    }
}
