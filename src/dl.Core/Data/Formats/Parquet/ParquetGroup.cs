// A row group as rows and as columns of a table. A column is decoded when it is asked for, so those
// that nobody wants cost nothing, readable or not; those that are going to be taken one after the
// other are decoded ahead, on whatever processors are free.
using System.Text;
using Dl.Data.Tables;

namespace Dl.Data.Formats.Parquet;

/// <summary>Rows of one group; the cursor stands before the first.</summary>
/// <param name="file">Where they come from.</param>
/// <param name="group">Index of the row group.</param>
/// <param name="linesBefore">Rows of the groups before it.</param>
internal sealed class ParquetGroup(ParquetFile file, int group, int linesBefore) : IRowBlock
{
    /// <summary>Numbers that are converted together.</summary>
    private const int Some = 1024;

    /// <summary>Columns that are decoded before they are taken.</summary>
    private static readonly int Ahead = Math.Min(Environment.ProcessorCount - 1, 8);

    private readonly Task<ColumnValues>?[] _columns = new Task<ColumnValues>?[file.Columns.Count];

    private int[] _expected = [];
    private int _taken;

    public int LinesBefore => linesBefore;

    public int RowCount { get; } = (int)file.RowGroups[group].Rows;

    public int Row { get; set; } = -1;

    public int Count => _columns.Length;

    public int Line => linesBefore + Row + 1;

    public DataException? Problem => null;

    public bool IsSound => true;

    public bool HasWidth(int width) => width == Count;

    public ReadOnlySpan<byte> Utf8(int field)
    {
        ColumnValues column = Column(field);
        return column.IsNull(Row) ? default
            : column.Column.Logical.Kind == LogicalKind.String
                ? Blanks.Trim(column.Bytes(Row))
            : Encoding.UTF8.GetBytes(ParquetText.Of(column, Row));
    }

    public CellKind Kind(int field, out double number)
    {
        ColumnValues column = Column(field);
        if (!column.IsNumber)
        {
            return Cell.Read(Utf8(field), out number);
        }
        number = column.Number(Row);
        return Cell.Kind(number);
    }

    public void Expect(int[] fields) => (_expected, _taken) = (fields, 0);

    public bool AppendTo(RawColumn column, int field)
    {
        DecodeAhead();
        ColumnValues values = Column(field);
        bool done = values.IsNumber ? AppendNumbers(column, values)
            : values.Codes is { } codes
                ? AppendCoded(column, field, codes, values.Dictionary.Length)
            : values.Values is bool[] flags
                ? AppendCoded(column, field, Array.ConvertAll(flags, flag => flag ? 1 : 0), 2)
            : AppendCells(column, field);
        // The file keeps it; rows that are asked for one by one after all read it again.
        _columns[field] = null;
        return done;
    }

    /// <summary>Waits for what is being decoded.</summary>
    public void Close()
    {
        foreach (Task<ColumnValues>? column in _columns)
        {
            // What is wrong with a column that nobody took is nobody's business.
            _ = column is null ? null : Task.WhenAny(column).Result.Exception;
        }
    }

    /// <summary>A failure is kept: rows that are left out one by one ask again.</summary>
    /// <exception cref="DataException">The column's part of the file cannot be read.</exception>
    private ColumnValues Column(int field)
    {
        Task<ColumnValues> column = _columns[field] ??= Decode(field);
        return column.GetAwaiter().GetResult();
    }

    private void DecodeAhead()
    {
        int end = Math.Min(++_taken + Ahead, _expected.Length);
        for (int i = _taken; i < end; i++)
        {
            int field = _expected[i];
            _columns[field] ??= Task.Run(() => file.Read(group, field));
        }
    }

    private Task<ColumnValues> Decode(int field)
    {
        var decoding = new Task<ColumnValues>(() => file.Read(group, field));
        decoding.RunSynchronously();
        return decoding;
    }

    private bool AppendNumbers(RawColumn column, ColumnValues values)
    {
        Span<double> numbers = stackalloc double[Some];
        for (int start = 0; start < RowCount; start += Some)
        {
            Span<double> some = numbers[..Math.Min(Some, RowCount - start)];
            values.ReadNumbers(start, some);
            if (HasInfinity(some))
            {
                column.RemoveLast(start);
                return false;
            }
            column.Append(some);
        }
        return true;
    }

    private static bool HasInfinity(ReadOnlySpan<double> numbers) =>
        numbers.IndexOfAny(double.PositiveInfinity, double.NegativeInfinity) >= 0;

    private bool AppendCells(RawColumn column, int field)
    {
        for (Row = 0; Row < RowCount; Row++)
        {
            if (!column.Append(this, field))
            {
                column.RemoveLast(Row);
                return false;
            }
        }
        return true;
    }

    /// <summary>
    /// A text of the dictionary is looked for in the column once, and then known by its code.
    /// </summary>
    private bool AppendCoded(RawColumn column, int field, int[] codes, int distinct)
    {
        var known = new int[distinct];
        known.AsSpan().Fill(-1);
        ColumnValues values = Column(field);
        for (Row = 0; Row < RowCount; Row++)
        {
            int code = codes[Row];
            if (known[code] >= 0 && !values.IsNull(Row))
            {
                column.AppendCode(known[code]);
                continue;
            }
            if (!column.Append(this, field))
            {
                column.RemoveLast(Row);
                return false;
            }
            if (!values.IsNull(Row) && column.TryFind(this, field, out int text))
            {
                known[code] = text;
            }
        }
        return true;
    }
}
