// Where mended data go. The source is never touched: an output that is the input, by whatever link,
// lies in it or around it, or holds something already, is refused.
namespace Dl.Data.Checks;

internal static class FixOutput
{
    /// <exception cref="UsageException">The output would harm what is there.</exception>
    public static void Check(string output, IEnumerable<string> inputs)
    {
        bool device = output is "" or "-" || output.StartsWith("/dev/", StringComparison.Ordinal);
        if (device)
        {
            throw new UsageException(
                "-o: expected a file or a folder, which is written beside a log of all changes");
        }
        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
        {
            throw new UsageException(
                $"{output}: the folder is not empty, and nothing in it is overwritten; name "
                + "another one");
        }
        string target = Resolved(output);
        foreach (string input in inputs)
        {
            string source = Resolved(input);
            if (target == source || IsBelow(target, source) || IsBelow(source, target))
            {
                throw new UsageException(
                    $"{output}: is the input or lies in it, and the input is never changed; name "
                    + "another place");
            }
            if (File.Exists(output) && File.Exists(input) && SameContent(output, input))
            {
                // A hard link, or a copy that is no loss to keep.
                throw new UsageException(
                    $"{output}: holds the same as the input {input}; name another file, or remove "
                    + "it first");
            }
        }
    }

    /// <summary>The full path with every symbolic link on it followed.</summary>
    private static string Resolved(string path)
    {
        string full = Path.GetFullPath(Path.TrimEndingDirectorySeparator(path));
        string root = Path.GetPathRoot(full)!;
        string at = root;
        foreach (string name in full[root.Length..].Split(
            Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            at = Path.Combine(at, name);
            FileSystemInfo info = Directory.Exists(at) ? new DirectoryInfo(at) : new FileInfo(at);
            if (info.Exists && info.LinkTarget is not null)
            {
                at = info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? at;
            }
        }
        return at;
    }

    private static bool IsBelow(string path, string folder) =>
        path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static bool SameContent(string a, string b)
    {
        using FileStream x = File.OpenRead(a), y = File.OpenRead(b);
        if (x.Length != y.Length)
        {
            return false;
        }
        byte[] left = new byte[1 << 16], right = new byte[1 << 16];
        while (true)
        {
            int n = x.ReadAtLeast(left, left.Length, throwOnEndOfStream: false);
            int m = y.ReadAtLeast(right, right.Length, throwOnEndOfStream: false);
            if (!left.AsSpan(0, n).SequenceEqual(right.AsSpan(0, m)))
            {
                return false;
            }
            if (n == 0)
            {
                return true;
            }
        }
    }
}
