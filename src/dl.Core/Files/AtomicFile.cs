// Files that are either the old ones or the new ones, never half of each: write to a temporary file
// in the same folder, flush it to disk, rename it over the target, flush the folder. POSIX rename
// replaces atomically within one file system, hence the same folder; without the last flush a
// power cut may still bring the old name back.
namespace Dl.Files;

/// <summary>Writes whole files so that an interruption leaves the old one as it was.</summary>
public static class AtomicFile
{
    private const int BufferSize = 1 << 16;

    /// <summary>
    /// Gives <paramref name="write"/> a stream, and puts its contents at <paramref name="path"/>
    /// when it returns. `-` and devices (`/dev/stdout`) are written directly.
    /// </summary>
    /// <exception cref="DlException">
    /// It cannot be written; names the path and the cause.
    /// </exception>
    public static void Write(string path, Action<Stream> write) =>
        Write(path, write, DiskOperations.Instance);

    /// <summary>As above, on a disk that a test may have fail.</summary>
    internal static void Write(string path, Action<Stream> write, IFileOperations disk)
    {
        if (path == "-")
        {
            using var output = new BufferedStream(Console.OpenStandardOutput(), BufferSize);
            write(output);
            return;
        }
        try
        {
            if (IsDevice(path))
            {
                using var device = new FileStream(path, FileMode.Open, FileAccess.Write);
                write(device);
                return;
            }
            Replace(Target(path), write, disk);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw Cannot(path, error);
        }
    }

    /// <summary>
    /// Refuses, before hours of work go into it, a path that <see cref="Write"/> could not write.
    /// </summary>
    /// <exception cref="DlException">
    /// It cannot be written; names the path and the cause.
    /// </exception>
    public static void CheckWritable(string path)
    {
        if (path == "-")
        {
            return;
        }
        try
        {
            if (IsDevice(path))
            {
                return;
            }
            // The folder decides, not the file: a temporary file has to fit in beside it.
            string temporary = Temporary(Target(path));
            using (new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
            }
            File.Delete(temporary);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw Cannot(path, error);
        }
    }

    private static void Replace(string target, Action<Stream> write, IFileOperations disk)
    {
        string temporary = Temporary(target);
        try
        {
            using (var stream = disk.Create(temporary, target))
            {
                write(stream);
                disk.Flush(stream);
            }
            disk.Rename(temporary, target);
        }
        catch
        {
            Discard(temporary, disk);
            throw;
        }
        string folder = Path.GetDirectoryName(target)!;
        disk.FlushFolder(folder);
        try
        {
            SweepUp(folder, Path.GetFileName(target), disk);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            // A folder that may be written but not listed; the file itself is in place.
        }
    }

    /// <summary>
    /// Removes what killed processes left of earlier attempts at the same file. A minute of age
    /// spares the work of another machine on a shared folder, whose processes cannot be seen.
    /// </summary>
    private static void SweepUp(string folder, string name, IFileOperations disk)
    {
        foreach (string path in Directory.EnumerateFiles(folder, $".{name}.*.tmp"))
        {
            string[] parts = Path.GetFileName(path).Split('.');
            if (int.TryParse(parts[^2], out int process) && !Runs(process)
                && DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > TimeSpan.FromMinutes(1))
            {
                Discard(path, disk);
            }
        }
    }

    private static bool Runs(int process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>The full path, behind symbolic links: those keep pointing where they did.</summary>
    private static string Target(string path)
    {
        if (path.Length == 0)
        {
            throw new DlException("output: the name is empty; expected a file");
        }
        if (Path.EndsInDirectorySeparator(path) || Directory.Exists(path))
        {
            throw new DlException($"{path}: is a folder, expected a file to write; add a name");
        }
        string full = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(full)!;
        if (!Directory.Exists(folder))
        {
            throw new DlException(
                $"{path}: cannot be written: no folder {folder}; create it first");
        }
        return new FileInfo(full).LinkTarget is null
            ? full
            : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }

    /// <summary>Hidden, and with the process in its name: two runs do not share one.</summary>
    private static string Temporary(string target) => Path.Combine(
        Path.GetDirectoryName(target)!,
        $".{Path.GetFileName(target)}.{Environment.ProcessId}.tmp");

    /// <summary>Renaming over a device would replace it by a file.</summary>
    internal static bool IsDevice(string path) =>
        !OperatingSystem.IsWindows() && path.Length > 0
        && Path.GetFullPath(path) is var full
        && (full.StartsWith("/dev/", StringComparison.Ordinal)
            || full.StartsWith("/proc/", StringComparison.Ordinal));

    private static void Discard(string temporary, IFileOperations disk)
    {
        try
        {
            disk.Delete(temporary);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            // The failure that brought us here is the one to tell.
        }
    }

    private static DlException Cannot(string path, Exception error) =>
        new($"{path}: cannot be written: {FileError.Explain(error)}", error);
}
