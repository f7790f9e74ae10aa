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
    /// <param name="cell">A cell in UTF-8.</param>
    /// <param name="target">Takes the number; may be the cell itself.</param>
    /// <param name="length">Bytes of the cell, then of the number.</param>
    public static CommaCell Read(ReadOnlySpan<byte> cell, Span<byte> target, ref int length)
    {
        CommaCell kind = Read(cell);
        if (kind != CommaCell.Number)
        {
            return kind;
        }
        length = 0;
        foreach (byte letter in cell)
        {
            if (letter != '.')
            {
                target[length++] = letter == ',' ? (byte)'.' : letter;
            }
        }
        return kind;
    }

    /// <summary>`1,5`, `1.234,5` or `1.234.567`.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> cell) => Read(cell) == CommaCell.Number;

    private static CommaCell Read(ReadOnlySpan<byte> rest)
    {
        if (!rest.ContainsAny(",."u8))
        {
            return CommaCell.Other;
        }
        if (rest[0] is (byte)'+' or (byte)'-')
        {
            rest = rest[1..];
        }
        bool whole = Digits(ref rest, out int first);
        int groups = 0;
        ReadOnlySpan<byte> grouped = rest;
        while (grouped is [(byte)'.', ..])
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
        return EndsNumber(grouped, (byte)',', whole) ? CommaCell.Number : CommaCell.Other;
    }

    private static bool IsPointNumber(ReadOnlySpan<byte> rest, bool whole) =>
        rest is [(byte)'.', ..] && EndsNumber(rest, (byte)'.', whole);

    /// <summary>A fraction behind its mark, or none, and an exponent, or none; no more.</summary>
    private static bool EndsNumber(ReadOnlySpan<byte> rest, byte mark, bool whole)
    {
        if (rest.Length > 0 && rest[0] == mark)
        {
            rest = rest[1..];
            whole |= Digits(ref rest, out _);
        }
        if (rest is [(byte)'e' or (byte)'E', ..])
        {
            rest = rest[1..];
            rest = rest is [(byte)'+' or (byte)'-', ..] ? rest[1..] : rest;
            whole &= Digits(ref rest, out _);
        }
        return whole && rest.IsEmpty;
    }

    private static bool Digits(ref ReadOnlySpan<byte> rest, out int count)
    {
        count = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        count = count < 0 ? rest.Length : count;
        rest = rest[count..];
        return count > 0;
    }
}
