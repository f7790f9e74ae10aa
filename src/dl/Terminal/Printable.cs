// What comes from data or file names must not steer a terminal: escape sequences could rewrite what
// was said before, and marks of writing direction could turn it round. All messages on stderr pass
// through here.
using System.Globalization;
using System.Text;

namespace Dl.Cli.Terminal;

internal static class Printable
{
    /// <summary>Control characters as `\x1b`, marks of direction as `\u202e`.</summary>
    /// <param name="lines">Line ends and tabs stay: the text is laid out on purpose.</param>
    public static string Of(string text, bool lines)
    {
        int first = 0;
        while (first < text.Length && !Steers(text[first], lines))
        {
            first++;
        }
        if (first == text.Length)
        {
            return text;
        }
        var safe = new StringBuilder(text, 0, first, text.Length + 16);
        foreach (char c in text.AsSpan(first))
        {
            if (!Steers(c, lines))
            {
                safe.Append(c);
            }
            else
            {
                string form = c < 0x100 ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}";
                safe.Append(form);
            }
        }
        return safe.ToString();
    }

    private static bool Steers(char c, bool lines) => char.GetUnicodeCategory(c) switch
    {
        UnicodeCategory.Control => !lines || c is not ('\n' or '\t'),
        // Marks of direction, joiners and the byte order mark; a line that is broken elsewhere.
        UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator => true,
        _ => false,
    };
}
