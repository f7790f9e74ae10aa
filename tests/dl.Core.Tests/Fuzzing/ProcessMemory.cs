// What this process holds of the machine's memory, libraries of C included, as Linux counts it
// (proc(5)): the resident set, and its largest extent since the last reset.
using System.Globalization;

namespace Dl.Tests.Fuzzing;

internal static class ProcessMemory
{
    /// <summary>Bytes that are resident now.</summary>
    public static long Resident => Field("VmRSS:");

    /// <summary>Most bytes that were, since <see cref="TryResetPeak"/>.</summary>
    public static long Peak => Field("VmHWM:");

    /// <summary>False: this system cannot.</summary>
    public static bool TryResetPeak()
    {
        const string Path = "/proc/self/clear_refs";
        if (!File.Exists(Path))
        {
            return false;
        }
        try
        {
            File.WriteAllText(Path, "5");
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long Field(string name)
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return 1024 * long.Parse(
                    line.AsSpan(name.Length).Trim().TrimEnd("kB").Trim(),
                    CultureInfo.InvariantCulture);
            }
        }
        return 0;
    }
}
