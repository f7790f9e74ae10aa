// What a cell of a table says: nothing, a number, a date, or text.
using System.Globalization;
using System.Text;
using Dl.Data.Formats;

namespace Dl.Data.Tables;

/// <summary>What a cell holds.</summary>
internal enum CellKind : byte
{
    Missing, Number, Infinite, Text,
}

/// <summary>Reading single cells; the same rules in training and prediction.</summary>
internal static class Cell
{
    private static readonly string[] DateFormats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mmK",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    private static readonly string[] MissingNames = ["na", "n/a", "nan", "null", "?"];

    /// <summary>Most characters of a number that <see cref="Format(double)"/> writes.</summary>
    public const int NumberLength = 32;

    /// <summary>Characters of a cell that are looked at on the stack.</summary>
    private const int OnStack = 256;

    /// <summary>The kind of a text in UTF-8, and its number where it is one.</summary>
    public static CellKind Read(ReadOnlySpan<byte> text, out double number)
    {
        if (FastNumber.TryParse(text, out number))
        {
            return CellKind.Number;
        }
        if (text.IsEmpty)
        {
            return CellKind.Missing;
        }
        // Only `inf` and the names of what is missing begin with a letter and are not text.
        byte first = (byte)(text[0] | 0x20);
        if (char.IsAsciiLetter((char)first) && first is not ((byte)'i' or (byte)'n'))
        {
            return CellKind.Text;
        }
        Span<char> chars = text.Length <= OnStack
            ? stackalloc char[OnStack]
            : new char[text.Length];
        return Read(chars[..Encoding.UTF8.GetChars(text, chars)], out number);
    }

    /// <summary>The kind of a text, and its number where it is one.</summary>
    public static CellKind Read(ReadOnlySpan<char> text, out double number)
    {
        number = 0;
        return IsMissing(text) ? CellKind.Missing
            : !TryNumber(text, out number) ? CellKind.Text
            : Kind(number);
    }

    /// <summary>The kind of a number: what is not a number is missing.</summary>
    public static CellKind Kind(double number) =>
        double.IsFinite(number) ? CellKind.Number
        : double.IsNaN(number) ? CellKind.Missing
        : CellKind.Infinite;

    /// <summary>Empty, NA, N/A, NaN, null or ?, in any case.</summary>
    public static bool IsMissing(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
        {
            return true;
        }
        if (text.Length > 4 || char.IsAsciiDigit(text[0]))
        {
            return text.IsWhiteSpace();
        }
        foreach (string name in MissingNames)
        {
            if (text.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }
        return text.IsWhiteSpace();
    }

    /// <summary>
    /// A number in the invariant culture; infinities count as numbers (and are refused).
    /// </summary>
    public static bool TryNumber(ReadOnlySpan<char> text, out double value)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            return true;
        }
        ReadOnlySpan<char> name = text.TrimStart("+-");
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
    /// column of whole numbers with a gap is often written with decimals. So are `True` and `true`.
    /// </summary>
    public static string Canonical(string text) =>
        TryNumber(text, out double value) && double.IsFinite(value) ? Format(value)
        : text.Equals("true", StringComparison.OrdinalIgnoreCase) ? "true"
        : text.Equals("false", StringComparison.OrdinalIgnoreCase) ? "false"
        : text;

    /// <summary>The shortest text that reads as the number again.</summary>
    public static string Format(double value)
    {
        Span<byte> text = stackalloc byte[NumberLength];
        return Encoding.ASCII.GetString(text[..Format(value, text)]);
    }

    /// <param name="text">At least <see cref="NumberLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(double value, Span<byte> text)
    {
        // 0.1 that a file keeps in single precision is 0.10000000149011612; nobody wrote that.
        float single = (float)value;
        bool isSingle = single == value && value != Math.Floor(value);
        int length;
        _ = isSingle
            ? single.TryFormat(text, out length, default, CultureInfo.InvariantCulture)
            : value.TryFormat(text, out length, default, CultureInfo.InvariantCulture);
        return length;
    }
}
