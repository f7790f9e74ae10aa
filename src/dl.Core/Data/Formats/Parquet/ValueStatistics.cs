// Least and greatest value and the count of nulls, by which readers pass over pages and row groups
// that cannot hold what they look for. The order is that of the type; NaN has no place in it, and
// zero as a bound stands for both zeros (parquet.thrift, struct Statistics and ColumnOrder).
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Dl.Data.Formats.Parquet;

/// <summary>Bounds of the values of a page or chunk.</summary>
/// <param name="Nulls">Missing values.</param>
/// <param name="Min">As PLAIN has it, without the length of a text; empty text: no bytes.</param>
/// <param name="Max">Null, as Min: there is none that could be told.</param>
internal sealed record ValueStatistics(long Nulls, byte[]? Min, byte[]? Max)
{
    /// <summary>Longer bounds are left out: they would weigh more than they help.</summary>
    private const int LongestBound = 128;

    /// <summary>Of the rows of a page, or of a whole row group.</summary>
    /// <param name="start">The first value, counting those that are there.</param>
    /// <param name="count">Values that are there.</param>
    public static ValueStatistics Of(ColumnBuffer column, int start, int count, int rows)
    {
        ReadOnlySpan<byte> values = column.Values(start, count);
        (byte[]? min, byte[]? max) = count == 0 ? default : column.Field.Physical switch
        {
            PhysicalType.Int32 => Bounds<int>(values),
            PhysicalType.Int64 => Bounds<long>(values),
            PhysicalType.Float => Bounds<float>(values),
            PhysicalType.Double => Bounds<double>(values),
            PhysicalType.Boolean => Bounds<byte>(values),
            _ => TextBounds(column, start, count),
        };
        return new ValueStatistics(rows - count, Short(min), Short(max));
    }

    public void Write(ThriftWriter writer, int id)
    {
        writer.Begin(id);
        writer.Int64(3, Nulls);
        if (Max is not null)
        {
            writer.Binary(5, Max);
        }
        if (Min is not null)
        {
            writer.Binary(6, Min);
        }
        if (Max is not null)
        {
            writer.Boolean(7, true);
        }
        if (Min is not null)
        {
            writer.Boolean(8, true);
        }
        writer.End();
    }

    private static (byte[]? Min, byte[]? Max) Bounds<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged, INumber<T>
    {
        bool any = false;
        T min = T.Zero, max = T.Zero;
        foreach (T stored in MemoryMarshal.Cast<byte, T>(bytes))
        {
            T value = BitConverter.IsLittleEndian ? stored : Swapped(stored);
            if (T.IsNaN(value))
            {
                continue;
            }
            min = any && value >= min ? min : value;
            max = any && value <= max ? max : value;
            any = true;
        }
        return any
            ? (Plain(T.IsZero(min) ? NegativeZero<T>() : min), Plain(T.IsZero(max) ? T.Zero : max))
            : default;
    }

    /// <summary>Minus zero, where the type has one.</summary>
    private static T NegativeZero<T>() where T : INumber<T> => -T.Zero;

    private static T Swapped<T>(T value) where T : unmanaged
    {
        MemoryMarshal.AsBytes(new Span<T>(ref value)).Reverse();
        return value;
    }

    private static byte[] Plain<T>(T value) where T : unmanaged
    {
        value = BitConverter.IsLittleEndian ? value : Swapped(value);
        return MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
    }

    /// <summary>Texts are ordered by their bytes, unsigned.</summary>
    private static (byte[] Min, byte[] Max) TextBounds(ColumnBuffer column, int start, int count)
    {
        int min = start, max = start;
        for (int i = start + 1; i < start + count; i++)
        {
            ReadOnlySpan<byte> value = column.Value(i);
            min = value.SequenceCompareTo(column.Value(min)) < 0 ? i : min;
            max = value.SequenceCompareTo(column.Value(max)) > 0 ? i : max;
        }
        return (column.Value(min).ToArray(), column.Value(max).ToArray());
    }

    private static byte[]? Short(byte[]? bound) => bound?.Length <= LongestBound ? bound : null;
}
