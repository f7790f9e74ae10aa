// The one line that is written over and over while a job runs. It exists only where stderr is a
// terminal that can go back to the start of a line; everywhere else it is silent, and the plain
// line an epoch that the job logs is all there is.
namespace Dl.Cli.Terminal;

/// <summary>Not more than ten updates a second, cut to the width of the terminal.</summary>
internal sealed class ProgressLine : IDisposable
{
    private const long Interval = 100;

    private readonly TextWriter? _error;
    private long _last;
    private int _shown;

    /// <param name="quiet">Show nothing, terminal or not.</param>
    public ProgressLine(bool quiet)
    {
        bool dumb = Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        if (!quiet && !dumb && !Console.IsErrorRedirected)
        {
            _error = Console.Error;
        }
    }

    public bool Visible => _error is not null;

    /// <summary>Replaces the line, unless it was replaced a moment ago.</summary>
    public void Show(string text)
    {
        if (_error is null || Environment.TickCount64 - _last < Interval)
        {
            return;
        }
        _last = Environment.TickCount64;
        // The last column stays free: writing there makes some terminals wrap.
        int width = Math.Max(0, Screen.Width - 1);
        string cut = text.Length > width ? text[..width] : text;
        int left = Math.Max(0, Math.Min(_shown, width) - cut.Length);
        _error.Write("\r" + cut + new string(' ', left));
        _shown = cut.Length;
    }

    /// <summary>
    /// What takes the line away when written to stderr, so that a message can stand in its place.
    /// </summary>
    public string Erase()
    {
        if (_shown == 0)
        {
            return "";
        }
        string blank = new(' ', _shown);
        _shown = 0;
        _last = 0;
        return $"\r{blank}\r";
    }

    public void Dispose() => _error?.Write(Erase());
}
