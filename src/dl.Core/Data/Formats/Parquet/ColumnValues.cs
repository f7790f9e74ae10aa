// The values of one column in one row group, as they were stored: numbers in arrays of their type,
// texts as bytes or, where the file keeps them in a dictionary, as indices of it.
using System.Globalization;
using System.Numerics;

namespace Dl.Data.Formats.Parquet;

/// <summary>A slot for every row.</summary>
internal sealed class ColumnValues
{
    /// <summary>10^22 is the largest power that is exact.</summary>
    private const int MostScale = 22;

    private const long MostExact = 1L << 53;

    private Array? _values;

    /// <param name="column">Its column.</param>
    /// <param name="values">
    /// bool[], int[], long[], float[], double[], or, for bytes of any kind (Int96 too),
    /// ReadOnlyMemory&lt;byte&gt;[]. Where there is no value stands the type's default.
    /// </param>
    /// <param name="valid">Which rows have a value; null where all have.</param>
    public ColumnValues(ParquetColumn column, Array values, bool[]? valid)
    {
        (Column, _values, Valid, Count) = (column, values, valid, values.Length);
    }

    /// <param name="column">A column of bytes.</param>
    /// <param name="codes">Indices of the dictionary; 0 where there is no value.</param>
    /// <param name="dictionary">Distinct values, as a rule.</param>
    /// <param name="valid">Which rows have a value; null where all have.</param>
    public ColumnValues(
        ParquetColumn column, int[] codes, ReadOnlyMemory<byte>[] dictionary, bool[]? valid)
    {
        (Column, Valid, Count) = (column, valid, codes.Length);
        (Codes, Dictionary) = (codes, dictionary);
    }

    public ParquetColumn Column { get; }

    public bool[]? Valid { get; }

    public int Count { get; }

    /// <summary>Null: the values are not kept in a dictionary, or not all of them.</summary>
    public int[]? Codes { get; }

    public ReadOnlyMemory<byte>[] Dictionary { get; } = [];

    public Array Values
    {
        get
        {
            if (_values is null)
            {
                var values = new ReadOnlyMemory<byte>[Count];
                Gather(Codes, Dictionary, values);
                for (int row = 0; Valid is not null && row < Count; row++)
                {
                    values[row] = Valid[row] ? values[row] : default;
                }
                _values = values;
            }
            return _values;
        }
    }

    /// <summary>Whether every value is a number, or not a number (NaN).</summary>
    public bool IsNumber => _values is float[] or double[]
        || (_values is int[] or long[] && Column.Logical.Kind
            is LogicalKind.None or LogicalKind.Integer or LogicalKind.Decimal);

    private bool IsUnsigned => Column.Logical is { Kind: LogicalKind.Integer, Signed: false };

    public bool IsNull(int row) => Valid is not null && !Valid[row];

    public ReadOnlySpan<T> As<T>() => (T[])Values;

    public ReadOnlySpan<byte> Bytes(int row) =>
        (Codes is null ? As<ReadOnlyMemory<byte>>()[row] : Dictionary[Codes[row]]).Span;

    /// <summary>The number of a row, NaN where it has none; only where all are numbers.</summary>
    public double Number(int row) => IsNull(row) ? double.NaN : _values switch
    {
        double[] values => values[row],
        float[] values => values[row],
        int[] values => Integer(values[row], (uint)values[row]),
        long[] values => Integer(values[row], (ulong)values[row]),
        _ => throw new InvalidOperationException(Column.Name),
    };

    /// <summary>The numbers from a row on; only where all are numbers.</summary>
    public void ReadNumbers(int start, Span<double> numbers)
    {
        bool isPlain = Column.Logical.Kind != LogicalKind.Decimal && !IsUnsigned;
        switch (_values)
        {
            case double[] values:
                values.AsSpan(start, numbers.Length).CopyTo(numbers);
                break;
            case float[] values:
                Convert(values.AsSpan(start, numbers.Length), numbers);
                break;
            case int[] values when isPlain:
                Convert(values.AsSpan(start, numbers.Length), numbers);
                break;
            case long[] values when isPlain:
                Convert(values.AsSpan(start, numbers.Length), numbers);
                break;
            default:
                for (int i = 0; i < numbers.Length; i++)
                {
                    numbers[i] = Number(start + i);
                }
                break;
        }
        for (int i = 0; Valid is not null && i < numbers.Length; i++)
        {
            numbers[i] = Valid[start + i] ? numbers[i] : double.NaN;
        }
    }

    /// <summary>Values by their indices.</summary>
    public static void Gather(
        ReadOnlySpan<int> codes, ReadOnlyMemory<byte>[] dictionary,
        Span<ReadOnlyMemory<byte>> values)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            values[i] = dictionary.Length == 0 ? default : dictionary[codes[i]];
        }
    }

    private double Integer(long value, ulong unsigned)
    {
        if (Column.Logical.Kind != LogicalKind.Decimal)
        {
            return IsUnsigned ? unsigned : value;
        }
        // One division of exact numbers is rounded once, as reading the decimal text would be.
        int scale = Column.Logical.Scale;
        return scale <= MostScale && value is >= -MostExact and <= MostExact
            ? value / FastNumber.PowerOfTen(scale)
            : double.Parse(ParquetText.Decimal(value, scale), CultureInfo.InvariantCulture);
    }

    private static void Convert<T>(ReadOnlySpan<T> values, Span<double> numbers)
        where T : struct, INumber<T>
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = double.CreateTruncating(values[i]);
        }
    }
}
