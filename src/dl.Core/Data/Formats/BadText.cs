// Bytes that are not UTF-8, mostly those of a code page of one byte a letter. A replaced letter is
// a wrong one, so they are named, not replaced.
using System.Text;

namespace Dl.Data.Formats;

/// <summary>Finds the first byte of a text that cannot be read.</summary>
internal static class BadText
{
    /// <returns>
    /// Line ends before the byte, its 1-based place in its line, and the byte; null: all is UTF-8.
    /// </returns>
    public static (int Lines, int Column, byte Bad)? Find(ReadOnlySpan<byte> text)
    {
        int lines = 0, line = 0;
        for (int at = 0; at < text.Length;)
        {
            if (Rune.DecodeFromUtf8(text[at..], out _, out int taken)
                != System.Buffers.OperationStatus.Done)
            {
                return (lines, at - line + 1, text[at]);
            }
            bool endsLine = text[at] == '\n'
                || (text[at] == '\r' && !(at + 1 < text.Length && text[at + 1] == '\n'));
            at += taken;
            (lines, line) = endsLine ? (lines + 1, at) : (lines, line);
        }
        return null;
    }

    public static DataException Error(string name, int line, int column, byte bad) => new(
        $"{name}:{line}: byte {column} of the line is 0x{bad:X2}, expected text in UTF-8; convert "
        + "the file, for example with iconv -f WINDOWS-1252 -t UTF-8, or leave bad rows out with "
        + "--on-bad-data skip");
}
