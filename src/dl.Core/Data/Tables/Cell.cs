// What a cell of a table says: nothing, a number, a date, or text.
using System.Globalization;

namespace Dl.Data.Tables;

/// <summary>Reading single cells; the same rules in training and prediction.</summary>
internal static class Cell
{
    private static readonly string[] DateFormats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mmK",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    private static readonly string[] MissingNames = ["na", "n/a", "nan", "null", "?"];

    /// <summary>Empty, NA, N/A, NaN, null or ?, in any case.</summary>
    public static bool IsMissing(string text)
    {
        if (text.Length == 0)
        {
            return true;
        }
        if (text.Length > 4 || char.IsAsciiDigit(text[0]))
        {
            return string.IsNullOrWhiteSpace(text);
        }
        foreach (string name in MissingNames)
        {
            if (text.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }
        return string.IsNullOrWhiteSpace(text);
    }

    /// <summary>
    /// A number in the invariant culture; infinities count as numbers (and are refused).
    /// </summary>
    public static bool TryNumber(string text, out double value)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            return true;
        }
        ReadOnlySpan<char> name = text.AsSpan().TrimStart("+-");
        if (name.Equals("inf", StringComparison.OrdinalIgnoreCase)
            || name.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = double.PositiveInfinity;
            return true;
        }
        return false;
    }

    /// <summary>
    /// An ISO 8601 date, alone or with a time: `2024-05-17`, `2024-05-17T08:30:15.5+02:00`, or with
    /// a blank for the T. A time without an offset counts as UTC.
    /// </summary>
    /// <param name="days">Days since 1970-01-01T00:00Z, with a fraction for the time.</param>
    public static bool TryDate(string text, out double days)
    {
        days = 0;
        if (text.Length < 10 || text[4] != '-' || !DateTimeOffset.TryParseExact(
            text, DateFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
            out DateTimeOffset date))
        {
            return false;
        }
        days = (double)(date.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerDay;
        return true;
    }

    /// <summary>
    /// The text under which a category is remembered: `1.0` and `1` are the same one, because a
    /// column of whole numbers with a gap is often written with decimals.
    /// </summary>
    public static string Canonical(string text) =>
        TryNumber(text, out double value) && double.IsFinite(value) ? Format(value) : text;

    public static string Format(double value) => value.ToString(CultureInfo.InvariantCulture);
}
