// PNG's filters (ISO/IEC 15948, section 9): each byte of a row was replaced by its difference to a
// prediction from the bytes to its left (a), above it (b) and above that on its left (c). Pixels of
// three and four bytes are taken whole, a byte a lane; each waits for the one before.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dl.Data.Images;

/// <summary>Undoes the filter of a row in place.</summary>
internal static class PngFilter
{
    /// <summary>Bytes behind both rows that may be read, and are not changed.</summary>
    public const int Room = 4;

    /// <param name="filter">0 none, 1 sub, 2 up, 3 average, 4 Paeth.</param>
    /// <param name="row">Filtered bytes.</param>
    /// <param name="above">The row before, undone; zeros above the first.</param>
    /// <param name="back">Bytes from a pixel to the next, at least 1.</param>
    /// <exception cref="DataException">There is no such filter.</exception>
    public static void Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int back)
    {
        switch (filter)
        {
            case 0:
                return;
            case 1:
                Sub(row, back);
                return;
            case 2:
                Up(row, above);
                return;
            case 3:
                Average(row, above, back);
                return;
            case 4 when back is 3 or 4 && Vector128.IsHardwareAccelerated:
                PaethPixels(row, above, back);
                return;
            case 4:
                Paeth(row, above, back);
                return;
            default:
                throw new DataException($"PNG row with filter {filter}, expected 0 to 4");
        }
    }

    /// <summary>
    /// Whichever of the three is nearest to left + up - corner; ties in this order.
    /// </summary>
    internal static int Paeth(int left, int up, int corner)
    {
        int a = Math.Abs(up - corner);
        int b = Math.Abs(left - corner);
        int c = Math.Abs(left + up - (2 * corner));
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }

    private static void Sub(Span<byte> row, int back)
    {
        for (int i = back; i < row.Length; i++)
        {
            row[i] += row[i - back];
        }
    }

    private static void Up(Span<byte> row, ReadOnlySpan<byte> above)
    {
        int i = 0;
        for (; i + Vector128<byte>.Count <= row.Length; i += Vector128<byte>.Count)
        {
            (Vector128.Create(row[i..]) + Vector128.Create(above[i..])).CopyTo(row[i..]);
        }
        for (; i < row.Length; i++)
        {
            row[i] += above[i];
        }
    }

    private static void Average(Span<byte> row, ReadOnlySpan<byte> above, int back)
    {
        for (int i = 0; i < Math.Min(back, row.Length); i++)
        {
            row[i] += (byte)(above[i] >> 1);
        }
        for (int i = back; i < row.Length; i++)
        {
            row[i] += (byte)((row[i - back] + above[i]) >> 1);
        }
    }

    private static void Paeth(Span<byte> row, ReadOnlySpan<byte> above, int back)
    {
        for (int start = 0; start < Math.Min(back, row.Length); start++)
        {
            int left = 0, corner = 0;
            for (int i = start; i < row.Length; i += back)
            {
                int up = above[i];
                row[i] += (byte)Paeth(left, up, corner);
                (left, corner) = (row[i], up);
            }
        }
    }

    private static void PaethPixels(Span<byte> row, ReadOnlySpan<byte> above, int back)
    {
        ref byte bytes = ref MemoryMarshal.GetReference(row);
        ref byte before = ref MemoryMarshal.GetReference(above);
        Vector128<short> left = Vector128<short>.Zero, corner = left;
        Vector128<short> byteMask = Vector128.Create((short)0xFF);
        for (int i = 0; i < row.Length; i += back)
        {
            Vector128<short> up = Four(ref Unsafe.Add(ref before, i));
            Vector128<short> toUp = up - corner, toLeft = left - corner;
            Vector128<short> a = Vector128.Abs(toUp), b = Vector128.Abs(toLeft);
            Vector128<short> nearest = Vector128.Min(
                Vector128.Min(a, b), Vector128.Abs(toUp + toLeft));
            Vector128<short> prediction = Vector128.ConditionalSelect(
                Vector128.Equals(nearest, a), left,
                Vector128.ConditionalSelect(Vector128.Equals(nearest, b), up, corner));
            left = (Four(ref Unsafe.Add(ref bytes, i)) + prediction) & byteMask;
            corner = up;
            uint pixel = Vector128.Narrow(left.AsUInt16(), left.AsUInt16()).AsUInt32().ToScalar();
            if (back == 4)
            {
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref bytes, i), pixel);
            }
            else
            {
                // The fourth byte belongs to the next pixel.
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref bytes, i), (ushort)pixel);
                Unsafe.Add(ref bytes, i + 2) = (byte)(pixel >> 16);
            }
        }
    }

    private static Vector128<short> Four(ref byte at) => Vector128.WidenLower(
        Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(ref at)).AsByte()).AsInt16();
}
