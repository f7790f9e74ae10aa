using Dl.Files;

namespace Dl.OpenCl;

internal static class SharedFile
{
    /// <summary>Whole or not at all: other processes may be reading it.</summary>
    /// <exception cref="DlException">It cannot be written.</exception>
    public static void Write(string path, byte[] bytes)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DlException(
                $"{path}: its folder cannot be made: {FileError.Explain(e)}", e);
        }
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }
}
