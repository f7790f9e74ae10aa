// How much memory the system can still give: what the kernel counts as available, and what the
// process's control groups leave of their limits. Beyond it processes are killed, not refused.
using System.Globalization;

namespace Dl.Tensors;

public static class HostMemory
{
    /// <summary>Bytes that may be taken now; what caches hold counts as free.</summary>
    public static long Available() => Available("/");

    /// <param name="root">Below which `proc` and `sys` lie.</param>
    internal static long Available(string root)
    {
        long available = Field(Path.Combine(root, "proc/meminfo"), "MemAvailable:") is { } kilobytes
            ? kilobytes * 1024 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return Math.Min(available, LeftOfGroups(root));
    }

    /// <summary>The least that any group of this process has left.</summary>
    private static long LeftOfGroups(string root)
    {
        string groups = Path.Combine(root, "sys/fs/cgroup");
        long least = Left(Path.Combine(groups, "memory"), "memory.limit_in_bytes",
            "memory.usage_in_bytes", "total_cache");
        string group = Lines(Path.Combine(root, "proc/self/cgroup"))
            .FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?[3..] ?? "/";
        for (string? path = group; path is not null; path = Path.GetDirectoryName(path))
        {
            least = Math.Min(least, Left(
                Path.Join(groups, path), "memory.max", "memory.current", "file"));
        }
        return least;
    }

    private static long Left(string folder, string limit, string used, string cached)
    {
        if (Number(Path.Combine(folder, limit)) is not { } most
            || Number(Path.Combine(folder, used)) is not { } taken)
        {
            return long.MaxValue;
        }
        long cache = Field(Path.Combine(folder, "memory.stat"), cached) ?? 0;
        return Math.Max(0, most - Math.Max(0, taken - cache));
    }

    /// <summary>A file that holds one number; null: none, or `max`.</summary>
    private static long? Number(string path) => long.TryParse(
        Lines(path).FirstOrDefault(), CultureInfo.InvariantCulture, out long value) ? value : null;

    /// <summary>The number behind a name that begins a line.</summary>
    private static long? Field(string path, string name)
    {
        foreach (string line in Lines(path))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && words[0] == name)
            {
                return long.TryParse(words[1], CultureInfo.InvariantCulture, out long value)
                    ? value : null;
            }
        }
        return null;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
