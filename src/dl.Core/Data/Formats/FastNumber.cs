// Decimal numbers from UTF-8: the sign, up to 19 digits with a point among them, and an exponent.
// A number w * 10^q with w up to 2^53 and |q| up to 22 is one exact operation on two exact doubles,
// so it is rounded once, as it should be (Clinger 1990, "How to read floating point numbers
// accurately"). What is longer or larger is left to the runtime's parser.
namespace Dl.Data.Formats;

/// <summary>Numbers as double.Parse gives them, to the bit, where they are simple.</summary>
internal static class FastNumber
{
    private const int MaxDigits = 19;
    private const ulong MaxExact = 1UL << 53;

    private static readonly double[] PowersOfTen =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    /// <param name="power">0 to 22: those that a double holds exactly.</param>
    public static double PowerOfTen(int power) => PowersOfTen[power];

    /// <summary>
    /// False: no number, or one that is not simple; nothing is said about which.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double number)
    {
        number = 0;
        int at = 0;
        bool negative = text is [(byte)'-', ..];
        if (negative || text is [(byte)'+', ..])
        {
            at = 1;
        }
        ulong digits = 0;
        int first = at;
        at = Digits(text, at, ref digits);
        int count = at - first;
        int power = 0;
        if ((uint)at < (uint)text.Length && text[at] == '.')
        {
            int point = ++at;
            at = Digits(text, at, ref digits);
            power = point - at;
            count -= power;
        }
        // 19 digits are below 2^64; leading zeros may make more of them, seldom enough.
        if (count == 0 || count > MaxDigits)
        {
            return false;
        }
        if (at < text.Length && !Exponent(text[at..], ref power))
        {
            return false;
        }
        return Exact(digits, power, negative, out number);
    }

    private static int Digits(ReadOnlySpan<byte> text, int at, ref ulong digits)
    {
        ulong value = digits;
        for (; (uint)at < (uint)text.Length; at++)
        {
            uint digit = text[at] - (uint)'0';
            if (digit > 9)
            {
                break;
            }
            value = unchecked((value * 10) + digit);
        }
        digits = value;
        return at;
    }

    /// <summary>`e5`, `E-07`, to the end of the text.</summary>
    private static bool Exponent(ReadOnlySpan<byte> text, ref int power)
    {
        int at = 1;
        if (text[0] is not ((byte)'e' or (byte)'E'))
        {
            return false;
        }
        bool negative = text.Length > 1 && text[1] == '-';
        if (negative || (text.Length > 1 && text[1] == '+'))
        {
            at = 2;
        }
        ulong value = 0;
        int end = Digits(text, at, ref value);
        if (end == at || end != text.Length || end - at > 4)
        {
            return false;
        }
        power += negative ? -(int)value : (int)value;
        return true;
    }

    private static bool Exact(ulong digits, int power, bool negative, out double number)
    {
        number = digits;
        if (digits > MaxExact || (uint)(power + 22) > 44)
        {
            return false;
        }
        number = power < 0 ? number / PowersOfTen[-power] : number * PowersOfTen[power];
        number = negative ? -number : number;
        return true;
    }
}
