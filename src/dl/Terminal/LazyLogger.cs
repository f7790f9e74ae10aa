// A logger that builds the logging machinery at its first message. Most short commands never say
// anything, and building it costs a third of their time.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Dl.Cli.Terminal;

/// <param name="least">Messages below this level are dropped.</param>
/// <param name="json">One JSON object a line instead of text.</param>
/// <param name="before">What takes the line of progress away, for text.</param>
internal sealed class LazyLogger(LogLevel least, bool json, Func<string> before)
    : ILogger, IDisposable
{
    private readonly Lock _gate = new();
    private ServiceProvider? _services;
    private ILogger? _inner;

    public bool IsEnabled(LogLevel level) => level >= least && level != LogLevel.None;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(
        LogLevel level, EventId id, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(level))
        {
            Inner().Log(level, id, state, exception, formatter);
        }
    }

    private ILogger Inner()
    {
        lock (_gate)
        {
            if (_inner is null)
            {
                _inner = new DirectLogger(json ? JsonFormatter() : new LineFormatter(before));
            }
            return _inner;
        }
    }

    /// <summary>The package's own; only its container can make one.</summary>
    private ConsoleFormatter JsonFormatter()
    {
        var services = new ServiceCollection();
        services.AddLogging(builder => builder.AddJsonConsole(options =>
        {
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        }));
        _services = services.BuildServiceProvider();
        return _services.GetServices<ConsoleFormatter>()
            .First(f => f.Name == ConsoleFormatterNames.Json);
    }

    public void Dispose() => _services?.Dispose();
}
