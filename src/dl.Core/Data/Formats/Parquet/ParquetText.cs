// Values as the text that a CSV file would hold: what tables are made of. Dates are those of the
// proleptic Gregorian calendar in ISO 8601; a time that the calendar does not reach stays a number.
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Dl.Data.Formats.Parquet;

/// <summary>One cell at a time.</summary>
internal static class ParquetText
{
    /// <summary>Longer unscaled values are no decimals: writing them takes the square.</summary>
    private const int MaxDecimalBytes = 64;

    /// <summary>Julian day of 1970-01-01, from which Int96 counts.</summary>
    private const long JulianEpoch = 2_440_588;

    /// <summary>The text of a value; empty where there is none.</summary>
    public static string Of(ColumnValues column, int row)
    {
        if (column.IsNull(row))
        {
            return "";
        }
        LogicalType logical = column.Column.Logical;
        return column.Values switch
        {
            bool[] values => values[row] ? "true" : "false",
            int[] values => OfInteger(values[row], (uint)values[row], logical),
            long[] values => OfInteger(values[row], (ulong)values[row], logical),
            float[] values => values[row].ToString("R", CultureInfo.InvariantCulture),
            double[] values => values[row].ToString("R", CultureInfo.InvariantCulture),
            _ => OfBytes(column.Bytes(row), column.Column),
        };
    }

    private static string OfInteger(long value, ulong unsigned, LogicalType logical) =>
        logical.Kind switch
        {
            LogicalKind.Integer when !logical.Signed =>
                unsigned.ToString(CultureInfo.InvariantCulture),
            LogicalKind.Decimal => Decimal(value, logical.Scale),
            LogicalKind.Date => Date(value),
            LogicalKind.Time => Time(value, logical.TicksPerSecond),
            LogicalKind.Timestamp => Timestamp(value, logical),
            _ => value.ToString(CultureInfo.InvariantCulture),
        };

    private static string OfBytes(ReadOnlySpan<byte> value, ParquetColumn column)
    {
        if (column.Type == PhysicalType.Int96)
        {
            return Int96(value);
        }
        switch (column.Logical.Kind)
        {
            case LogicalKind.Decimal when value.Length <= MaxDecimalBytes:
                return Decimal(
                    new BigInteger(value, isUnsigned: false, isBigEndian: true),
                    column.Logical.Scale);
            case LogicalKind.Float16:
                return BinaryPrimitives.ReadHalfLittleEndian(value)
                    .ToString("R", CultureInfo.InvariantCulture);
            case LogicalKind.Uuid:
                return new Guid(value, bigEndian: true).ToString();
            case LogicalKind.String:
                return System.Text.Encoding.UTF8.GetString(value);
            default:
                // Older writers left texts without annotation; what is no text is shown as bytes.
                return System.Text.Unicode.Utf8.IsValid(value)
                    ? System.Text.Encoding.UTF8.GetString(value)
                    : "0x" + Convert.ToHexString(value);
        }
    }

    public static string Decimal(BigInteger unscaled, int scale)
    {
        string digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture);
        if (scale > 0)
        {
            digits = digits.PadLeft(scale + 1, '0');
            digits = $"{digits[..^scale]}.{digits[^scale..]}";
        }
        return unscaled.Sign < 0 ? "-" + digits : digits;
    }

    private static string Date(long days) =>
        Calendar(new BigInteger(days) * TimeSpan.TicksPerDay)?.ToString(
            "yyyy-MM-dd", CultureInfo.InvariantCulture)
        ?? days.ToString(CultureInfo.InvariantCulture);

    private static string Time(long value, long perSecond)
    {
        long seconds = Math.DivRem(value, perSecond, out long rest);
        return value < 0 || seconds >= 86_400
            ? value.ToString(CultureInfo.InvariantCulture)
            : TimeSpan.FromSeconds(seconds).ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture)
                + Fraction(rest, perSecond);
    }

    private static string Timestamp(long value, LogicalType logical)
    {
        long seconds = Math.DivRem(value, logical.TicksPerSecond, out long rest);
        if (rest < 0)
        {
            (seconds, rest) = (seconds - 1, rest + logical.TicksPerSecond);
        }
        return Moment(seconds, Fraction(rest, logical.TicksPerSecond), logical.IsUtc)
            ?? value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Nanoseconds of the day in eight bytes, then the Julian day in four.</summary>
    private static string Int96(ReadOnlySpan<byte> value)
    {
        const long perSecond = 1_000_000_000;
        long nanos = BinaryPrimitives.ReadInt64LittleEndian(value);
        long day = BinaryPrimitives.ReadUInt32LittleEndian(value[8..]) - JulianEpoch;
        // Writers count from Julian days as signed numbers when they go far enough back.
        day = day > int.MaxValue ? day - (1L << 32) : day;
        long seconds = Math.DivRem(nanos, perSecond, out long rest);
        if (rest < 0)
        {
            (seconds, rest) = (seconds - 1, rest + perSecond);
        }
        return Moment((day * 86_400) + seconds, Fraction(rest, perSecond), isUtc: false)
            ?? $"0x{Convert.ToHexString(value)}";
    }

    private static string? Moment(long seconds, string fraction, bool isUtc)
    {
        DateTime? moment = Calendar(new BigInteger(seconds) * TimeSpan.TicksPerSecond);
        return moment is null
            ? null
            : moment.Value.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture)
                + fraction + (isUtc ? "Z" : "");
    }

    private static DateTime? Calendar(BigInteger ticks)
    {
        ticks += DateTime.UnixEpoch.Ticks;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks ? null : new DateTime((long)ticks);
    }

    /// <summary>Digits behind the second, without zeros at the end.</summary>
    private static string Fraction(long rest, long perSecond)
    {
        if (rest == 0)
        {
            return "";
        }
        int digits = perSecond switch { 1_000 => 3, 1_000_000 => 6, _ => 9 };
        return "." + rest.ToString("D" + digits, CultureInfo.InvariantCulture).TrimEnd('0');
    }
}
