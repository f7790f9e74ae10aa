// Where tests find the shared datasets, and temporary folders that clean up after themselves.
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tests;

/// <summary>
/// The folder `shared` beside the repository, or $DL_SHARED; absent in a plain clone.
/// </summary>
internal static class Shared
{
    public static string? Root { get; } = Find();

    /// <summary>A path below shared/data; skips the test where it is not there.</summary>
    public static string Data(params string[] parts)
    {
        Skip.If(Root is null, "the shared datasets are not beside this clone (DL_SHARED)");
        string path = Path.Combine([Root!, "data", .. parts]);
        Skip.IfNot(
            Path.Exists(path), $"{string.Join('/', parts)} is not among the shared datasets");
        return path;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("DL_SHARED") is string given)
        {
            return given;
        }
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "dl.sln")))
            {
                string shared = Path.Combine(at.Parent?.FullName ?? "", "shared");
                return Directory.Exists(shared) ? shared : null;
            }
        }
        return null;
    }
}

/// <summary>A new folder, deleted with everything in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("dl-test-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Writes a file, its folders included; returns its path.</summary>
    public string Write(string name, string text) =>
        Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public string Write(string name, byte[] bytes)
    {
        string path = this[name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

/// <summary>Keeps what is logged.</summary>
internal sealed class ListLogger : ILogger
{
    public List<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel level) => true;

    public void Log<TState>(
        LogLevel level, EventId id, TState state, Exception? error,
        Func<TState, Exception?, string> format)
    {
        lock (Lines)
        {
            Lines.Add(format(state, error));
        }
    }
}
