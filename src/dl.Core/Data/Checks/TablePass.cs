// One pass over all files of a table, part by part. What makes single rows bad is reported on the
// way; what takes the whole table is gathered into its profile.
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>Reads tables, and fills a profile.</summary>
internal sealed class TablePass(
    DataOptions options, Findings findings, CancellationToken cancel)
{
    /// <summary>Distinct values kept with their counts, over all columns.</summary>
    private const int ValuesKept = 1 << 21;
    private const int ValuesOfColumn = 10_000;
    private const int ValuesAtLeast = 256;

    private readonly TableProfile _table = new(options);
    private CellFact[] _cells = [];

    /// <returns>Null: no file could be opened, which has been reported.</returns>
    public TableProfile? Read(IEnumerable<Place> places)
    {
        // Training files come first: they name the columns.
        foreach (Place place in places.OrderBy(p => p.Part))
        {
            string name = InputFile.Display(place.Path);
            try
            {
                using IRowReader reader = Open(place.Path, name, options, findings);
                ReadFile(reader, place);
            }
            catch (DataException error)
            {
                findings.Add(ReadingKinds.Unreadable, name, error);
            }
        }
        if (_table.Parts.Count == 0 || _table.Parts[0].Part != Part.Train)
        {
            return null;
        }
        foreach (PartProfile part in _table.Parts)
        {
            part.Columns.ForEach(c => c?.Finish());
        }
        return _table;
    }

    /// <summary>
    /// Text goes through <see cref="ByteWatch"/> where there are findings to fill, and is mended
    /// behind it, so that bad bytes hide nothing else; Parquet needs to seek.
    /// </summary>
    internal static IRowReader Open(
        string path, string name, DataOptions options, Findings? findings)
    {
        Stream stream = InputFile.Open(path);
        if (ParquetRows.Detect(stream, name))
        {
            return TableFormats.Open(stream, name, streaming: false);
        }
        if (InputFile.IsStream(path))
        {
            var head = new HeadStream(stream);
            stream = head;
            if (ParquetFile.Detect(head.Peek()))
            {
                // As training does: the directory is at the end of such a file.
                var held = new MemoryStream();
                head.CopyTo(held);
                held.Position = 0;
                return TableFormats.Open(held, name, streaming: false);
            }
        }
        stream = findings is null ? stream : new ByteWatch(stream, name, findings);
        return TableFormats.Open(
            new MendStream(stream), name, streaming: false, decimalComma: options.DecimalComma);
    }

    private void ReadFile(IRowReader reader, Place place)
    {
        var sample = new List<HeldRow>();
        while (sample.Count < HeaderLine.SampleRows && reader.Read())
        {
            sample.Add(new HeldRow(reader));
        }
        if (sample.Count == 0)
        {
            findings.Add(
                ReadingKinds.Empty, reader.Name, "the file is empty, expected rows of a table");
            return;
        }
        PartProfile part = PartOf(place.Part);
        _table.Files.Add(new TableFile(reader.Name, place.Part));
        int width = reader.Names?.Count ?? sample[0].Fields.Length;
        List<int> map = MapColumns(reader, sample, place, part);
        long before = part.Rows;
        int first = reader.Names is null && _table.HasHeader ? 1 : 0;
        foreach (HeldRow row in sample.Skip(first))
        {
            Take(reader, row, width, map, part);
        }
        for (int i = 0; reader.Read(); i++)
        {
            if ((i & 0xFFF) == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            if (reader.Sparse && reader.Names!.Count > width)
            {
                MapNew(reader, map, part);
                width = reader.Names.Count;
            }
            Take(reader, reader, width, map, part);
        }
        foreach ((string name, string reason) in reader.Refused)
        {
            findings.Add(
                ReadingKinds.ExtraColumn, reader.Name, $"column '{name}' is left out: {reason}");
        }
        if (part.Rows == before)
        {
            findings.Add(
                ReadingKinds.Empty, reader.Name,
                "names of columns but no row that can be used, expected data below");
        }
    }

    private PartProfile PartOf(Part part)
    {
        PartProfile? known = _table.Parts.Find(p => p.Part == part);
        if (known is null)
        {
            known = new PartProfile(part);
            _table.Parts.Add(known);
        }
        return known;
    }

    /// <summary>For each field of the file the table's column; -1: the table has no such.</summary>
    private List<int> MapColumns(
        IRowReader reader, List<HeldRow> sample, Place place, PartProfile part)
    {
        bool fresh = _table.Names.Count == 0;
        if (fresh)
        {
            _table.HasHeader = reader.Names is not null
                || HeaderLine.IsHeader(sample.ConvertAll(s => s.Fields));
            _table.FirstColumns = reader.Sparse
                ? sample.Find(s => s.Problem is null && s.Count > 0)?.Count ?? 0
                : sample[0].Fields.Length;
        }
        string[] given = reader.Names is IReadOnlyList<string> known ? [.. known]
            : _table.HasHeader ? NamesOf(sample[0].Fields, $"{reader.Name}:{sample[0].Line}")
            : HeaderLine.Positional(sample[0].Fields);
        var map = new List<int>();
        foreach (string name in given)
        {
            map.Add(
                reader.Refused.ContainsKey(name) ? -1
                : fresh ? AddColumn(name)
                : _table.Names.IndexOf(name));
        }
        if (fresh && !reader.Sparse)
        {
            _table.FirstColumns = _table.Names.Count;
        }
        while (part.Columns.Count < _table.Names.Count)
        {
            part.Columns.Add(null);
        }
        foreach (int column in map.Where(c => c >= 0))
        {
            part.Columns[column] ??= NewColumn(column, given.Length);
        }
        if (fresh)
        {
            TargetChoice.Choose(_table);
        }
        else if (!reader.Sparse)
        {
            ReportColumns(reader, given, place);
        }
        return map;
    }

    /// <summary>As in training, but a name that is there twice does not end it all.</summary>
    private string[] NamesOf(string[] fields, string where)
    {
        var names = new string[fields.Length];
        var position = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < fields.Length; i++)
        {
            names[i] = fields[i];
            if (fields[i].Length == 0)
            {
                names[i] = HeaderLine.Positional(i);
                findings.Add(
                    ReadingKinds.EmptyName, where,
                    $"column {i + 1} has no name; it is called '{names[i]}' (give it one)");
            }
            if (position.TryGetValue(names[i], out int earlier))
            {
                findings.Add(
                    ReadingKinds.DuplicateColumn, where,
                    $"column '{names[i]}' is there twice (columns {earlier + 1} and {i + 1}), "
                    + "expected distinct names; rename or remove one");
                names[i] = Unused(names[i], position);
            }
            position.Add(names[i], i);
        }
        return names;
    }

    /// <summary>`x_2`, or the next that is free.</summary>
    internal static string Unused(string name, Dictionary<string, int> used)
    {
        int number = 2;
        while (used.ContainsKey($"{name}_{number}"))
        {
            number++;
        }
        return $"{name}_{number}";
    }

    private void ReportColumns(IRowReader reader, string[] given, Place place)
    {
        string file = reader.Name;
        // A test part of a contest comes without its answers.
        bool answers = place.Part != Part.Test || options.Test is not null
            || Array.TrueForAll(_table.Targets, t => given.Contains(_table.Names[t]));
        for (int column = 0; column < _table.Names.Count; column++)
        {
            if (given.Contains(_table.Names[column]))
            {
                continue;
            }
            string message =
                $"no column '{_table.Names[column]}', which {_table.Files[0].Name} has";
            if (answers)
            {
                findings.Add(
                    ReadingKinds.MissingColumn, file, message + "; add it, or remove it there");
            }
            else if (_table.IsTarget(column))
            {
                findings.Add(
                    ReadingKinds.MissingColumn, file,
                    $"no target column '{_table.Names[column]}'; it is not used for testing",
                    Severity.Note);
            }
            else
            {
                findings.Add(
                    ReadingKinds.MissingColumn, file,
                    message + "; a model trained with it cannot predict these rows",
                    Severity.Warning);
            }
        }
        foreach (string name in given.Except(_table.Names).Except(reader.Refused.Keys))
        {
            findings.Add(
                ReadingKinds.ExtraColumn, file,
                $"column '{name}' is not in {_table.Files[0].Name}; it is not used");
        }
    }

    private int AddColumn(string name)
    {
        _table.Names.Add(name);
        foreach (PartProfile part in _table.Parts)
        {
            part.Columns.Add(null);
        }
        return _table.Names.Count - 1;
    }

    private ColumnProfile NewColumn(int column, int width) => new(
        _table.Names[column],
        Math.Clamp(ValuesKept / Math.Max(1, width), ValuesAtLeast, ValuesOfColumn));

    /// <summary>Keys that came up behind the first rows of JSON lines.</summary>
    private void MapNew(IRowReader reader, List<int> map, PartProfile part)
    {
        for (int field = map.Count; field < reader.Names!.Count; field++)
        {
            string name = reader.Names[field];
            int column = _table.Names.IndexOf(name);
            // What only a later file has is not used.
            column = column < 0 && _table.Files.Count == 1 ? AddColumn(name) : column;
            map.Add(column);
            if (column >= 0)
            {
                part.Columns[column] ??= NewColumn(column, reader.Names.Count);
            }
        }
    }

    private void Take(
        IRowReader reader, IRow row, int width, List<int> map, PartProfile part)
    {
        string where = reader.Name;
        if (row.Problem is DataException problem)
        {
            findings.Add(ReadingKinds.BadRow, $"{where}:{row.Line}", problem);
            return;
        }
        if (row.Count != width && !reader.Sparse)
        {
            findings.Add(
                ReadingKinds.Ragged, $"{where}:{row.Line}",
                HeaderLine.Ragged(reader, row.Line, row.Count, width));
            return;
        }
        var spot = new Spot(_table.Files.Count - 1, row.Line);
        if (_cells.Length != _table.Names.Count)
        {
            _cells = new CellFact[_table.Names.Count];
        }
        Array.Clear(_cells);
        ulong hash = 0;
        for (int field = 0; field < row.Count; field++)
        {
            int column = map[field];
            if (column < 0)
            {
                continue;
            }
            CellFact cell = part.Columns[column]!.Add(row, field, spot);
            _cells[column] = cell;
            if (cell.Kind == CellKind.Missing)
            {
                continue;
            }
            // What is missing adds nothing: an absent key and an empty cell are the same.
            hash += CellHash.InColumn(cell.Hash, column);
            if (cell.Kind == CellKind.Infinite && !_table.IsIgnored(column))
            {
                findings.Add(
                    ReadingKinds.Infinite, $"{where}:{row.Line}",
                    HeaderLine.Infinite(where, row.Line, _table.Names[column]));
            }
        }
        part.Rows++;
        RowChecks.Look(_table, _cells, hash, spot, part, findings);
        if (part.Part == Part.Train)
        {
            _table.Sample.Add(spot, _cells);
        }
    }
}
