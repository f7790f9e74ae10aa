// Why a file could not be read or written, in plain words. The program is built without the
// framework's message texts (they would be loaded at start-up), so Exception.Message is only a key
// here; the cause is in the type and, on Unix, in the errno that HResult carries.
namespace Dl.Files;

/// <summary>Turns failures of the file system into causes that people can act on.</summary>
public static class FileError
{
    private const int NoSpaceUnix = 28;
    private const int ReadOnlyUnix = 30;
    private const int QuotaLinux = 122;
    private const int QuotaMac = 69;
    private const int NoSpaceWindows = unchecked((int)0x80070070);

    /// <summary>The cause, without the path: `no such file`, `the disk is full`.</summary>
    public static string Explain(Exception error) => error switch
    {
        FileNotFoundException => "no such file",
        DirectoryNotFoundException => "its folder does not exist",
        PathTooLongException => "the name is too long",
        EndOfStreamException => "it ends too early",
        UnauthorizedAccessException { InnerException: IOException inner } => Explain(inner),
        UnauthorizedAccessException => "no permission",
        IOException io => Explain(io),
        _ => error.Message,
    };

    private static string Explain(IOException error) => error.HResult switch
    {
        NoSpaceUnix or NoSpaceWindows => "the disk is full",
        QuotaLinux or QuotaMac => "the disk quota is used up",
        ReadOnlyUnix => "the file system is read-only",
        1 or 13 => "no permission",
        2 => "no such file",
        20 => "a part of the path is not a folder",
        21 => "it is a folder",
        _ => $"input/output error {error.HResult}",
    };

    /// <summary>Is this how the framework reports trouble with a file?</summary>
    internal static bool IsFileTrouble(Exception error) =>
        error is IOException or UnauthorizedAccessException;
}
