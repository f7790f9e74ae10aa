// A row that is kept while its reader goes on: the first rows of a file, from which it is told
// whether they begin with names.
using System.Buffers;
using System.Text;
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
        var text = new ArrayBufferWriter<byte>();
        for (int i = 0; i < _cells.Length; i++)
        {
            CellKind kind = CellKind.Missing;
            double number = 0;
            // What cannot be read is not asked for.
            if (reader.Refused.Count == 0 || !reader.Refused.ContainsKey(reader.Names![i]))
            {
                text.Write(reader.Utf8(i));
                kind = reader.Kind(i, out number);
            }
            _cells[i] = (text.WrittenCount, kind, number);
        }
        _text = text.WrittenSpan.ToArray();
        Fields = new string[_cells.Length];
        for (int i = 0; i < Fields.Length; i++)
        {
            Fields[i] = Encoding.UTF8.GetString(Utf8(i));
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
