// Files that are either the old ones or the new ones, never half of each: write to a temporary file
// in the same folder, flush it to disk, rename it over the target, flush the folder. POSIX rename
// replaces atomically within one file system, hence the same folder; without the last flush a
// power cut may still bring the old name back.
using Dl.Data.Formats;

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
    public static void Write(string path, Action<Stream> write)
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
            Replace(Target(path), write, DiskOperations.Current);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw Cannot(path, error);
        }
    }

    /// <summary>
    /// Has <paramref name="fill"/> put files into a folder that gets its name when it is whole.
    /// </summary>
    /// <param name="path">Nothing, or an empty folder.</param>
    /// <exception cref="DlException">It cannot be written, or something is there.</exception>
    public static void WriteFolder(string path, Action<string> fill)
    {
        string target = Path.TrimEndingDirectorySeparator(path);
        try
        {
            if (File.Exists(target) || (Directory.Exists(target)
                && Directory.EnumerateFileSystemEntries(target).Any()))
            {
                throw new UsageException($"{path}: is there already, expected a new folder");
            }
            string full = Path.GetFullPath(target), parent = Parent(path, full);
            var disk = DiskOperations.Current;
            string temporary = TemporaryNames.Of(full);
            try
            {
                disk.CreateFolder(temporary);
                fill(temporary);
                if (Directory.Exists(full))
                {
                    disk.DeleteFolder(full);
                }
                disk.RenameFolder(temporary, full);
            }
            catch
            {
                TemporaryNames.Discard(temporary, disk);
                throw;
            }
            disk.FlushFolder(parent);
            TemporaryNames.SweepUp(full, disk);
        }
        catch (AggregateException error) when (FileError.IsFileTrouble(error.InnerExceptions[0]))
        {
            // Many threads filled it.
            throw Cannot(path, error.InnerExceptions[0]);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw Cannot(path, error);
        }
    }

    /// <summary>A file of a folder that <see cref="WriteFolder"/> is about to name.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void WritePart(string path, ReadOnlySpan<byte> bytes)
    {
        using var stream = DiskOperations.Current.Create(path, path);
        stream.Write(bytes);
    }

    /// <summary>Removes a file, if it is there, and what killed processes left of it.</summary>
    /// <exception cref="DlException">It cannot be removed.</exception>
    public static void Delete(string path)
    {
        try
        {
            if (File.Exists(path))
            {
                DiskOperations.Current.Delete(path);
            }
            TemporaryNames.SweepUp(Path.GetFullPath(path), DiskOperations.Current);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw new DlException(
                $"{path}: cannot be removed: {FileError.Explain(error)}", error);
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
            string target = Target(path);
            if (File.Exists(target)
                && File.GetAttributes(target).HasFlag(FileAttributes.ReadOnly))
            {
                // The folder would let it be replaced, but that is not what the owner has said.
                throw new DlException(
                    $"{path}: is write-protected; give another name, or chmod u+w it");
            }
            // The folder decides, not the file: a temporary file has to fit in beside it.
            string temporary = TemporaryNames.Of(target);
            var disk = DiskOperations.Current;
            try
            {
                disk.Create(temporary, target).Dispose();
            }
            finally
            {
                TemporaryNames.Discard(temporary, disk);
            }
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw Cannot(path, error);
        }
    }

    private static void Replace(string target, Action<Stream> write, IFileOperations disk)
    {
        string temporary = TemporaryNames.Of(target);
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
            TemporaryNames.Discard(temporary, disk);
            throw;
        }
        disk.FlushFolder(Path.GetDirectoryName(target)!);
        TemporaryNames.SweepUp(target, disk);
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
        Parent(path, full);
        return new FileInfo(full).LinkTarget is null
            ? full
            : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }

    /// <summary>The folder in which a path is to lie.</summary>
    private static string Parent(string path, string full)
    {
        string folder = Path.GetDirectoryName(full) ?? full;
        return Directory.Exists(folder) ? folder : throw new DlException(
            $"{path}: cannot be written: "
            + (InputFile.IsHidden(folder)
                ? "no permission"
                : $"no folder {folder}; create it first"));
    }

    /// <summary>Renaming over a device would replace it by a file.</summary>
    internal static bool IsDevice(string path) =>
        !OperatingSystem.IsWindows() && path.Length > 0
        && Path.GetFullPath(path) is var full
        && (full.StartsWith("/dev/", StringComparison.Ordinal)
            || full.StartsWith("/proc/", StringComparison.Ordinal));

    internal static DlException Cannot(string path, Exception error) =>
        new($"{path}: cannot be written: {FileError.Explain(error)}", error);
}
