// Finds the repository that the tests were built from, for what they read beside the program.
namespace Dl.Tests;

internal static class Repository
{
    /// <summary>The folder with dl.sln, or null where the tests were moved elsewhere.</summary>
    public static string? Root { get; } = Up("dl.sln");

    /// <summary>The folder with datasets and reference values, or null.</summary>
    public static string? Shared
    {
        get
        {
            string? said = Environment.GetEnvironmentVariable("DL_SHARED");
            string? beside = Root is null ? null : Path.Combine(Root, "..", "shared");
            string? found = said ?? beside;
            return Directory.Exists(found) ? Path.GetFullPath(found) : null;
        }
    }

    /// <summary>A dataset below `shared/data`; the test is skipped where there is none.</summary>
    public static string Data(string name)
    {
        string? path = Shared is null ? null : Path.Combine(Shared, "data", name);
        Skip.If(path is null || !Path.Exists(path), $"no shared/data/{name} here (DL_SHARED)");
        return path!;
    }

    private static string? Up(string name)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, name)))
        {
            folder = Path.GetDirectoryName(folder);
        }
        return folder;
    }
}
