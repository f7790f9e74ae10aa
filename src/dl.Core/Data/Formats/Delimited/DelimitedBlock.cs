// Some rows of delimited text: the bytes as they were read, and where in them each cell lies. What
// had to be changed, as a doubled quote, is written behind the text, so the text can be cut again.
using Dl.Data.Tables;

namespace Dl.Data.Formats.Delimited;

/// <summary>Where a cell lies.</summary>
internal readonly record struct CellPlace(int Start, int Length);

/// <summary>
/// Rows to be looked at one by one: the members of a row are those of the one at the cursor.
/// Memory: the text and what was changed of it, at most twice its length, and 8 bytes a cell.
/// </summary>
/// <param name="name">File name for messages.</param>
internal sealed class DelimitedBlock(string name) : IRowBlock
{
    private CellPlace[] _cells = new CellPlace[256];
    private (int At, int FirstCell, int Line)[] _rows = new (int, int, int)[64];
    private readonly List<(int Row, int Field)> _points = [];
    private double[] _numbers = [];
    private bool[] _isNumeric = [];

    /// <summary>Cells of every row, where numbers were read; 0: rows differ.</summary>
    private int _width;
    private int _cellCount;
    private int _free;
    private bool _isUtf8;

    /// <summary>The text, and room behind it.</summary>
    public byte[] Bytes { get; private set; } = [];

    /// <summary>Bytes of the text.</summary>
    public int Length { get; private set; }

    /// <summary>The file ends here: a row needs no line end.</summary>
    public bool IsLast { get; private set; }

    /// <summary>
    /// The text before ended with `\r`, so that a `\n` in the first place belongs to that.
    /// </summary>
    public bool FollowsReturn { get; private set; }

    /// <summary>Lines of the file before the text.</summary>
    public int LinesBefore { get; set; }

    public int RowCount { get; private set; }

    /// <summary>Bytes and lines of the rows that are whole.</summary>
    public int Consumed { get; private set; }

    public int Lines { get; private set; }

    /// <summary>The cursor.</summary>
    public int Row { get; set; } = -1;

    public int Count => (uint)Row < (uint)RowCount ? CountOf(Row) : 0;

    public int Line => LinesBefore + _rows[Row].Line + 1;

    public DataException? Problem => IsSound ? null : FindPoint() ?? FindBadByte();

    /// <summary>No row has a problem of its own.</summary>
    public bool IsSound => _isUtf8 && _points.Count == 0;

