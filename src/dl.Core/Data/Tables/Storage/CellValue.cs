// A cell in 64 bits: a number as itself, a missing cell as NaN, and a text as another NaN that
// carries its code. So a column needs no type before all of it has been read.
namespace Dl.Data.Tables.Storage;

/// <summary>Texts among numbers.</summary>
internal static class CellValue
{
    // Exponent and quiet bit of a NaN, and a mark that no arithmetic of .NET makes.
    private const long TextMark = 0x7FFC_5E87_0000_0000;

    private const long MarkMask = unchecked((long)0xFFFF_FFFF_0000_0000);

    public static double OfText(int code) =>
        BitConverter.Int64BitsToDouble(TextMark | (uint)code);

    public static bool IsText(double cell) =>
        (BitConverter.DoubleToInt64Bits(cell) & MarkMask) == TextMark;

    /// <summary>The code of a text. Only where <see cref="IsText"/>.</summary>
    public static int Code(double cell) => (int)BitConverter.DoubleToInt64Bits(cell);
}
