// What comes on a pipe and has to be read from its end: it is kept in a file without a name, which
// is gone with the process, however that ends.
namespace Dl.Data.Formats;

/// <summary>A temporary copy that can seek.</summary>
internal static class SpoolFile
{
    /// <param name="stream">Read to its end, and disposed.</param>
    /// <param name="name">For messages.</param>
    /// <returns>The copy, at its start; its bytes are freed when it is disposed.</returns>
    /// <exception cref="DlException">The folder for temporary files does not take it.</exception>
    public static Stream Of(Stream stream, string name)
    {
        using var source = stream;
        FileStream? copy = null;
        try
        {
            copy = Create();
            Fill(source, copy, name);
            copy.Position = 0;
            return copy;
        }
        catch
        {
            copy?.Dispose();
            throw;
        }
    }

    private static FileStream Create()
    {
        string path = Path.Combine(Path.GetTempPath(), $"dl-{Guid.NewGuid():N}.tmp");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, BufferSize = 1 << 16,
        };
        if (OperatingSystem.IsWindows())
        {
            options.Options = FileOptions.DeleteOnClose;
            return new FileStream(path, options);
        }
        options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            var file = new FileStream(path, options);
            File.Delete(path);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Cannot(path, error);
        }
    }

    private static void Fill(Stream source, FileStream copy, string name)
    {
        var buffer = new byte[1 << 16];
        int read;
        while ((read = source.Read(buffer)) > 0)
        {
            try
            {
                copy.Write(buffer.AsSpan(0, read));
            }
            catch (IOException error)
            {
                throw Cannot(name, error);
            }
        }
    }

    private static DlException Cannot(string what, Exception error) => new(
        $"{what}: a table that is read from its end is first copied to {Path.GetTempPath()}, which "
        + $"failed ({error.Message}); set TMPDIR to a folder with room, or give a file", error);
}
