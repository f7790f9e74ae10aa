// One column of the row group at hand. Values lie as PLAIN has them, numbers in little-endian, so
// that a page is a slice of them; texts lie one after the other with their ends beside them.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Dl.Data.Formats.Parquet;

/// <summary>Takes the cells of a column, a row after the other.</summary>
internal sealed class ColumnBuffer(ParquetField column)
{
    private static readonly int UnixEpochDay = new DateOnly(1970, 1, 1).DayNumber;

    private byte[] _values = new byte[64];
    private int[] _ends = [];
    private int[] _present = [];
    private int _length;

    public ParquetField Field { get; } = column;

    /// <summary>Rows so far, missing values included.</summary>
    public int Rows { get; private set; }

    /// <summary>Values so far, missing ones left out.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of memory in use.</summary>
    public long Bytes => _length + (4L * Count * (Field.Width == 0 ? 1 : 0))
        + (4L * Rows * (Field.Optional ? 1 : 0));

    public void Add(bool value)
    {
        Debug.Assert(Field.Type == FieldType.Boolean);
        Take(1)[0] = value ? (byte)1 : (byte)0;
    }

    /// <summary>An Int32, or the days of a Date.</summary>
    public void Add(int value)
    {
        Debug.Assert(Field.Physical == PhysicalType.Int32);
        BinaryPrimitives.WriteInt32LittleEndian(Take(sizeof(int)), value);
    }

    /// <summary>An Int64, or the microseconds of a Timestamp.</summary>
    public void Add(long value)
    {
        Debug.Assert(Field.Physical == PhysicalType.Int64);
        BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), value);
    }

    public void Add(float value)
    {
        Debug.Assert(Field.Type == FieldType.Float);
        BinaryPrimitives.WriteSingleLittleEndian(Take(sizeof(float)), value);
    }

    public void Add(double value)
    {
        Debug.Assert(Field.Type == FieldType.Double);
        BinaryPrimitives.WriteDoubleLittleEndian(Take(sizeof(double)), value);
    }

    public void Add(DateOnly value) => Add(value.DayNumber - UnixEpochDay);

    public void Add(DateTimeOffset value) => Add(
        (value.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);

    public void Add(ReadOnlySpan<char> value)
    {
        Debug.Assert(Field.Type == FieldType.String);
        // What is no valid UTF-16 becomes U+FFFD.
        Span<byte> place = Take(Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, place);
    }

    /// <param name="value">UTF-8.</param>
    public void AddUtf8(ReadOnlySpan<byte> value)
    {
        Debug.Assert(Field.Type == FieldType.String);
        value.CopyTo(Take(value.Length));
    }

    public void AddMissing()
    {
        Debug.Assert(Field.Optional);
        AddRow(0);
    }

    public void Clear() => (_length, Rows, Count) = (0, 0, 0);

    /// <summary>1 for a value that is there, 0 for none; empty where none can be missing.</summary>
    public ReadOnlySpan<int> Present(int start, int rows) =>
        Field.Optional ? _present.AsSpan(start, rows) : [];

    /// <summary>A value's bytes; the index counts the values that are there.</summary>
    public ReadOnlySpan<byte> Value(int index) => Field.Width > 0
        ? _values.AsSpan(index * Field.Width, Field.Width)
        : _values.AsSpan(Start(index), _ends[index] - Start(index));

    /// <summary>The bytes of neighbouring values, without what stands between them.</summary>
    public ReadOnlySpan<byte> Values(int start, int count) => Field.Width > 0
        ? _values.AsSpan(start * Field.Width, count * Field.Width)
        : _values.AsSpan(Start(start), Start(start + count) - Start(start));

    private int Start(int index) => index == 0 ? 0 : _ends[index - 1];

    private Span<byte> Take(int bytes)
    {
        if (bytes > _values.Length - _length)
        {
            Array.Resize(ref _values, Size(checked(_length + bytes), _values.Length));
        }
        if (Field.Width == 0)
        {
            if (Count == _ends.Length)
            {
                Array.Resize(ref _ends, Size(Count + 1, _ends.Length));
            }
            _ends[Count] = _length + bytes;
        }
        Count++;
        AddRow(1);
        _length += bytes;
        return _values.AsSpan(_length - bytes, bytes);
    }

    private void AddRow(int present)
    {
        if (Field.Optional)
        {
            if (Rows == _present.Length)
            {
                Array.Resize(ref _present, Size(Rows + 1, _present.Length));
            }
            _present[Rows] = present;
        }
        Rows++;
    }

    private static int Size(int needed, int now) =>
        (int)Math.Min(Array.MaxLength, Math.Max(Math.Max(needed, 16), 2L * now));
}
