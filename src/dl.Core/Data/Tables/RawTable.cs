// A table before anything is learnt from it: columns of all files of all parts. Its cells are kept
// in memory up to a limit; when it is reached, they all go to a scratch file, block by block, and
// so do the rows that follow.
//
// Bytes of memory a row of such a table, whatever its columns: none here (RowPlaces has 12 a run of
// lines); 1, 2 or 4 for the class (Targets); 4 for the samples of a cut, and 4 for the order of an
// epoch. While a cut is made: 4 for its shuffled samples instead of the order.
using Dl.Data.Formats;
using Dl.Data.Tables.Storage;

namespace Dl.Data.Tables;

/// <summary>Columns, and where each row came from.</summary>
/// <param name="decimalComma">Numbers in delimited text are written `1,5`.</param>
/// <param name="storage">Null: the usual limits.</param>
internal sealed class RawTable(bool decimalComma = false, TableStorage? storage = null)
    : IDisposable
{
    private const int CellsPerValue = 100;
    private const long FreelyAbsent = 1 << 20;

    /// <summary>Rows between two looks at the memory taken.</summary>
    private const int RowsBetweenLooks = 256;

    private readonly TableStorage _storage = storage ?? new TableStorage();
    private readonly RowPlaces _places = new();
    private int _nextLook = RowsBetweenLooks;
    private readonly Dictionary<string, int> _columnOf = new(StringComparer.Ordinal);

    /// <summary>Cells without a text.</summary>
    private long _absent;

    public RawColumn[] Columns { get; private set; } = [];

    /// <summary>Columns of its files that it does not have.</summary>
    public RefusedColumns Refused { get; } = new();

    /// <summary>False: the first file has no names, and columns are c1, c2, ...</summary>
    public bool HasHeader { get; private set; }

    public int Rows => _places.Count;

    /// <summary>Where the cells lie if not in memory.</summary>
    public BlockStore? Store { get; private set; }

    /// <summary>
    /// Share of the input that has been read, for what a full disk says; null: not known.
    /// </summary>
    public Func<double?>? Progress { get; set; }

    public Part PartOf(int row) => _places.PartOf(row);

    public string Locate(int row) => _places.Locate(row);

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
        _places.BeginFile(name, part);
        for (int i = reader.Names is null && HasHeader ? 1 : 0; i < sample.Count; i++)
        {
            AppendRow(reader, sample[i], width, map, bad);
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
                AppendBlock(reader, block, width, map, bad);
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
            AppendRow(reader, reader, width, map, bad);
        }
        Refused.Add(reader.Refused);
        if (Rows == before)
        {
            throw new DataException($"{name}: names of columns but no rows, expected data below");
        }
    }

    /// <summary>All files are appended.</summary>
    public void Complete()
    {
        if (Store is null)
        {
            return;
        }
        WriteBlocks(least: 1);
        Store.Complete();
        foreach (RawColumn column in Columns)
        {
            column.Written(0, 0);
        }
        HeldMemory.GiveBack();
    }

    public void Dispose() => Store?.Dispose();

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
                $"{where}: no column '{Columns[missing].Name}', which {_places.FirstFile} has; its "
                + $"columns are {string.Join(", ", given)}");
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
            else if (_places.Files == 1)
            {
                var column = new RawColumn(name);
                if (Store is not null)
                {
                    column.Spill(Store, columns.Count, columns.Count + 1);
                }
                while (column.Count < Rows)
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
        IRowReader reader, IRowBlock block, int width, int[] map, BadData bad)
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
                _places.Add(block.Line);
            }
            if (column == map.Length)
            {
                MakeRoom();
                return;
            }
        }
        while (--column >= 0)
        {
            Columns[column].RemoveLast(block.RowCount);
        }
        for (block.Row = 0; block.Row < block.RowCount; block.Row++)
        {
            AppendRow(reader, block, width, map, bad);
        }
    }

    private void AppendRow(
        IRowReader reader, IRow row, int width, int[] map, BadData bad)
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
        _places.Add(row.Line);
        if (reader.Sparse)
        {
            CheckFill($"{reader.Name}:{row.Line}");
        }
        MakeRoom();
    }

    /// <summary>Writes full blocks to the scratch file, which is begun when it is needed.</summary>
    private void MakeRoom()
    {
        if (Store is not null)
        {
            WriteBlocks(Store.RowsFor(Columns.Length));
            return;
        }
        if (Rows < _nextLook)
        {
            return;
        }
        _nextLook = Rows + RowsBetweenLooks;
        long texts = 0;
        foreach (RawColumn column in Columns)
        {
            texts += column.TextBytes;
        }
        if (((long)Rows * Columns.Length * sizeof(double)) + texts <= _storage.Memory)
        {
            return;
        }
        Store = new BlockStore(_storage);
        for (int i = 0; i < Columns.Length; i++)
        {
            Columns[i].Spill(Store, i, Columns.Length);
        }
        WriteBlocks(Store.RowsFor(Columns.Length));
        HeldMemory.GiveBack();
    }

    /// <summary>
    /// Writes blocks of rows that wait. Blocks are full but for the last of all, however many rows
    /// a reader gives at a time: the order of an epoch depends on where they begin.
    /// </summary>
    private void WriteBlocks(int least)
    {
        BlockStore store = Store!;
        int waiting = Rows - store.Rows;
        if (waiting < least)
        {
            return;
        }
        int size = store.RowsFor(Columns.Length), from = 0;
        double? share = Progress?.Invoke();
        for (; waiting - from >= Math.Min(size, least); from += Math.Min(size, waiting - from))
        {
            int rows = Math.Min(size, waiting - from);
            int start = from;
            ReadOnlySpan<double> Cells(int column)
            {
                ReadOnlySpan<double> cells = Columns[column].Waiting(start, rows);
                Columns[column].Spilled!.Book(cells);
                return cells;
            }
            store.Append(rows, Columns.Length, Cells, share);
        }
        foreach (RawColumn column in Columns)
        {
            column.Written(from, size);
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
