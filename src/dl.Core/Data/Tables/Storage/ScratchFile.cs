// Bytes on disk that nobody else sees. The file loses its name right after it is opened (on Windows
// when it is closed), so nothing is left behind, whatever ends the program. It is read by position
// and not mapped: mapped pages would count as memory of the program.
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Dl.Data.Tables.Storage;

/// <summary>A nameless file that grows; read from any number of threads.</summary>
internal sealed class ScratchFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <exception cref="DlException">No file can be made in the folder.</exception>
    public ScratchFile(string folder)
    {
        Folder = Path.TrimEndingDirectorySeparator(folder);
        string path = Path.Combine(folder, $".dl-scratch-{Guid.NewGuid():N}");
        try
        {
            // Only Windows needs to be told: elsewhere .NET removes it when it is closed, which
            // a killed program does not come to.
            _handle = File.OpenHandle(
                path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete,
                OperatingSystem.IsWindows()
                    ? FileOptions.DeleteOnClose | FileOptions.RandomAccess
                    : FileOptions.RandomAccess);
            if (!OperatingSystem.IsWindows())
            {
                File.Delete(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DlException(
                $"scratch file: cannot be made below {folder} ({error.Message}); give a folder "
                + "that can be written with --scratch", error);
        }
    }

    public string Folder { get; }

    public long Length { get; private set; }

    /// <summary>Writes behind all that is there.</summary>
    /// <param name="expected">Bytes that all of it will take; null: not known.</param>
    /// <exception cref="DlException">The disk is full, or fails.</exception>
    public void Append(ReadOnlySpan<byte> bytes, long? expected)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, Length);
        }
        catch (IOException error)
        {
            string all = expected is { } total && total > Length + bytes.Length
                ? $"about {Size(total)}"
                : $"more than {Size(Length + bytes.Length)}";
            // The system's message ends with the name, which the file has lost.
            string why = error.Message.Split(" : '")[0].TrimEnd('.');
            throw new DlException(
                $"scratch file below {Folder}: {why} after {Size(Length)}; the table needs {all} "
                + "there; free space, or give another folder with --scratch", error);
        }
        Length += bytes.Length;
    }

    /// <exception cref="DlException">The disk fails.</exception>
    public void Read(Span<byte> bytes, long at)
    {
        try
        {
            while (bytes.Length > 0)
            {
                int read = RandomAccess.Read(_handle, bytes, at);
                if (read == 0)
                {
                    throw new IOException("it is shorter than what was written to it");
                }
                bytes = bytes[read..];
                at += read;
            }
        }
        catch (IOException error)
        {
            throw new DlException($"scratch file below {Folder}: {error.Message}", error);
        }
    }

    public void Dispose() => _handle.Dispose();

    /// <summary>`1.9 GB`, `512.0 MB`; decimal, as disks are sold.</summary>
    public static string Size(double bytes) => bytes >= 1e9
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
