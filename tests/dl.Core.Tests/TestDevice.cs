// Devices and folders that tests share.
using Dl.Cpu;
using Dl.Tensors;

namespace Dl.Tests;

internal static class TestDevice
{
    /// <summary>The managed device; the caller disposes it.</summary>
    public static Device Cpu(int? threads = 2) => new CpuProvider().Open(0, threads);
}

internal static class TestFolders
{
    /// <summary>Small files that are committed.</summary>
    public static string Fixtures => Path.Combine(Root, "tests", "fixtures");

    /// <summary>The folder of large data beside the repository, or null where it is not.</summary>
    public static string? Shared
    {
        get
        {
            if (Environment.GetEnvironmentVariable("DL_SHARED") is { Length: > 0 } given)
            {
                return Directory.Exists(given) ? given : null;
            }
            string beside = Path.Combine(Root, "..", "shared");
            return Directory.Exists(beside) ? Path.GetFullPath(beside) : null;
        }
    }

    /// <summary>The repository, found upwards from the test's own folder.</summary>
    private static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "dl.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName
            ?? throw new DirectoryNotFoundException("no dl.sln above the test's folder");
    }
}
