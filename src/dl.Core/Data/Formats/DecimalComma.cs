// Numbers as much of the world writes them: `1,5` and `1.234,5`. Cells are taken over into the form
// with a decimal point as they are read, so that nothing behind the reader knows of commas.
namespace Dl.Data.Formats;

/// <summary>What <see cref="DecimalComma.Read"/> made of a cell.</summary>
internal enum CommaCell
{
    /// <summary>A number with a comma or grouping points, now with a decimal point.</summary>
    Number,

    /// <summary>Text, or a number without either: as it was.</summary>
    Other,

    /// <summary>A number with a decimal point, as `1.5`: as it was, and doubtful.</summary>
    Point,
}

/// <summary>
/// sign digits `,` digits exponent, where the digits before the comma may stand in groups of three
/// that points divide.
/// </summary>
internal static class DecimalComma
{
    public static CommaCell Read(string cell, out string text)
    {
        text = cell;
        ReadOnlySpan<char> rest = cell;
        if (rest.IndexOfAny(',', '.') < 0)
        {
            return CommaCell.Other;
        }
        if (rest[0] is '+' or '-')
        {
            rest = rest[1..];
        }
        bool whole = Digits(ref rest, out int first);
        int groups = 0;
        ReadOnlySpan<char> grouped = rest;
        while (grouped is ['.', ..])
        {
            grouped = grouped[1..];
            if (!Digits(ref grouped, out int digits) || digits != 3)
            {
                return IsPointNumber(rest, whole) ? CommaCell.Point : CommaCell.Other;
            }
            groups++;
        }
        if (groups > 0 && first is 0 or > 3)
        {
            return IsPointNumber(rest, whole) ? CommaCell.Point : CommaCell.Other;
        }
        if (!EndsNumber(grouped, ',', whole))
        {
            return CommaCell.Other;
        }
        text = cell.Replace(".", "", StringComparison.Ordinal).Replace(',', '.');
        return CommaCell.Number;
    }

    private static bool IsPointNumber(ReadOnlySpan<char> rest, bool whole) =>
        rest is ['.', ..] && EndsNumber(rest, '.', whole);

    /// <summary>A fraction behind its mark, or none, and an exponent, or none; no more.</summary>
    private static bool EndsNumber(ReadOnlySpan<char> rest, char mark, bool whole)
    {
        if (rest.Length > 0 && rest[0] == mark)
        {
            rest = rest[1..];
            whole |= Digits(ref rest, out _);
        }
        if (rest is ['e' or 'E', ..])
        {
            rest = rest[1..];
            rest = rest is ['+' or '-', ..] ? rest[1..] : rest;
            whole &= Digits(ref rest, out _);
        }
        return whole && rest.IsEmpty;
    }

    private static bool Digits(ref ReadOnlySpan<char> rest, out int count)
    {
        count = rest.IndexOfAnyExceptInRange('0', '9');
        count = count < 0 ? rest.Length : count;
        rest = rest[count..];
        return count > 0;
    }
}
