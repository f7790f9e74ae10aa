// Blanks around a text in UTF-8, as string.Trim knows them.
using System.Text;

namespace Dl.Data.Formats;

/// <summary>Finds the text between its blanks.</summary>
internal static class Blanks
{
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        // Nearly always there are none, and no letter outside of ASCII where one could be.
        if (text.IsEmpty || (text[0] - 0x21u < 0x5E && text[^1] - 0x21u < 0x5E))
        {
            return text;
        }
        int start = 0, end = text.Length;
        while (start < end && Leads(text[start..end], out int taken))
        {
            start += taken;
        }
        while (start < end && Trails(text[start..end], out int taken))
        {
            end -= taken;
        }
        return text[start..end];
    }

    private static bool Leads(ReadOnlySpan<byte> text, out int taken)
    {
        Rune.DecodeFromUtf8(text, out Rune rune, out taken);
        return Rune.IsWhiteSpace(rune);
    }

    private static bool Trails(ReadOnlySpan<byte> text, out int taken)
    {
        Rune.DecodeLastFromUtf8(text, out Rune rune, out taken);
        return Rune.IsWhiteSpace(rune);
    }
}
