// What a running command has at hand: its options, stdout, the log on stderr, and the token that
// Ctrl-C and SIGTERM cancel. All of it is made when it is first needed.
using Dl.Cli.Options;
using Dl.Cli.Terminal;
using Microsoft.Extensions.Logging;

namespace Dl.Cli;

internal sealed class Session(Values values) : IDisposable
{
    private TextWriter? _out;
    private Stream? _outStream;
    private LazyLogger? _log;
    private Interrupt? _interrupt;
    private Timer? _end;
    private ProgressLine? _progress;

    public Values Values => values;

    /// <summary>Results and nothing else; buffered until a command flushes.</summary>
    public TextWriter Out => _out ??= StandardStream.OpenOutput();

    /// <summary>
    /// As <see cref="Out"/>, for rows, which are gathered into blocks by whoever writes them.
    /// </summary>
    public Stream OutStream => _outStream ??= StandardStream.OpenStream();

    /// <summary>Messages on stderr as `-q`, `-v` and `--log-format` ask.</summary>
    public ILogger Log => _log ??= new LazyLogger(
        values.Flag(CommonOptions.Quiet) ? LogLevel.Warning
        : values.Flag(CommonOptions.Verbose) ? LogLevel.Debug : LogLevel.Information,
        values.Text(CommonOptions.LogFormat) == "json", () => _progress?.Erase() ?? "");

    /// <summary>The line on a terminal that renews itself.</summary>
    public ProgressLine Progress =>
        _progress ??= new ProgressLine(values.Flag(CommonOptions.Quiet));

    /// <summary>Cancelled by the first Ctrl-C or SIGTERM; the second one kills.</summary>
    public CancellationToken Token => (_interrupt ??= new Interrupt()).Token;

    /// <summary>
    /// A read or write that waits for another process cannot be woken, so after an interruption
    /// the process ends around it; until the result is disposed.
    /// </summary>
    /// <param name="file">
    /// A file is being written, which is to be removed first: that has more time.
    /// </param>
    public IDisposable EndWhenStuck(bool file)
    {
        const int grace = 500, graceForFiles = 10_000;
        return Token.Register(() => _end = new Timer(
            _ =>
            {
                StandardStream.WriteError("dl: interrupted\n");
                Environment.Exit(CliApp.Interrupted);
            },
            null, file ? graceForFiles : grace, Timeout.Infinite));
    }

    public void Dispose()
    {
        _end?.Dispose();
        _interrupt?.Dispose();
        _progress?.Dispose();
        _log?.Dispose();
        _out?.Dispose();
    }
}
