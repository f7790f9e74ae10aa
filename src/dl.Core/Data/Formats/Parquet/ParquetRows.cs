// A Parquet file as rows of texts, for tables. A column of a row group is decoded when the first of
// its cells is asked for, so columns that nobody wants cost nothing, readable or not.
using System.Text;
using Dl.Data.Tables;

namespace Dl.Data.Formats.Parquet;

/// <summary>Rows in the file's order; `Line` counts rows from 1.</summary>
internal sealed class ParquetRows : IRowReader
{
    private readonly ParquetFile _file;
    private readonly string[] _names;
    private readonly ColumnValues?[] _columns;
    private readonly DataException?[] _failures;
    private int _group = -1;
    private int _row = -1;
    private long _rowsInGroup;

    /// <param name="stream">The file, which has to seek; disposed with the reader.</param>
    /// <param name="name">File name for messages.</param>
    public ParquetRows(Stream stream, string name)
    {
        Name = name;
        _file = ParquetFile.Open(stream, name);
        _names = [.. _file.Columns.Select(c => c.Name)];
        _columns = new ColumnValues?[_names.Length];
        _failures = new DataException?[_names.Length];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? twice = Array.Find(_names, n => !seen.Add(n));
        if (twice is not null)
        {
            _file.Dispose();
            throw new DataException(
                $"{name}: column '{twice}' is there twice, expected distinct names; rename or "
                + "remove one");
        }
    }

    public string Name { get; }

    public IReadOnlyList<string>? Names => _names;

    public bool Sparse => false;

    public int Count => _names.Length;

    public int Line { get; private set; }

    public DataException? Problem => null;

    /// <exception cref="DataException">The column's part of the file cannot be read.</exception>
    public ReadOnlySpan<byte> Utf8(int field)
    {
        ColumnValues column = Column(field);
        return column.IsNull(_row) ? default
            : column.Column.Logical.Kind == LogicalKind.String
                ? Blanks.Trim(column.As<ReadOnlyMemory<byte>>()[_row].Span)
            : Encoding.UTF8.GetBytes(ParquetText.Of(column, _row));
    }

    /// <exception cref="DataException">The column's part of the file cannot be read.</exception>
    public CellKind Kind(int field, out double number)
    {
        ColumnValues column = Column(field);
        if (!column.IsNumber)
        {
            return Cell.Read(Utf8(field), out number);
        }
        number = column.IsNull(_row) ? double.NaN : column.Number(_row);
        return Cell.Kind(number);
    }

    /// <summary>
    /// Whether this is Parquet: by its first bytes where the stream can go back, else by name.
    /// </summary>
    public static bool Detect(Stream stream, string name)
    {
        if (Path.GetExtension(InputFile.PlainName(name)) == ".parquet")
        {
            return true;
        }
        if (!stream.CanSeek)
        {
            return false;
        }
        Span<byte> head = stackalloc byte[4];
        long start = stream.Position;
        int read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        stream.Position = start;
        return ParquetFile.Detect(head[..read]);
    }

    public bool Read()
    {
        if (_row + 1 < _rowsInGroup)
        {
            _row++;
            Line++;
            return true;
        }
        while (++_group < _file.RowGroups.Count)
        {
            Array.Clear(_columns);
            Array.Clear(_failures);
            _rowsInGroup = _file.RowGroups[_group].Rows;
            if (_rowsInGroup > 0)
            {
                _row = 0;
                Line++;
                return true;
            }
        }
        _rowsInGroup = 0;
        return false;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>A failure is kept: rows that are left out one by one ask again.</summary>
    private ColumnValues Column(int field)
    {
        if (_failures[field] is { } known)
        {
            throw new DataException(known.Message, known);
        }
        try
        {
            return _columns[field] ??= _file.Read(_group, field);
        }
        catch (DataException failure)
        {
            _failures[field] = failure;
            throw;
        }
    }
}
