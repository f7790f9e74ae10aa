// The ways in which people write dates. 03/04/2024 is a day in March or in April; a column tells by
// its other rows, or not at all.
using System.Globalization;

namespace Dl.Data.Checks;

/// <summary>Tells the form of a date from its text.</summary>
internal static class DateForms
{
    /// <summary>Forms in the order in which they are tried.</summary>
    public static readonly (string Name, string[] Formats)[] All =
    [
        ("2024-05-17", ["yyyy-MM-dd", "yyyy-M-d"]),
        ("2024/05/17", ["yyyy/MM/dd", "yyyy/M/d"]),
        ("17.05.2024", ["dd.MM.yyyy", "d.M.yyyy"]),
        ("17/05/2024", ["dd/MM/yyyy", "d/M/yyyy"]),
        ("05/17/2024", ["MM/dd/yyyy", "M/d/yyyy"]),
        ("17-05-2024", ["dd-MM-yyyy", "d-M-yyyy"]),
        ("17 May 2024", ["d MMM yyyy", "d MMMM yyyy"]),
        ("May 17, 2024", ["MMM d, yyyy", "MMMM d, yyyy"]),
    ];

    public const int DayFirst = 3;
    public const int MonthFirst = 4;

    /// <summary>Bit i: the text is a date in form i. 0: it is none.</summary>
    public static int Of(string text)
    {
        if (text.Length is < 8 or > 18 || !MayBeDate(text))
        {
            return 0;
        }
        int forms = 0;
        for (int i = 0; i < All.Length; i++)
        {
            forms |= TryRead(text, i, out _) ? 1 << i : 0;
        }
        return forms;
    }

    public static bool TryRead(string text, int form, out DateOnly date) => DateOnly.TryParseExact(
        text, All[form].Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out date);

    /// <summary>Names of the forms whose bits are set.</summary>
    public static string Names(int forms) => string.Join(
        ", ", All.Where((_, i) => (forms & (1 << i)) != 0).Select(f => f.Name));

    private static bool MayBeDate(string text)
    {
        bool digit = false, mark = false;
        foreach (char c in text)
        {
            digit |= char.IsAsciiDigit(c);
            mark |= c is '-' or '/' or '.' or ' ';
        }
        return digit && mark;
    }
}
