// A table in memory, before anything is learnt from it: columns of all files of all parts.
using Dl.Data.Formats;

namespace Dl.Data.Tables;

/// <summary>Columns, and where each row came from.</summary>
internal sealed class RawTable
{
    private readonly List<string> _files = [];
    private readonly List<(int File, int Line, Part Part)> _rows = [];
    private readonly Dictionary<string, int> _columnOf = new(StringComparer.Ordinal);

    public RawColumn[] Columns { get; private set; } = [];

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
    /// Appends a file. The first one names the columns; others are matched by name.
    /// </summary>
    /// <exception cref="DataException">Ragged, infinite or missing columns, no rows.</exception>
    public void Append(Stream stream, string name, Part part, BadData bad, CancellationToken cancel)
    {
        using var reader = new DelimitedReader(stream, name, streaming: false);
        List<(string[] Fields, int Line)> sample = Sample(reader);
        if (sample.Count == 0)
        {
            throw new DataException($"{name}: the file is empty, expected rows of a table");
        }
        int width = sample[0].Fields.Length;
        int[] map = MapColumns(sample, name);
        int before = Rows;
        _files.Add(name);
        for (int i = HasHeader ? 1 : 0; i < sample.Count; i++)
        {
            AppendRow(reader, sample[i].Fields, sample[i].Line, width, map, part, bad);
        }
        for (int i = 0; reader.Read(); i++)
        {
            if ((i & 0xFFF) == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            AppendRow(reader, reader.Row(), reader.Line, width, map, part, bad);
        }
        if (Rows == before)
        {
            throw new DataException($"{name}: names of columns but no rows, expected data below");
        }
    }

    private static List<(string[] Fields, int Line)> Sample(DelimitedReader reader)
    {
        var sample = new List<(string[] Fields, int Line)>();
        while (sample.Count < HeaderLine.SampleRows && reader.Read())
        {
            sample.Add((reader.Row(), reader.Line));
        }
        return sample;
    }

    /// <summary>
    /// Makes the columns, or finds this file's field for each column that is there.
    /// </summary>
    private int[] MapColumns(List<(string[] Fields, int Line)> sample, string name)
    {
        string where = $"{name}:{sample[0].Line}";
        string[] first = sample[0].Fields;
        if (Columns.Length == 0)
        {
            HasHeader = HeaderLine.IsHeader(sample.ConvertAll(s => s.Fields));
            string[] names = HasHeader
                ? HeaderLine.Names(first, where)
                : HeaderLine.Positional(first);
            Columns = Array.ConvertAll(names, n => new RawColumn(n));
            for (int i = 0; i < names.Length; i++)
            {
                _columnOf.Add(names[i], i);
            }
            return [.. Enumerable.Range(0, names.Length)];
        }
        string[] given = HasHeader ? HeaderLine.Names(first, where) : HeaderLine.Positional(first);
        int[] map = Array.ConvertAll(Columns, c => Array.IndexOf(given, c.Name));
        int missing = Array.IndexOf(map, -1);
        if (missing >= 0)
        {
            throw new DataException(
                $"{where}: no column '{Columns[missing].Name}', which {_files[0]} has; its columns "
                + $"are {string.Join(", ", given)}");
        }
        return map;
    }

    private void AppendRow(
        DelimitedReader reader, string[] fields, int line, int width, int[] map, Part part,
        BadData bad)
    {
        if (fields.Length != width)
        {
            bad.Report(HeaderLine.Ragged(reader, line, fields.Length, width));
            return;
        }
        for (int column = 0; column < map.Length; column++)
        {
            if (Columns[column].Append(fields[map[column]]))
            {
                continue;
            }
            string name = Columns[column].Name;
            while (--column >= 0)
            {
                Columns[column].RemoveLast();
            }
            bad.Report(HeaderLine.Infinite(reader.Name, line, name));
            return;
        }
        _rows.Add((_files.Count - 1, line, part));
    }
}
