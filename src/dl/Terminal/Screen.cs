// What the terminal can show, for text that is drawn to fit it.
namespace Dl.Cli.Terminal;

internal static class Screen
{
    private const int Usual = 80;

    /// <summary>Columns of the terminal; `COLUMNS`, or 80, where there is none.</summary>
    public static int Width
    {
        get
        {
            if (int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), out int columns)
                && columns > 0)
            {
                return columns;
            }
            try
            {
                return Console.WindowWidth is > 0 and int width
                    ? width : Usual;
            }
            catch (Exception e) when (e is IOException or PlatformNotSupportedException)
            {
                return Usual;
            }
        }
    }

    /// <summary>Only ASCII can be shown: a dumb terminal, or a locale without UTF-8.</summary>
    public static bool Plain
    {
        get
        {
            if (Environment.GetEnvironmentVariable("TERM") == "dumb")
            {
                return true;
            }
            // The first that is set and not empty counts, as POSIX has it.
            foreach (string name in (string[])["LC_ALL", "LC_CTYPE", "LANG"])
            {
                if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } locale)
                {
                    return !locale.Contains("UTF", StringComparison.OrdinalIgnoreCase);
                }
            }
            return true;
        }
    }
}
