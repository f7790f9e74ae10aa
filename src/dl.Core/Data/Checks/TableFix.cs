// `--fix` for tables: a second pass writes what can be used. What was found wrong with a column
// decides once (its spelling, its dates, whether it is worth keeping); what is wrong with a row
// leaves it out. Test and validation come first, so that of rows they share with training the
// training part loses its own.
using System.Globalization;
using System.Text;
using Dl.Data.Formats;
using Dl.Data.Formats.Output;
using Dl.Data.Formats.Parquet;
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>Writes the mended files of a table.</summary>
internal sealed class TableFix
{
    private readonly TableProfile _table;
    private readonly FixLog _log;
    private readonly RowMemory _memory = new();
    private readonly CancellationToken _cancel;
    private readonly bool[] _dropped;
    private readonly bool[] _numeric;

    /// <summary>For each column the right spelling of what is misspelt.</summary>
    private readonly Dictionary<string, string>[] _words;

    /// <summary>For each column the forms of its dates (<see cref="Dates.Plan"/>).</summary>
    private readonly int[] _dates;
    private readonly string?[] _cells;

    public TableFix(TableProfile table, FixLog log, CancellationToken cancel)
    {
        (_table, _log, _cancel) = (table, log, cancel);
        int columns = table.Names.Count;
        _dropped = new bool[columns];
        _numeric = new bool[columns];
        _words = new Dictionary<string, string>[columns];
        _dates = new int[columns];
        _cells = new string?[columns];
        for (int column = 0; column < columns; column++)
        {
            PlanColumn(column);
        }
    }

    /// <summary>Rows written so far.</summary>
    public long Kept { get; private set; }

    /// <summary>Writes one file; those of test and validation have to come first.</summary>
    public void Write(Place place, string form, Stream output)
    {
        string name = InputFile.Display(place.Path);
        using IRowReader reader = TablePass.Open(
            place.Path, name, _table.Options, findings: null);
        bool any = reader.Read();
        List<int> map = any ? Map(reader) : [];
        int[] columns = [.. map.Where(c => c >= 0 && !_dropped[c]).Distinct()];
        var fields = columns.Select(c => new ParquetField(
            _table.Names[c], _numeric[c] ? FieldType.Double : FieldType.String));
        RowWriter writer = RowWriter.Open(form, output, [.. fields]);
        bool header = reader.Names is null && _table.HasHeader;
        int width = reader.Names?.Count ?? reader.Count;
        for (long i = 0; any; any = Next(reader), i++)
        {
            if ((i & 0xFFF) == 0)
            {
                _cancel.ThrowIfCancellationRequested();
            }
            if (i == 0 && header)
            {
                continue;
            }
            if (Take(reader, width, map))
            {
                WriteRow(writer, columns, text: form is OutputForm.Csv or OutputForm.Tsv);
            }
        }
        writer.Finish();
    }

    /// <summary>The columns of the file's fields; -1: not in the output.</summary>
    private List<int> Map(IRowReader reader)
    {
        bool first = reader.Name == _table.Files[0].Name;
        if (first && reader.Names is null)
        {
            return [.. Enumerable.Range(0, reader.Count)];
        }
        var map = new List<int>();
        IReadOnlyList<string> names = reader.Names ?? reader.Row();
        for (int field = 0; field < names.Count; field++)
        {
            string name = names[field].Length == 0 ? HeaderLine.Positional(field) : names[field];
            int column = _table.Names.IndexOf(name);
            map.Add(column);
            if (column < 0)
            {
                _log.LeaveOut("columns", reader.Name, $"column '{name}', which training lacks");
            }
        }
        return map;
    }

    private void PlanColumn(int column)
    {
        ColumnProfile union = _table.Union(column);
        _numeric[column] = _table.IsNumeric(column) && !_table.IsIgnored(column);
        _words[column] = new Dictionary<string, string>(StringComparer.Ordinal);
        string place = _table.Locate(column);
        bool empty = union.Present == 0;
        bool constant = union.Distinct == 1 && _table.Parts.All(p => p.Missing(column) == 0);
        if ((empty || constant) && _table.IsInput(column) && _table.Rows > 1)
        {
            _dropped[column] = true;
            _log.LeaveOut(
                "columns", place, empty ? "no value in any row" : "the same in every row");
            return;
        }
        foreach (Typo typo in Spelling.Find(_table, column))
        {
            _words[column][typo.Wrong.Text] = typo.Right.Text;
            _log.Mend(
                "spellings", place, $"'{typo.Wrong.Text}' becomes '{typo.Right.Text}' "
                + $"({Spelling.Times(typo.Wrong.Count)})");
        }
        _dates[column] = _table.IsInput(column) && !_numeric[column] ? Dates.Plan(union) : 0;
        if (_dates[column] != 0)
        {
            _log.Mend(
                "columns of dates", place,
                $"dates ({DateForms.Names(_dates[column])}) become 2024-05-17");
        }
    }

