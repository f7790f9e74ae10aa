// What values mean: the union LogicalType of parquet.thrift, and the older ConvertedType that it
// replaced. A meaning that is not known here leaves the physical type to speak for itself.
namespace Dl.Data.Formats.Parquet;

/// <summary>Reads and translates logical types.</summary>
internal static class LogicalTypes
{
    private const long Millis = 1_000, Micros = 1_000_000, Nanos = 1_000_000_000;

    /// <summary>The union behind its field head; null for an unknown member.</summary>
    public static LogicalType? Read(ref ThriftReader reader)
    {
        LogicalType? logical = null;
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            if (type != ThriftType.Struct)
            {
                reader.Skip(type);
                continue;
            }
            LogicalKind kind = Kind(id);
            LogicalType members = ReadMembers(ref reader, kind);
            logical = kind == LogicalKind.None ? null : members;
        }
        return logical;
    }

    /// <summary>The older annotation, by its number; -1 is none.</summary>
    public static LogicalType FromConverted(SchemaElement element) => element.Converted switch
    {
        0 or 4 or 19 => new(LogicalKind.String),
        5 => new(LogicalKind.Decimal, element.Scale, element.Precision),
        6 => new(LogicalKind.Date),
        7 => new(LogicalKind.Time, TicksPerSecond: Millis),
        8 => new(LogicalKind.Time, TicksPerSecond: Micros),
        9 => new(LogicalKind.Timestamp, TicksPerSecond: Millis, IsUtc: true),
        10 => new(LogicalKind.Timestamp, TicksPerSecond: Micros, IsUtc: true),
        >= 11 and <= 14 => new(
            LogicalKind.Integer, Bits: 8 << (element.Converted - 11), Signed: false),
        >= 15 and <= 18 => new(LogicalKind.Integer, Bits: 8 << (element.Converted - 15)),
        21 => new(LogicalKind.Interval),
        _ => default,
    };

    /// <summary>A meaning that does not fit the stored type is none.</summary>
    public static bool Fits(LogicalType logical, PhysicalType type, int width) =>
        logical.Kind switch
        {
            LogicalKind.String => type is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray,
            LogicalKind.Decimal => logical.Scale is >= 0 and <= 200 && type
                is PhysicalType.Int32 or PhysicalType.Int64
                or PhysicalType.ByteArray or PhysicalType.FixedLenByteArray,
            LogicalKind.Date => type == PhysicalType.Int32,
            LogicalKind.Time => logical.TicksPerSecond > 0
                && type is PhysicalType.Int32 or PhysicalType.Int64,
            LogicalKind.Timestamp => logical.TicksPerSecond > 0 && type == PhysicalType.Int64,
            LogicalKind.Integer => type is PhysicalType.Int32 or PhysicalType.Int64,
            LogicalKind.Float16 => type == PhysicalType.FixedLenByteArray && width == 2,
            LogicalKind.Uuid => type == PhysicalType.FixedLenByteArray && width == 16,
            LogicalKind.Interval => type == PhysicalType.FixedLenByteArray && width == 12,
            _ => true,
        };

    private static LogicalKind Kind(int id) => id switch
    {
        1 or 4 or 12 => LogicalKind.String,
        5 => LogicalKind.Decimal,
        6 => LogicalKind.Date,
        7 => LogicalKind.Time,
        8 => LogicalKind.Timestamp,
        10 => LogicalKind.Integer,
        11 => LogicalKind.Null,
        14 => LogicalKind.Uuid,
        15 => LogicalKind.Float16,
        _ => LogicalKind.None,
    };

    private static LogicalType ReadMembers(ref ThriftReader reader, LogicalKind kind)
    {
        var logical = new LogicalType(kind);
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            switch ((kind, id))
            {
                case (LogicalKind.Decimal, 1):
                    logical = logical with { Scale = reader.Int32(type) };
                    break;
                case (LogicalKind.Decimal, 2):
                    logical = logical with { Precision = reader.Int32(type) };
                    break;
                case (LogicalKind.Time or LogicalKind.Timestamp, 1):
                    logical = logical with { IsUtc = ThriftReader.Boolean(type) };
                    break;
                case (LogicalKind.Time or LogicalKind.Timestamp, 2):
                    ThriftReader.Require(type, ThriftType.Struct);
                    logical = logical with { TicksPerSecond = ReadUnit(ref reader) };
                    break;
                case (LogicalKind.Integer, 1):
                    logical = logical with { Bits = reader.Int32(type) };
                    break;
                case (LogicalKind.Integer, 2):
                    logical = logical with { Signed = ThriftReader.Boolean(type) };
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        return logical;
    }

    private static long ReadUnit(ref ThriftReader reader)
    {
        long unit = 0;
        int id = 0;
        while (reader.Next(ref id, out ThriftType type))
        {
            unit = id switch { 1 => Millis, 2 => Micros, 3 => Nanos, _ => 0 };
            reader.Skip(type);
        }
        return unit;
    }
}
