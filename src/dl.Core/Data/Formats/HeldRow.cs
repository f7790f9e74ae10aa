// A row that is kept while its reader goes on: the first rows of a file, from which it is told
// whether they begin with names.
using Dl.Data.Tables;

namespace Dl.Data.Formats;

/// <summary>A copy of a reader's current row.</summary>
internal sealed class HeldRow : IRow
{
    private readonly byte[] _text;
    private readonly (int End, CellKind Kind, double Number)[] _cells;

    public HeldRow(IRowReader reader)
    {
        (Line, Problem) = (reader.Line, reader.Problem);
        _cells = new (int, CellKind, double)[reader.Count];
        Fields = reader.Row();
        int length = 0;
        for (int i = 0; i < _cells.Length; i++)
        {
            length += reader.Utf8(i).Length;
        }
        _text = new byte[length];
        int end = 0;
        for (int i = 0; i < _cells.Length; i++)
        {
            ReadOnlySpan<byte> text = reader.Utf8(i);
            text.CopyTo(_text.AsSpan(end));
            end += text.Length;
            CellKind kind = reader.Kind(i, out double number);
            _cells[i] = (end, kind, number);
        }
    }

    public string[] Fields { get; }

    public int Count => _cells.Length;

    public int Line { get; }

    public DataException? Problem { get; }

    public ReadOnlySpan<byte> Utf8(int field)
    {
        int start = field == 0 ? 0 : _cells[field - 1].End;
        return _text.AsSpan(start, _cells[field].End - start);
    }

    public CellKind Kind(int field, out double number)
    {
        number = _cells[field].Number;
        return _cells[field].Kind;
    }
}
