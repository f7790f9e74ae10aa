// Numbers as short text. Most have few digits before and behind the point: those are written as
// whole numbers with a point put in, several times as fast as the runtime's general way, which
// takes all others. What comes out is the same (a test compares them).
using System.Buffers.Text;
using System.Globalization;

namespace Dl.Data.Formats.Output;

/// <summary>Formats to UTF-8 in the invariant culture.</summary>
internal static class ShortNumber
{
    private const int FloatDigits = 7, MaxDecimals = 6;

    private static readonly double[] Powers =
        [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11];

    /// <summary>Seven significant digits, as the format G7 has them.</summary>
    /// <param name="output">At least 40 bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(float value, Span<byte> output)
    {
        double size = Math.Abs((double)value);
        // From 1E+07 and below 1E-04 on, G7 has an exponent, or is about to.
        if (size is >= 1e-4 and < 9_999_999)
        {
            int decimals = FloatDigits - 1;
            while (decimals > 0 && size >= Powers[FloatDigits - decimals])
            {
                decimals--;
            }
            while (size < Powers[FloatDigits - 1] / Powers[decimals] && decimals < 10)
            {
                decimals++;
            }
            double scaled = size * Powers[decimals];
            long digits = (long)(scaled + 0.5);
            // A double carries nine digits more than are wanted, so only what lies next to the
            // middle between two numbers could be rounded to the wrong one.
            if (Math.Abs(scaled - Math.Floor(scaled) - 0.5) > 1e-6)
            {
                return Write(value < 0, digits, decimals, output);
            }
        }
        value.TryFormat(output, out int written, "G7", CultureInfo.InvariantCulture);
        return written;
    }

    /// <summary>
    /// As many digits as tell it from every other number; without an exponent where it has at most
    /// six decimals.
    /// </summary>
    /// <param name="output">At least 40 bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(double value, Span<byte> output)
    {
        double size = Math.Abs(value);
        if (size < 1e9 && !double.IsNegative(value) | value < 0)
        {
            // Fifteen digits that make the number are the shortest ones: no others of so few do.
            double digits = Math.Round(size * Powers[MaxDecimals]);
            if (digits / Powers[MaxDecimals] == size)
            {
                return Write(value < 0, (long)digits, MaxDecimals, output);
            }
        }
        value.TryFormat(output, out int written, "R", CultureInfo.InvariantCulture);
        return written;
    }

    /// <summary>digits / 10^decimals, without zeros at the end.</summary>
    private static int Write(bool negative, long digits, int decimals, Span<byte> output)
    {
        int at = 0;
        if (negative)
        {
            output[at++] = (byte)'-';
        }
        long scale = (long)Powers[decimals];
        (long whole, long rest) = Math.DivRem(digits, scale);
        Utf8Formatter.TryFormat(whole, output[at..], out int written);
        at += written;
        if (rest == 0)
        {
            return at;
        }
        output[at++] = (byte)'.';
        Span<byte> behind = output.Slice(at, decimals);
        for (int i = decimals - 1; i >= 0; i--)
        {
            (rest, long digit) = Math.DivRem(rest, 10);
            behind[i] = (byte)('0' + digit);
        }
        return at + behind.LastIndexOfAnyExcept((byte)'0') + 1;
    }
}
