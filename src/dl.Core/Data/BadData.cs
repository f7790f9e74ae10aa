// What happens to bad rows and files: stop at the first, or leave them out and count them.
using Microsoft.Extensions.Logging;

namespace Dl.Data;

/// <summary>Collects what was left out. Safe to use from several threads.</summary>
internal sealed class BadData(bool skip, ILogger log)
{
    private const int Shown = 5;
    private int _warnings;
    private readonly Lock _gate = new();

    /// <summary>Whether bad data are left out, and are no error.</summary>
    public bool Skips => skip;

    /// <summary>Rows or files left out so far.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Throws the error, or counts it; the first few are named in the log, and all with `-v`.
    /// </summary>
    public void Report(DataException error)
    {
        if (!skip)
        {
            throw error;
        }
        lock (_gate)
        {
            LogLevel level = ++Count <= Shown ? LogLevel.Warning : LogLevel.Debug;
            log.Log(level, "left out: {Error}", error.Message);
        }
    }

    /// <summary>Logs the first few of what is odd but usable; null says nothing.</summary>
    public void Warn(string? text)
    {
        if (text is null)
        {
            return;
        }
        lock (_gate)
        {
            if (++_warnings <= Shown)
            {
                log.LogWarning("used as it is: {Warning}", text);
            }
        }
    }

    /// <summary>One line with the total.</summary>
    public void Summarise(string what)
    {
        if (Count > 0)
        {
            log.LogWarning("{Count} bad {What} left out", Count, what);
        }
    }
}
