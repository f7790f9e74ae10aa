// What a command writes against what it reads: a slip such as `--log data.csv` would replace the
// very data that a model is made from.
namespace Dl.Files;

/// <summary>A file with the part it plays: `--log`, `data`.</summary>
public readonly record struct FileRole(string Role, string? Path);

public static class FileRoles
{
    /// <summary>Refuses files that are read as well as written, or written twice.</summary>
    /// <param name="read">Null paths, `-` and what is no file, such as a share, are passed over.
    /// </param>
    /// <param name="written">Null paths and `-` are passed over, and so are devices.</param>
    /// <exception cref="UsageException">Names both parts and the file.</exception>
    public static void Check(IEnumerable<FileRole> read, IEnumerable<FileRole> written)
    {
        var taken = new Dictionary<string, string>();
        foreach (var (role, path) in read)
        {
            if (Named(path) is { } file && File.Exists(file))
            {
                taken.TryAdd(file, $"is read as {role} and would be lost");
            }
        }
        foreach (var (role, path) in written)
        {
            if (Named(path) is not { } file || AtomicFile.IsDevice(file))
            {
                continue;
            }
            if (!taken.TryAdd(file, $"is written by {role} too"))
            {
                throw new UsageException($"{role}: {path} {taken[file]}; give another name");
            }
        }
    }

    /// <summary>The full path behind symbolic links; null where there is none.</summary>
    private static string? Named(string? path)
    {
        if (string.IsNullOrEmpty(path) || path == "-")
        {
            return null;
        }
        string full = Path.GetFullPath(path);
        try
        {
            return File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            return full;
        }
    }
}