    /// <summary>Where the rest of a file cannot be read, what came before is still good.</summary>
    private bool Next(IRowReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (DataException error)
        {
            return LeaveOut("unreadable ends of files", reader.Name, error.Message);
        }
    }

    /// <summary>Reads a row into the cells; false: it is left out.</summary>
    private bool Take(IRowReader reader, int width, List<int> map)
    {
        string place = $"{reader.Name}:{reader.Line}";
        if (reader.Problem is DataException problem)
        {
            return LeaveOut("unreadable rows", place, problem.Message);
        }
        if (!reader.Sparse && reader.Count != width)
        {
            return LeaveOut("ragged rows", place, $"{reader.Count} fields, expected {width}");
        }
        for (int field = map.Count; field < reader.Count; field++)
        {
            map.Add(_table.Names.IndexOf(reader.Names![field]));
        }
        Array.Clear(_cells);
        ulong hash = 0;
        for (int field = 0; field < reader.Count; field++)
        {
            int column = map[field];
            if (column < 0 || _dropped[column])
            {
                continue;
            }
            CellKind kind = reader.Kind(field, out double number);
            if (kind == CellKind.Missing)
            {
                continue;
            }
            string text = Encoding.UTF8.GetString(reader.Utf8(field));
            if (!_table.IsIgnored(column) && !MendCell(column, place, kind, ref text))
            {
                return false;
            }
            _cells[column] = text;
            hash += text.Length == 0 ? 0 : CellHash.InColumn(
                kind == CellKind.Number ? CellHash.Of(number)
                    : CellHash.Of(Encoding.UTF8.GetBytes(text)),
                column);
        }
        return HasTargets(map, place) && IsNew(hash, reader, place);
    }

    private bool MendCell(int column, string place, CellKind kind, ref string text)
    {
        string name = _table.Names[column];
        if (kind == CellKind.Infinite)
        {
            return LeaveOut("rows with infinite numbers", place, $"column '{name}' is infinite");
        }
        if (kind != CellKind.Text)
        {
            return true;
        }
        if (_numeric[column])
        {
            if (!StrayTexts.MeansMissing(text))
            {
                return LeaveOut(
                    "rows with texts for numbers", place, $"column '{name}' is '{text}'");
            }
            _log.Mend("missing values", place, $"column '{name}': '{text}' becomes missing");
            text = "";
        }
        else if (_words[column].TryGetValue(text, out string? right))
        {
            text = right;
        }
        else if (_dates[column] != 0 && !Cell.TryDate(text, out _))
        {
            text = IsoDate(text, _dates[column]);
        }
        return true;
    }

    private bool HasTargets(List<int> map, string place)
    {
        foreach (int target in _table.Targets)
        {
            if (map.Contains(target) && string.IsNullOrEmpty(_cells[target])
                && TargetChoice.NeedsValue(_table))
            {
                return LeaveOut(
                    "rows without a target", place, $"no value in '{_table.Names[target]}'");
            }
        }
        return true;
    }

    private bool IsNew(ulong hash, IRowReader reader, string place)
    {
        int file = _table.Files.FindIndex(f => f.Name == reader.Name);
        return _memory.Add(hash, new Spot(file, reader.Line)) is not Spot first
            || LeaveOut("duplicate rows", place, $"equal to {_table.Locate(first)}");
    }

    private bool LeaveOut(string what, string place, string why)
    {
        _log.LeaveOut(what, place, why);
        return false;
    }

    /// <param name="text">Numbers stay as they were written.</param>
    private void WriteRow(RowWriter writer, int[] columns, bool text)
    {
        foreach (int column in columns)
        {
            string? cell = _cells[column];
            if (string.IsNullOrEmpty(cell))
            {
                writer.Missing();
            }
            else if (!text && _numeric[column])
            {
                writer.Number(double.Parse(cell, CultureInfo.InvariantCulture));
            }
            else
            {
                writer.Text(cell);
            }
        }
        writer.EndRow();
        Kept++;
    }

    private static string IsoDate(string text, int forms)
    {
        for (int form = 0; form < DateForms.All.Length; form++)
        {
            if ((forms & (1 << form)) != 0 && DateForms.TryRead(text, form, out DateOnly date))
            {
                return date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            }
        }
        return text;
    }
}
