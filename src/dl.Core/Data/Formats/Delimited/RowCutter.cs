// Cuts text into rows and cells. Blanks around a cell are none of it; blank lines are no rows; rows
// end with `\n`, `\r\n` or `\r`; the rules of quotes are those of QuotedField.
namespace Dl.Data.Formats.Delimited;

/// <summary>How the text is written.</summary>
/// <param name="Delimiter">An ASCII character.</param>
/// <param name="DecimalComma">Numbers are written `1,5`; they become `1.5`.</param>
internal readonly record struct Dialect(byte Delimiter, bool DecimalComma);

/// <summary>Finds the rows of one block.</summary>
internal ref struct RowCutter
{
    private readonly DelimitedBlock _block;
    private readonly Dialect _dialect;
    private readonly int _length;

    /// <summary>Stays where it is when the block makes more room: it is only read.</summary>
    private readonly ReadOnlySpan<byte> _text;
    private Separators _separators;
    private int _fields;
    private int _lines;

    private RowCutter(DelimitedBlock block, Dialect dialect)
    {
        (_block, _dialect, _length) = (block, dialect, block.Length);
        _text = block.Bytes.AsSpan(0, _length);
        _separators = new Separators(block.Bytes, _length, dialect.Delimiter);
    }

    /// <summary>
    /// Finds all rows that are whole; behind them may lie the beginning of one whose quotes are not
    /// closed in this block.
    /// </summary>
    public static void Cut(DelimitedBlock block, Dialect dialect) =>
        new RowCutter(block, dialect).Cut();

    private void Cut()
    {
        int at = _block.FollowsReturn && _length > 0 && _text[0] == '\n' ? 1 : 0;
        _block.Skip(at, 0);
        _separators.Seek(at);
        while (at < _length)
        {
            byte first = _text[at];
            if (first is (byte)'\n' or (byte)'\r')
            {
                at = EndLine(_separators.Next());
                _block.Skip(at, _lines);
                continue;
            }
            int line = _lines;
            int end = CutRow(at);
            if (end < 0)
            {
                _block.DropCells(_fields);
                return;
            }
            _block.AddRow(at, end, _fields, line, _lines);
            at = end;
        }
    }

    /// <returns>The first byte behind the row; -1: it is not whole.</returns>
    private int CutRow(int at)
    {
        _fields = 0;
        while (true)
        {
            int stop = CutField(at);
            if (stop >= _length)
            {
                return stop == _length && _block.IsLast ? _length : -1;
            }
            if (_text[stop] != _dialect.Delimiter)
            {
                return EndLine(stop);
            }
            at = stop + 1;
        }
    }

    /// <returns>
    /// Where its separator stands, or the length of the text; more: it is not whole.
    /// </returns>
    private int CutField(int at)
    {
        int start = at;
        while (start < _length && _text[start] == ' ')
        {
            start++;
        }
        if (start < _length && _text[start] == '"')
        {
            return CutQuoted(start);
        }
        int stop = _separators.Next();
        int end = stop;
        while (end > start && _text[end - 1] == ' ')
        {
            end--;
        }
        Add(start, end - start);
        return stop;
    }

    private int CutQuoted(int start)
    {
        int stop = QuotedField.End(_text, start, _dialect.Delimiter, out int close);
        if (close < 0 && !_block.IsLast)
        {
            return int.MaxValue;
        }
        ReadOnlySpan<byte> field = _text[start..stop];
        _lines += LinesIn(field);
        field = field.TrimEnd((byte)' ');
        if (QuotedField.IsPlain(field))
        {
            Add(start + 1, field.Length - 2);
        }
        else
        {
            Span<byte> room = _block.Room(field.Length);
            AddChanged(room, QuotedField.Write(field, close < 0 ? close : close - start, room));
        }
        _separators.Seek(stop);
        _separators.Next();
        return stop;
    }

    private void Add(int start, int length)
    {
        if (_dialect.DecimalComma && _text.Slice(start, length).ContainsAny(",."u8))
        {
            Span<byte> room = _block.Room(length);
            _text.Slice(start, length).CopyTo(room);
            AddChanged(room, length);
            return;
        }
        _block.AddCell(start, length);
        _fields++;
    }

    /// <summary>A cell that lies behind the text.</summary>
    private void AddChanged(Span<byte> room, int length)
    {
        if (_dialect.DecimalComma
            && DecimalComma.Read(room[..length], room, ref length) == CommaCell.Point)
        {
            _block.MarkPoint(_fields);
        }
        _block.AddChanged(length);
        _fields++;
    }

    /// <returns>The first byte behind the line end that starts here.</returns>
    private int EndLine(int stop)
    {
        _lines++;
        bool two = _text[stop] == '\r' && stop + 1 < _length && _text[stop + 1] == '\n';
        if (two)
        {
            _separators.Next();
        }
        return stop + (two ? 2 : 1);
    }

    private static int LinesIn(ReadOnlySpan<byte> field)
    {
        int lines = field.Count((byte)'\n');
        for (int at = field.IndexOf((byte)'\r'); at >= 0;)
        {
            field = field[(at + 1)..];
            lines += field is [(byte)'\n', ..] ? 0 : 1;
            at = field.IndexOf((byte)'\r');
        }
        return lines;
    }
}
