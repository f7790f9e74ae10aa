// A logger that builds the logging machinery at its first message. Most short commands never say
// anything, and building it costs a third of their time.
using Microsoft.Extensions.Logging;

namespace Dl.Cli.Terminal;

/// <param name="least">Messages below this level are dropped.</param>
/// <param name="json">One JSON object a line instead of text.</param>
/// <param name="before">What takes the line of progress away, for text.</param>
internal sealed class LazyLogger(LogLevel least, bool json, Func<string> before)
    : ILogger, IDisposable
{
    private readonly Lock _gate = new();
    private ILoggerFactory? _factory;
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
                _factory = json ? Json() : null;
                _inner = _factory?.CreateLogger("dl")
                    ?? new DirectLogger(new LineFormatter(before));
            }
            return _inner;
        }
    }

    private ILoggerFactory Json() => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(least);
        builder.AddJsonConsole(options =>
        {
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
        });
        builder.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    /// <summary>Writes what is still queued.</summary>
    public void Dispose() => _factory?.Dispose();
}
