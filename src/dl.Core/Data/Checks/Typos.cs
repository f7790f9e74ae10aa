// Spellings of one word: equal but for case, blanks, hyphens and underscores; or a rare word one or
// two slips from a frequent one: a letter more, less, wrong, or two changed over (optimal string
// alignment).
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>A spelling and the one that was likely meant.</summary>
/// <param name="Same">Equal but for case and blanks: no letter differs.</param>
internal sealed record Typo(CellValue Wrong, CellValue Right, bool Same);

internal static class Typos
{
    /// <summary>More words are names of things, and no labels.</summary>
    private const int MaxWords = 2000;

    /// <summary>A slip of the finger happens once or twice.</summary>
    private const int MostSlips = 2;
    private const int OftenEnough = 10;

    private const int MinLength = 4;
    private const int LengthForTwo = 8;

    /// <param name="values">By falling frequency.</param>
    public static List<Typo> Find(IReadOnlyList<CellValue> values)
    {
        var found = new List<Typo>();
        if (values.Count > MaxWords)
        {
            return found;
        }
        var folded = new Dictionary<string, CellValue>(StringComparer.Ordinal);
        var words = new List<CellValue>();
        foreach (CellValue value in values.Where(v => v.Fact.Kind == CellKind.Text))
        {
            string fold = Fold(value.Text);
            if (fold.Length == 0)
            {
                continue;
            }
            if (folded.TryGetValue(fold, out CellValue? right))
            {
                found.Add(new Typo(value, right, Same: true));
                continue;
            }
            folded.Add(fold, value);
            words.Add(value);
        }
        foreach (CellValue rare in words.Where(w => w.Count <= MostSlips))
        {
            CellValue[] near = [.. words.Where(w => IsSlip(rare, w)).Take(2)];
            // Two words that are equally near: nobody can tell.
            if (near.Length == 1)
            {
                found.Add(new Typo(rare, near[0], Same: false));
            }
        }
        return found;
    }

    /// <summary>What is left of a text when case and gaps are not looked at.</summary>
    public static string Fold(string text)
    {
        Span<char> kept = text.Length <= 256
            ? stackalloc char[text.Length]
            : new char[text.Length];
        int length = 0;
        foreach (char c in text)
        {
            if (!char.IsWhiteSpace(c) && c is not ('_' or '-'))
            {
                kept[length++] = char.ToLowerInvariant(c);
            }
        }
        return new string(kept[..length]);
    }

    /// <summary>Whether two words may be one; numbers in them have to agree.</summary>
    public static bool IsNear(string a, string b)
    {
        int shorter = Math.Min(a.Length, b.Length);
        int allowed = shorter < MinLength ? 0 : shorter < LengthForTwo ? 1 : 2;
        return allowed > 0 && Math.Abs(a.Length - b.Length) <= allowed && DigitsAgree(a, b)
            && Distance(a, b) <= allowed;
    }

    /// <summary>Levenshtein's distance, where neighbours changed over cost 1 as well.</summary>
    private static int Distance(string a, string b)
    {
        var before = new int[b.Length + 1];
        var last = new int[b.Length + 1];
        var row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }
        for (int i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(
                    last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1),
                    Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }
            (before, last, row) = (last, row, before);
        }
        return last[b.Length];
    }

    private static bool IsSlip(CellValue rare, CellValue often) =>
        often.Count >= OftenEnough * rare.Count && IsNear(rare.Text, often.Text);

    private static bool DigitsAgree(string a, string b) =>
        string.Concat(a.Where(char.IsAsciiDigit)) == string.Concat(b.Where(char.IsAsciiDigit));
}
