// Fields in quotes (RFC 4180): inside, a delimiter or a line end is text, and two quotes stand for
// one. What comes behind the closing quote is kept as it is up to the next separator, so `"a"b` is
// ab, as for other readers.
namespace Dl.Data.Formats.Delimited;

/// <summary>Finds the end of a quoted field, and what it says.</summary>
internal static class QuotedField
{
    private const byte Quote = (byte)'"';

    /// <param name="text">The text to its end.</param>
    /// <param name="quote">Where the opening quote stands.</param>
    /// <param name="delimiter">Divides fields.</param>
    /// <param name="close">The closing quote; -1: there is none before the end of the text.</param>
    /// <returns>The separator behind the field, or the end of the text.</returns>
    public static int End(ReadOnlySpan<byte> text, int quote, byte delimiter, out int close)
    {
        int at = quote + 1;
        while (true)
        {
            int next = text[at..].IndexOf(Quote);
            close = -1;
            if (next < 0)
            {
                return text.Length;
            }
            at += next + 1;
            if (at >= text.Length || text[at] != Quote)
            {
                break;
            }
            at++;
        }
        close = at - 1;
        int end = text[at..].IndexOfAny(delimiter, (byte)'\n', (byte)'\r');
        return end < 0 ? text.Length : at + end;
    }

    /// <summary>
    /// Whether the field is a text between two quotes without quotes in it: then nothing has to be
    /// taken out.
    /// </summary>
    /// <param name="field">From its first quote on, without blanks behind it.</param>
    public static bool IsPlain(ReadOnlySpan<byte> field) =>
        field.Length > 1 && field[1..].IndexOf(Quote) == field.Length - 2;

    /// <summary>Writes what a field says.</summary>
    /// <param name="field">From its first quote on, without blanks behind it.</param>
    /// <param name="close">Its closing quote; -1: there is none.</param>
    /// <param name="target">As long as the field, or longer.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(ReadOnlySpan<byte> field, int close, Span<byte> target)
    {
        bool ends = close < 0 ? field.Length > 1 && field[^1] == Quote : close == field.Length - 1;
        if (!ends)
        {
            return WriteBroken(field[1..], target);
        }
        int written = 0;
        field = field[1..^1];
        for (int at = 0; at < field.Length; at++)
        {
            // The character behind a quote counts, whatever it is.
            at += field[at] == Quote ? 1 : 0;
            if (at < field.Length)
            {
                target[written++] = field[at];
            }
        }
        return written;
    }

    /// <summary>
    /// A field that does not end with its closing quote, which is left out, as are pairs of quotes
    /// before it. The rest stays as it is.
    /// </summary>
    private static int WriteBroken(ReadOnlySpan<byte> field, Span<byte> target)
    {
        int written = 0;
        int at = 0;
        for (; at < field.Length; at++)
        {
            if (field[at] != Quote)
            {
                target[written++] = field[at];
            }
            else if (at + 1 < field.Length && field[at + 1] == Quote)
            {
                at++;
            }
            else
            {
                at++;
                break;
            }
        }
        field[at..].CopyTo(target[written..]);
        return written + field.Length - at;
    }
}
