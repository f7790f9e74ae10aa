// The cells of one column in one block, exactly and in few bytes. In this order, what fits first:
//   scaled   value = (least + u) / 10^d, u in 0 to 4 bytes: whole numbers, prices, constants
//   single   32-bit floats
//   wide     as scaled, in 5 to 7 bytes
//   double   64 bits as they are
//   codes    texts alone: code = least + u, in 0 to 4 bytes
// Where cells are missing, u = 0 stands for them, and the others are one higher. All widths are
// fixed, so any run of cells can be read alone. That a value comes back to the bit is proven for
// each of them when it is written: -0 and what has too many digits fail that proof.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dl.Data.Tables.Storage;

/// <summary>Writes and reads chunks: <see cref="CellValue"/>s of one column.</summary>
internal static class ChunkCodec
{
    /// <summary>Kind, width, decimals, gaps (a byte each), and the least value.</summary>
    public const int HeaderBytes = 12;

    /// <summary>Bytes that must be readable behind a chunk.</summary>
    public const int Padding = 8;

    private const int MaxDecimals = 12;

    /// <summary>2^53: whole numbers up to here are exact.</summary>
    private const double MaxExact = 9007199254740992;

    private static readonly double[] Powers =
        [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

    private enum Kind : byte
    {
        Scaled,
        Codes,
        Single,
        Double,
    }

    public static int MaxBytes(int cells) => checked(HeaderBytes + (cells * sizeof(double)));

    /// <summary>Writes the cells; <paramref name="chunk"/> has room for MaxBytes.</summary>
    /// <returns>Bytes written.</returns>
    public static int Encode(ReadOnlySpan<double> cells, Span<byte> chunk)
    {
        Content content = Look(cells);
        if (content is { HasText: true, HasNumber: false })
        {
            return EncodeCodes(cells, chunk, content.HasGap);
        }
        if (content.HasText)
        {
            return EncodeDoubles(cells, chunk);
        }
        if (!content.HasNumber)
        {
            WriteHeader(chunk, Kind.Scaled, 0, 0, true, 0);
            return HeaderBytes;
        }
        Span<byte> body = chunk[HeaderBytes..];
        int decimals = Decimals(cells);
        bool scaled = decimals >= 0;
        (int width, long least) = scaled ? Range(cells, decimals, content.HasGap) : (8, 0);
        if (width > 4 && EncodeSingles(cells, body))
        {
            WriteHeader(chunk, Kind.Single, sizeof(float), 0, content.HasGap, 0);
            return HeaderBytes + (cells.Length * sizeof(float));
        }
        if (width > 7 || !EncodeScaled(cells, body, decimals, width, least, content.HasGap))
        {
            return EncodeDoubles(cells, chunk);
        }
        WriteHeader(chunk, Kind.Scaled, width, decimals, content.HasGap, least);
        return HeaderBytes + (cells.Length * width);
    }

    /// <summary>Reads a run of cells.</summary>
    /// <param name="chunk">
    /// Starts with the chunk and goes at least <see cref="Padding"/> bytes beyond its end.
    /// </param>
    public static void Decode(ReadOnlySpan<byte> chunk, int from, Span<double> cells)
    {
        var kind = (Kind)chunk[0];
        ReadOnlySpan<byte> body = chunk[HeaderBytes..];
        switch (kind)
        {
            case Kind.Double:
                MemoryMarshal.Cast<byte, double>(
                    body.Slice(from * sizeof(double), cells.Length * sizeof(double))).CopyTo(cells);
                break;
            case Kind.Single:
                ReadOnlySpan<float> singles = MemoryMarshal.Cast<byte, float>(
                    body.Slice(from * sizeof(float), cells.Length * sizeof(float)));
                for (int i = 0; i < cells.Length; i++)
                {
                    // Through the constant, so that a gap comes back with its own bits.
                    cells[i] = float.IsNaN(singles[i]) ? double.NaN : singles[i];
                }
                break;
            default:
                DecodeInteger(
                    body, from, cells, chunk[1], kind == Kind.Codes ? -1 : chunk[2], chunk[3] != 0,
                    BinaryPrimitives.ReadInt64LittleEndian(chunk[4..]));
                break;
        }
    }

    private readonly record struct Content(bool HasNumber, bool HasText, bool HasGap);

    private static Content Look(ReadOnlySpan<double> cells)
    {
        bool number = false, text = false, gap = false;
        foreach (double cell in cells)
        {
            if (!double.IsNaN(cell))
            {
                number = true;
            }
            else if (CellValue.IsText(cell))
            {
                text = true;
            }
            else
            {
                gap = true;
            }
        }
        return new Content(number, text, gap);
    }

    /// <summary>
    /// The fewest decimals with which every number can be written; -1: too many. What can be
    /// written with d can be with d + 1: it is the same quotient, and so rounds to the same bits.
    /// </summary>
    private static int Decimals(ReadOnlySpan<double> cells)
    {
        int decimals = 0;
        foreach (double cell in cells)
        {
            if (double.IsNaN(cell))
            {
                continue;
            }
            while (!IsScaled(cell, Powers[decimals], out _))
            {
                if (++decimals > MaxDecimals)
                {
                    return -1;
                }
            }
        }
        return decimals;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsScaled(double cell, double power, out double whole)
    {
        // Whole numbers have no -0.
        whole = Math.Round(cell * power) + 0.0;
        return Math.Abs(whole) < MaxExact && BitConverter.DoubleToInt64Bits(whole / power)
            == BitConverter.DoubleToInt64Bits(cell);
    }

    /// <summary>Bytes a cell, and the least whole number.</summary>
    private static (int Width, long Least) Range(
        ReadOnlySpan<double> cells, int decimals, bool gaps)
    {
        double least = double.PositiveInfinity, most = double.NegativeInfinity;
        foreach (double cell in cells)
        {
            // Comparisons with NaN are false.
            least = cell < least ? cell : least;
            most = cell > most ? cell : most;
        }
        IsScaled(least, Powers[decimals], out double from);
        IsScaled(most, Powers[decimals], out double to);
        ulong range = (ulong)((long)to - (long)from) + (gaps ? 1u : 0);
        return (Bytes(range), (long)from);
    }

    private static int Bytes(ulong range) => (64 - (int)ulong.LeadingZeroCount(range) + 7) / 8;

    /// <summary>False: a number does not come back to the bit.</summary>
    private static bool EncodeScaled(
        ReadOnlySpan<double> cells, Span<byte> body, int decimals, int width, long least, bool gaps)
    {
        double power = Powers[decimals];
        ulong first = gaps ? 1u : 0;
        for (int i = 0; i < cells.Length; i++)
        {
            ulong u = 0;
            if (!double.IsNaN(cells[i]))
            {
                if (!IsScaled(cells[i], power, out double whole))
                {
                    return false;
                }
                u = (ulong)((long)whole - least) + first;
            }
            Put(body, i, width, u);
        }
        return true;
    }

    private static int EncodeCodes(ReadOnlySpan<double> cells, Span<byte> chunk, bool gaps)
    {
        int least = int.MaxValue, most = int.MinValue;
        foreach (double cell in cells)
        {
            if (CellValue.IsText(cell))
            {
                int code = CellValue.Code(cell);
                (least, most) = (Math.Min(least, code), Math.Max(most, code));
            }
        }
        ulong first = gaps ? 1u : 0;
        int width = Bytes((ulong)((long)most - least) + first);
        Span<byte> body = chunk[HeaderBytes..];
        for (int i = 0; i < cells.Length; i++)
        {
            ulong u = CellValue.IsText(cells[i])
                ? (ulong)((long)CellValue.Code(cells[i]) - least) + first
                : 0;
            Put(body, i, width, u);
        }
        WriteHeader(chunk, Kind.Codes, width, 0, gaps, least);
        return HeaderBytes + (cells.Length * width);
    }

    private static bool EncodeSingles(ReadOnlySpan<double> cells, Span<byte> body)
    {
        Span<float> singles = MemoryMarshal.Cast<byte, float>(body)[..cells.Length];
        for (int i = 0; i < cells.Length; i++)
        {
            singles[i] = (float)cells[i];
            bool same = double.IsNaN(cells[i]) || BitConverter.DoubleToInt64Bits(singles[i])
                == BitConverter.DoubleToInt64Bits(cells[i]);
            if (!same)
            {
                return false;
            }
        }
        return true;
    }

    private static int EncodeDoubles(ReadOnlySpan<double> cells, Span<byte> chunk)
    {
        WriteHeader(chunk, Kind.Double, sizeof(double), 0, false, 0);
        MemoryMarshal.AsBytes(cells).CopyTo(chunk[HeaderBytes..]);
        return HeaderBytes + (cells.Length * sizeof(double));
    }

    private static void WriteHeader(
        Span<byte> chunk, Kind kind, int width, int decimals, bool gaps, long least)
    {
        (chunk[0], chunk[1], chunk[2]) = ((byte)kind, (byte)width, (byte)decimals);
        chunk[3] = gaps ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64LittleEndian(chunk[4..], least);
    }

    private static void Put(Span<byte> body, int index, int width, ulong value)
    {
        int at = index * width;
        for (int i = 0; i < width; i++)
        {
            body[at + i] = (byte)(value >> (8 * i));
        }
    }

    /// <param name="decimals">-1: codes of texts.</param>
    private static void DecodeInteger(
        ReadOnlySpan<byte> body, int from, Span<double> cells, int width, int decimals, bool gaps,
        long least)
    {
        ulong mask = width == 0 ? 0 : ulong.MaxValue >> (64 - (8 * width));
        long first = least - (gaps ? 1 : 0);
        double power = decimals > 0 ? Powers[decimals] : 1;
        for (int i = 0; i < cells.Length; i++)
        {
            // Eight bytes whatever the width; what is too many is masked out.
            ulong u = BinaryPrimitives.ReadUInt64LittleEndian(body[((from + i) * width)..]) & mask;
            long whole = first + (long)u;
            cells[i] = gaps && u == 0 ? double.NaN
                : decimals < 0 ? CellValue.OfText((int)whole)
                : decimals == 0 ? whole
                : whole / power;
        }
    }
}
