// A table in memory, before anything is learnt from it: columns of all files of all parts.
using Dl.Data.Formats;

namespace Dl.Data.Tables;

/// <summary>Columns, and where each row came from.</summary>
/// <param name="decimalComma">Numbers in delimited text are written `1,5`.</param>
internal sealed class RawTable(bool decimalComma = false)
{
    private const int CellsPerValue = 100;
    private const long FreelyAbsent = 1 << 20;

    private readonly List<string> _files = [];
    private readonly List<(int File, int Line, Part Part)> _rows = [];
    private readonly Dictionary<string, int> _columnOf = new(StringComparer.Ordinal);

    /// <summary>Cells without a text.</summary>
    private long _absent;

    public RawColumn[] Columns { get; private set; } = [];

    /// <summary>Columns of its files that it does not have.</summary>
    public RefusedColumns Refused { get; } = new();

    /// <summary>False: the first file has no names, and columns are c1, c2, ...</summary>
    public bool HasHeader { get; private set; }

    public int Rows => _rows.Count;

    public Part PartOf(int row) => _rows[row].Part;

    public string Locate(int row) => $"{_files[_rows[row].File]}:{_rows[row].Line}";

    public int Find(string column) => _columnOf.GetValueOrDefault(column, -1);

    public string[] Names()
    {
        var names = new string[Columns.Length];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Columns[i].Name;
        }
        return names;
    }

    /// <summary>
    /// Columns that the first row names: all of them, but where rows may lack fields.
    /// </summary>
    public int FirstColumns { get; private set; }

    /// <summary>
    /// Appends a file. The first one names the columns; others are matched by name.
    /// </summary>
    /// <exception cref="DataException">Ragged, infinite or missing columns, no rows.</exception>
    public void Append(Stream stream, string name, Part part, BadData bad, CancellationToken cancel)
    {
        using IRowReader reader = TableFormats.Open(
            stream, name, streaming: false, decimalComma: decimalComma);
        // Where the format tells the names, nothing has to be found out from the first rows.
        bool isTold = reader.Names is not null && !reader.Sparse;
        List<HeldRow> sample = isTold ? [] : Sample(reader);
        if (sample.Count == 0 && !isTold)
        {
            throw new DataException($"{name}: the file is empty, expected rows of a table");
        }
        int width = reader.Names?.Count ?? sample[0].Fields.Length;
        int[] map = MapColumns(reader, sample);
        int before = Rows;
        _files.Add(name);
        for (int i = reader.Names is null && HasHeader ? 1 : 0; i < sample.Count; i++)
        {
            AppendRow(reader, sample[i], width, map, part, bad);
        }
        for (int i = 0; ; i++)
        {
            if ((i & 0xFFF) == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            if (reader.NextBlock() is { } block)
            {
                cancel.ThrowIfCancellationRequested();
                AppendBlock(reader, block, width, map, part, bad);
                continue;
            }
            if (!reader.Read())
            {
                break;
            }
            if (reader.Sparse && reader.Names!.Count > width)
            {
                map = MapNew(reader, width, map);
                width = reader.Names.Count;
            }
            AppendRow(reader, reader, width, map, part, bad);
        }
        Refused.Add(reader.Refused);
        if (Rows == before)
        {
            throw new DataException($"{name}: names of columns but no rows, expected data below");
        }
    }

    private static List<HeldRow> Sample(IRowReader reader)
    {
        var sample = new List<HeldRow>();
        while (sample.Count < HeaderLine.SampleRows && reader.Read())
        {
            sample.Add(new HeldRow(reader));
        }
        return sample;
    }

    /// <summary>
    /// Makes the columns, or finds this file's field for each column that is there.
    /// </summary>
    private int[] MapColumns(IRowReader reader, List<HeldRow> sample)
    {
        string[] first = sample.Count > 0 ? sample[0].Fields : [.. reader.Names!];
        string where = sample.Count > 0 ? $"{reader.Name}:{sample[0].Line}" : reader.Name;
        bool fresh = Columns.Length == 0;
        if (fresh)
        {
            HasHeader = reader.Names is not null
                || HeaderLine.IsHeader(sample.ConvertAll(s => s.Fields));
        }
        string[] given = reader.Names is IReadOnlyList<string> known ? [.. known]
            : HasHeader ? HeaderLine.Names(first, where)
            : HeaderLine.Positional(first);
        if (fresh)
        {
            string[] names = Array.FindAll(given, n => !reader.Refused.ContainsKey(n));
            FirstColumns = reader.Sparse
                ? sample.Find(s => s.Problem is null && s.Count > 0)?.Count ?? 0
                : names.Length;
            Columns = Array.ConvertAll(names, n => new RawColumn(n));
            for (int i = 0; i < names.Length; i++)
            {
                _columnOf.Add(names[i], i);
            }
        }
        var fields = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < given.Length; i++)
        {
            fields.Add(given[i], i);
        }
        int[] map = Array.ConvertAll(
            Columns, c => reader.Refused.ContainsKey(c.Name) ? -1
                : fields.GetValueOrDefault(c.Name, -1));
        int missing = Array.IndexOf(map, -1);
        if (missing >= 0 && !reader.Sparse)
        {
            throw new DataException(
                $"{where}: no column '{Columns[missing].Name}', which {_files[0]} has; its columns "
                + $"are {string.Join(", ", given)}");
        }
        return map;
    }

    /// <summary>
    /// Names that came up behind the first rows. In the first file they become columns, missing in
    /// all rows before; what only a later file has is not used.
    /// </summary>
    private int[] MapNew(IRowReader reader, int from, int[] map)
    {
        var wider = new List<int>(map);
        var columns = new List<RawColumn>(Columns);
        for (int field = from; field < reader.Names!.Count; field++)
        {
            string name = reader.Names[field];
            if (_columnOf.TryGetValue(name, out int known))
            {
                wider[known] = field;
            }
            else if (_files.Count == 1)
            {
                var column = new RawColumn(name);
                for (int row = 0; row < Rows; row++)
                {
                    column.AppendMissing();
                }
                _absent += Rows;
                _columnOf.Add(name, columns.Count);
                columns.Add(column);
                wider.Add(field);
            }
        }
        Columns = [.. columns];
        return [.. wider];
    }

    /// <summary>By column where nothing is wrong with any of the rows.</summary>
    private void AppendBlock(
        IRowReader reader, IRowBlock block, int width, int[] map, Part part, BadData bad)
    {
        int column = 0;
        if (block.IsSound && block.HasWidth(width))
        {
            block.Expect(map);
            while (column < map.Length && block.AppendTo(Columns[column], map[column]))
            {
                column++;
            }
            for (block.Row = 0; column == map.Length && block.Row < block.RowCount; block.Row++)
            {
                _rows.Add((_files.Count - 1, block.Line, part));
            }
            if (column == map.Length)
            {
                return;
            }
        }
        while (--column >= 0)
        {
            Columns[column].RemoveLast(block.RowCount);
        }
        for (block.Row = 0; block.Row < block.RowCount; block.Row++)
        {
            AppendRow(reader, block, width, map, part, bad);
        }
    }

    private void AppendRow(
        IRowReader reader, IRow row, int width, int[] map, Part part, BadData bad)
    {
        if (row.Problem is DataException problem)
        {
            bad.Report(problem);
            return;
        }
        int count = row.Count;
        if (count != width && !reader.Sparse)
        {
            bad.Report(HeaderLine.Ragged(reader, row.Line, count, width));
            return;
        }
        for (int column = 0; column < map.Length; column++)
        {
            // A sparse row from before a name came up is shorter.
            int field = map[column];
            if ((uint)field >= (uint)count || (reader.Sparse && row.Utf8(field).IsEmpty))
            {
                Columns[column].AppendMissing();
                _absent++;
                continue;
            }
            if (Columns[column].Append(row, field))
            {
                continue;
            }
            string name = Columns[column].Name;
            while (--column >= 0)
            {
                Columns[column].RemoveLast();
            }
            bad.Report(HeaderLine.Infinite(reader.Name, row.Line, name));
            return;
        }
        _rows.Add((_files.Count - 1, row.Line, part));
        if (reader.Sparse)
        {
            CheckFill($"{reader.Name}:{row.Line}");
        }
    }

    /// <summary>
    /// A table stores absent cells too. Objects that share no keys would take memory that grows
    /// with the square of the file, so all cells are held to 100 times those that are there.
    /// </summary>
    private void CheckFill(string where)
    {
        long cells = (long)Rows * Columns.Length;
        if (_absent > FreelyAbsent && cells / CellsPerValue > cells - _absent)
        {
            throw new DataException(
                $"{where}: {Columns.Length} keys by now, and of 100 cells fewer than one has a "
                + "value; expected objects with mostly the same keys (is a key really a value?)");
        }
    }
}
