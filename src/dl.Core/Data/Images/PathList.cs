// Names of files, one a line, or ended by NUL as `find -print0` writes them: whichever of the two
// comes first ends all names. What has arrived on a pipe is given on without waiting for more.
using System.Text;
using Dl.Data.Formats;

namespace Dl.Data.Images;

/// <summary>Reads lists of paths.</summary>
internal static class PathList
{
    /// <summary>Longer names are refused: no file system has them.</summary>
    private const int LongestName = 1 << 16;

    /// <summary>Names in blocks of at most <paramref name="size"/>, as they come.</summary>
    /// <exception cref="DataException">Not there, or no list of names.</exception>
    /// <param name="waiting">Called before each read of a pipe.</param>
    public static IEnumerable<string[]> Blocks(string path, int size, Action? waiting = null)
    {
        using Stream stream = WaitingStream.Around(InputFile.Open(path), waiting);
        var buffer = new byte[LongestName];
        int held = 0;
        byte? end = null;
        while (true)
        {
            int read = stream.Read(buffer.AsSpan(held));
            if (read == 0)
            {
                break;
            }
            int filled = held + read;
            end ??= FirstEnd(buffer.AsSpan(0, filled));
            var names = new List<string>();
            held = Cut(buffer.AsSpan(0, filled), end, names);
            if (held == buffer.Length)
            {
                throw new DataException(
                    $"{InputFile.Display(path)}: a name longer than {LongestName} bytes, expected "
                    + "a list of files, one a line");
            }
            foreach (string[] block in names.Chunk(size))
            {
                yield return block;
            }
        }
        if (Name(buffer.AsSpan(0, held)) is { Length: > 0 } last)
        {
            yield return [last];
        }
    }

    /// <summary>
    /// Takes whole names out and moves the rest to the front; returns its length.
    /// </summary>
    private static int Cut(Span<byte> bytes, byte? end, List<string> names)
    {
        Span<byte> rest = bytes;
        while (end is byte separator && rest.IndexOf(separator) is >= 0 and int length)
        {
            if (Name(rest[..length]) is { Length: > 0 } name)
            {
                names.Add(name);
            }
            rest = rest[(length + 1)..];
        }
        rest.CopyTo(bytes);
        return rest.Length;
    }

    private static byte? FirstEnd(ReadOnlySpan<byte> bytes)
    {
        int at = bytes.IndexOfAny((byte)'\n', (byte)0);
        return at < 0 ? null : bytes[at];
    }

    private static string Name(ReadOnlySpan<byte> bytes) =>
        Encoding.UTF8.GetString(bytes).TrimEnd('\r');
}