    /// <summary>Makes room for so many bytes of text.</summary>
    /// <param name="kept">Bytes that stay.</param>
    public byte[] Reserve(int length, int kept = 0)
    {
        int needed = checked(length + Separators.Slack);
        if (Bytes.Length < needed)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(needed);
            Bytes.AsSpan(0, kept).CopyTo(larger);
            Bytes = larger;
        }
        return Bytes;
    }

    /// <summary>Takes over what was written to the reserved bytes.</summary>
    public void Take(int length, bool isLast, bool followsReturn)
    {
        (Length, IsLast, FollowsReturn) = (length, isLast, followsReturn);
        Start();
    }

    /// <summary>Forgets the rows and keeps the text.</summary>
    public void Start()
    {
        (_cellCount, _free, RowCount, Consumed, Lines, Row) = (0, Length, 0, 0, 0, -1);
        _points.Clear();
        _width = 0;
        _isUtf8 = System.Text.Unicode.Utf8.IsValid(Bytes.AsSpan(0, Length));
    }

    public ReadOnlySpan<byte> Utf8Of(int row, int field)
    {
        CellPlace cell = _cells[_rows[row].FirstCell + field];
        return Bytes.AsSpan(cell.Start, cell.Length);
    }

    public ReadOnlySpan<byte> Utf8(int field) => Utf8Of(Row, field);

    public int CountOf(int row) => CellEnd(row) - _rows[row].FirstCell;

    public int LineOf(int row) => LinesBefore + _rows[row].Line + 1;

    /// <summary>A cell of the row that comes next.</summary>
    public void AddCell(int start, int length)
    {
        if (_cellCount == _cells.Length)
        {
            Array.Resize(ref _cells, checked(2 * _cellCount));
        }
        _cells[_cellCount++] = new CellPlace(start, length);
    }

    /// <summary>Room behind the text for a cell that is not as it was written.</summary>
    public Span<byte> Room(int length)
    {
        if (Bytes.Length - _free < length + Separators.Slack)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(
                checked(Math.Max(Bytes.Length + (Bytes.Length / 2), _free + length)
                    + Separators.Slack));
            Bytes.AsSpan(0, _free).CopyTo(larger);
            Bytes = larger;
        }
        return Bytes.AsSpan(_free, length);
    }

    /// <summary>A cell of so many bytes that were written to the room.</summary>
    public void AddChanged(int length)
    {
        AddCell(_free, length);
        _free += length;
    }

    /// <summary>The cell that comes next has a decimal point, where commas are expected.</summary>
    public void MarkPoint(int field) => _points.Add((RowCount, field));

    /// <param name="at">Where its first byte lies.</param>
    /// <param name="end">The first byte behind it and its line end.</param>
    /// <param name="fields">The cells that were added last.</param>
    /// <param name="line">Lines of the text before it.</param>
    /// <param name="linesToEnd">Lines of the text before its end.</param>
    public void AddRow(int at, int end, int fields, int line, int linesToEnd)
    {
        if (RowCount == _rows.Length)
        {
            Array.Resize(ref _rows, checked(2 * RowCount));
        }
        _rows[RowCount++] = (at, _cellCount - fields, line);
        (Consumed, Lines) = (end, linesToEnd);
    }

    /// <summary>Blank lines count too.</summary>
    public void Skip(int end, int linesToEnd) => (Consumed, Lines) = (end, linesToEnd);

    /// <summary>Takes back the cells of a row that is not whole.</summary>
    public void DropCells(int fields) => _cellCount -= fields;

    /// <summary>The row at which a cell is longer than cells may be; -1: none is.</summary>
    public int FindLongCell(int most)
    {
        for (int row = 0; row < RowCount && Length > most; row++)
        {
            for (int cell = _rows[row].FirstCell; cell < CellEnd(row); cell++)
            {
                if (_cells[cell].Length > most)
                {
                    return row;
                }
            }
        }
        return -1;
    }

    /// <summary>
    /// Reads the numbers of the columns that are all numbers, if all rows have as many cells.
    /// </summary>
    public void ReadNumbers()
    {
        _width = RowCount > 0 ? CountOf(0) : 0;
        for (int row = 1; row < RowCount && _width > 0; row++)
        {
            _width = CountOf(row) == _width ? _width : 0;
        }
        _numbers = _numbers.Length < _cellCount ? new double[_cells.Length] : _numbers;
        _isNumeric = _isNumeric.Length < _width ? new bool[_width] : _isNumeric;
        for (int field = 0; field < _width; field++)
        {
            _isNumeric[field] = ReadNumbers(field);
        }
    }

    private bool ReadNumbers(int field)
    {
        Span<double> numbers = _numbers.AsSpan(field * RowCount, RowCount);
        ReadOnlySpan<byte> text = Bytes;
        for (int row = 0, cell = field; row < numbers.Length; row++, cell += _width)
        {
            CellPlace place = _cells[cell];
            ReadOnlySpan<byte> some = text.Slice(place.Start, place.Length);
            if (FastNumber.TryParse(some, out numbers[row]))
            {
                continue;
            }
            CellKind kind = Cell.Read(some, out double number);
            if (kind is not (CellKind.Number or CellKind.Missing))
            {
                return false;
            }
            numbers[row] = kind == CellKind.Number ? number : double.NaN;
        }
        return true;
    }

    public bool HasWidth(int width) => _width == width;

    public bool AppendTo(RawColumn column, int field)
    {
        if (_isNumeric[field] && !column.IsText)
        {
            column.Append(_numbers.AsSpan(field * RowCount, RowCount));
            return true;
        }
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

    private int CellEnd(int row) => row + 1 < RowCount ? _rows[row + 1].FirstCell : _cellCount;

    /// <summary>`1.5` among decimal commas: 1.5, or 15 badly grouped? Nobody can tell.</summary>
    private DataException? FindPoint()
    {
        foreach ((int row, int field) in _points)
        {
            if (row == Row)
            {
                string cell = ((IRow)this)[field];
                return new DataException(
                    $"{name}:{Line}: field {field + 1} is {cell}, a number with a decimal point, "
                    + "expected decimal commas (--decimal comma); write all numbers in one way");
            }
        }
        return null;
    }

    private DataException? FindBadByte()
    {
        int at = _rows[Row].At;
        int end = Row + 1 < RowCount ? _rows[Row + 1].At : Consumed;
        return BadText.Find(Bytes.AsSpan(at, end - at)) is (int lines, int column, byte bad)
            ? BadText.Error(name, Line + lines, column, bad)
            : null;
    }
}
