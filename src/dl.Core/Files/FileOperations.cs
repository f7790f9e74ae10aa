// The steps of which writing is made, each of which a disk may refuse. They stand behind an
// interface so that tests can let every one of them fail, or be the last one before a power cut.
// All that dl writes to disk goes through them.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dl.Files;

/// <summary>
/// What is done to a disk: <see cref="AtomicFile"/> in this order, <see cref="LiveFile"/> its
/// first step.
/// </summary>
internal interface IFileOperations
{
    /// <summary>An empty file, with the permissions of <paramref name="target"/> where that is
    /// there. Writing to it and closing it are steps too.</summary>
    Stream Create(string path, string target);

    /// <summary>Brings what was written to the medium, before anything may rely on it.</summary>
    void Flush(Stream stream);

    /// <summary>Puts a file in the place of another, at once.</summary>
    void Rename(string from, string to);

    /// <summary>Brings the names in a folder to the medium.</summary>
    void FlushFolder(string folder);

    void Delete(string path);

    void CreateFolder(string path);

    /// <summary>Puts a folder where none is.</summary>
    void RenameFolder(string from, string to);

    /// <summary>With all that is in it.</summary>
    void DeleteFolder(string path);
}

/// <summary>The disk itself.</summary>
internal sealed partial class DiskOperations : IFileOperations
{
    public static readonly DiskOperations Instance = new();

    private static readonly AsyncLocal<IFileOperations?> Other = new();

    /// <summary>The disk, or what a test has put in its place for the code that it calls.</summary>
    public static IFileOperations Current
    {
        get => Other.Value ?? Instance;
        set => Other.Value = value;
    }

    private const int BufferSize = 1 << 16;

    /// <summary>No permission to open, or not supported here, by Linux or by macOS.</summary>
    private static readonly int[] CannotFlush = [1, 9, 13, 22, 38, 45, 95];

    public Stream Create(string path, string target)
    {
        var stream = new FileStream(
            path, FileMode.Create, FileAccess.Write, FileShare.Read, BufferSize);
        try
        {
            if (path != target && !OperatingSystem.IsWindows() && File.Exists(target))
            {
                File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(target));
            }
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public void Flush(Stream stream) => ((FileStream)stream).Flush(flushToDisk: true);

    public void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    /// <remarks>
    /// Where folders cannot be flushed, so be it; a medium that fails is another matter.
    /// </remarks>
    public void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        using var handle = Open(folder, 0);
        if (!handle.IsInvalid && Fsync(handle) != 0
            && Marshal.GetLastPInvokeError() is var error && Array.IndexOf(CannotFlush, error) < 0)
        {
            throw new IOException($"fsync: error {error}", error);
        }
    }

    public void Delete(string path) => File.Delete(path);

    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public void RenameFolder(string from, string to) => Directory.Move(from, to);

    public void DeleteFolder(string path) => Directory.Delete(path, recursive: true);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);
}
