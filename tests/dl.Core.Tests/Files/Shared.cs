// Large test data that is not part of the repository: `$DL_SHARED`, or a folder `shared` beside it.
namespace Dl.Tests.Files;

internal static class Shared
{
    /// <summary>A folder or file within it; null where it is not here.</summary>
    public static string? Find(string name)
    {
        string? root = Environment.GetEnvironmentVariable("DL_SHARED");
        for (string? folder = AppContext.BaseDirectory; root is null && folder is not null;
            folder = Path.GetDirectoryName(folder))
        {
            string candidate = Path.Combine(folder, "shared");
            root = Directory.Exists(candidate) ? candidate : null;
        }
        string? path = root is null ? null : Path.Combine(root, name);
        return path is not null && (Directory.Exists(path) || File.Exists(path)) ? path : null;
    }

    /// <summary>A committed fixture, found from the test's own folder upwards.</summary>
    public static string Fixture(string name)
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null;
            folder = Path.GetDirectoryName(folder))
        {
            string candidate = Path.Combine(folder, "tests", "fixtures");
            if (Directory.Exists(candidate))
            {
                return Path.Combine(candidate, name);
            }
        }
        throw new DirectoryNotFoundException("tests/fixtures");
    }
}
