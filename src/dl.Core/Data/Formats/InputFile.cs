// Opening inputs: a path or `-` for stdin; gzip by its first bytes, Brotli by the name `.br`. That
// a file that was cut off is refused, and not taken for a shorter one, is a runtime switch set in
// Directory.Build.props.
using System.IO.Compression;

namespace Dl.Data.Formats;

/// <summary>Files as streams of their decompressed bytes.</summary>
internal static class InputFile
{
    public const string Stdin = "-";

    /// <summary>
    /// Whether the input can be read once only: stdin, or a shell's `&lt;(command)`, which it
    /// passes as a path below /dev/fd.
    /// </summary>
    public static bool IsStream(string path) =>
        path == Stdin || path.StartsWith("/dev/", StringComparison.Ordinal);

    /// <summary>Name for messages; stdin has one too.</summary>
    public static string Display(string path) => path == Stdin ? "stdin" : path;

    /// <summary>
    /// The content, unpacked where it starts with gzip's magic number or is named `.br`.
    /// </summary>
    /// <exception cref="DataException">The file is not there or may not be read.</exception>
    public static Stream Open(string path)
    {
        if (path == Stdin)
        {
            return StandardFiles.OpenInput();
        }
        try
        {
            var file = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16,
                FileOptions.SequentialScan);
            if (!file.CanSeek)
            {
                // What is read of a pipe is gone: no looking for gzip's magic number.
                return file;
            }
            Span<byte> magic = stackalloc byte[2];
            int read = file.Read(magic);
            file.Position = 0;
            return read == 2 && magic is [0x1F, 0x8B]
                ? new GZipStream(file, CompressionMode.Decompress)
                // Brotli has no magic number.
                : path.EndsWith(".br", StringComparison.OrdinalIgnoreCase)
                ? new BrotliStream(file, CompressionMode.Decompress)
                : file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>
    /// The first bytes of the decompressed content, at most <paramref name="count"/>.
    /// </summary>
    public static byte[] Head(string path, int count)
    {
        using Stream stream = Open(path);
        var head = new byte[count];
        try
        {
            return head[..stream.ReadAtLeast(head, count, throwOnEndOfStream: false)];
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Damaged(path, 0, error);
        }
    }

    /// <summary>All of a stream input, decompressed where it is gzip.</summary>
    public static byte[] ReadStream(string path)
    {
        using Stream stream = Open(path);
        var content = new MemoryStream();
        try
        {
            stream.CopyTo(content);
            byte[] bytes = content.ToArray();
            if (bytes is not [0x1F, 0x8B, ..])
            {
                return bytes;
            }
            content.Position = 0;
            using var gzip = new GZipStream(content, CompressionMode.Decompress);
            using var plain = new MemoryStream();
            gzip.CopyTo(plain);
            return plain.ToArray();
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Damaged(Display(path), 0, error);
        }
    }

    /// <summary>A file's whole content as it lies, for images.</summary>
    public static byte[] ReadAll(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    /// <summary>The file name without `.gz` or `.br`, lower case.</summary>
    public static string PlainName(string path)
    {
        string name = Path.GetFileName(path).ToLowerInvariant();
        return name.EndsWith(".gz", StringComparison.Ordinal)
            || name.EndsWith(".br", StringComparison.Ordinal) ? name[..^3] : name;
    }

    public static bool LooksLikeTable(string path) =>
        Path.GetExtension(PlainName(path))
            is ".csv" or ".tsv" or ".tab" or ".data" or ".jsonl" or ".ndjson"
                or ".parquet";

    /// <summary>
    /// What a read throws where packed data are cut off or damaged: gzip the first, Brotli either.
    /// </summary>
    internal static bool IsDamage(Exception error) =>
        error is InvalidDataException or InvalidOperationException;

    /// <param name="line">The last line that was read; 0: none.</param>
    internal static DataException Damaged(string name, int line, Exception error) => new(
        $"{name}: the packed data are damaged or cut off"
        + (line > 0 ? $" after line {line}" : ""), error);

    /// <summary>Nothing is found at a path; perhaps it may not be looked at.</summary>
    internal static DataException Missing(string path) => new(
        $"{path}: {(IsHidden(path) ? "permission denied" : "no such file or folder")}");

    /// <summary>Whether a folder on the way forbids to look what is there.</summary>
    internal static bool IsHidden(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
            return false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error is UnauthorizedAccessException;
        }
    }

    internal static DataException Unreadable(string path, Exception error) => error switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            new DataException($"{path}: no such file", error),
        UnauthorizedAccessException => new DataException(
            $"{path}: permission denied, or it is a folder where a file was expected", error),
        _ => new DataException($"{path}: cannot be read ({error.Message})", error),
    };
}
