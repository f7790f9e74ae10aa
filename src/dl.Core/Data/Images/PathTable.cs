// A table whose first column names pictures, such as `path,label`: with or without a header, names
// relative to the table's folder or absolute.
using Dl.Data.Formats;
using Dl.Data.Tables;

namespace Dl.Data.Images;

/// <summary>One row: a picture and its label.</summary>
/// <param name="Name">As written.</param>
/// <param name="Label">Null where the table has no label column or the cell is empty.</param>
/// <param name="Bad">What is wrong with the row; or null.</param>
internal sealed record PathRow(int Line, string Name, string? Label, DataException? Bad);

/// <summary>Finds and reads tables of paths.</summary>
internal sealed class PathTable
{
    /// <summary>Rows that decide whether the first column names pictures.</summary>
    private const int RowsLookedAt = 20;

    private static readonly string[] LabelNames = ["label", "class"];

    private readonly string _path;
    private readonly bool _decimalComma;
    private readonly bool _header;
    private readonly int _label;

    /// <param name="path">The table.</param>
    /// <param name="label">Name of the column of labels, if it is there; null: by its name.</param>
    /// <param name="decimalComma">Numbers are written `1,5`: no comma divides fields.</param>
    /// <exception cref="DataException">Empty, or two columns have one name.</exception>
    public PathTable(string path, string? label, bool decimalComma = false)
    {
        (_path, _decimalComma) = (path, decimalComma);
        using IRowReader reader = OpenReader();
        if (!reader.Read())
        {
            throw new DataException($"{path}: the table is empty, expected names of pictures");
        }
        string[] first = reader.Row();
        _header = !ImageCodec.IsImageName(first[0]);
        Columns = _header ? HeaderLine.Names(first, reader.Where) : HeaderLine.Positional(first);
        _label = LabelColumn(Columns, label);
    }

    public string[] Columns { get; }

    /// <summary>The column of labels; null where the table has none.</summary>
    public string? Label => _label < 0 ? null : Columns[_label];

    /// <summary>
    /// Whether the first rows name pictures, one of which at least is there. A missing file among
    /// them is an error of its own, and no reason to take the table for another kind of data.
    /// </summary>
    public static bool Detect(string path)
    {
        // Named pipes show as files of no length; what is read of them is gone.
        if (new FileInfo(path).Length == 0)
        {
            return false;
        }
        try
        {
            var table = new PathTable(path, null);
            List<PathRow> rows = [.. table.Rows().Take(RowsLookedAt)];
            return rows.TrueForAll(r => ImageCodec.IsImageName(r.Name))
                && rows.Exists(r => File.Exists(table.Resolve(r.Name)));
        }
        catch (DataException)
        {
            // Whoever reads the table says what is wrong with it.
            return false;
        }
    }

    /// <summary>A name as a path that can be opened.</summary>
    public string Resolve(string name) =>
        Path.Combine(Path.GetDirectoryName(_path) ?? "", name);

    /// <summary>All rows below the header; those of another length are bad.</summary>
    public IEnumerable<PathRow> Rows()
    {
        using IRowReader reader = OpenReader();
        for (bool header = _header; reader.Read(); header = false)
        {
            if (header)
            {
                continue;
            }
            DataException? bad = reader.Count == Columns.Length
                ? reader.Problem
                : HeaderLine.Ragged(reader, reader.Line, reader.Count, Columns.Length);
            string label = _label >= 0 && bad is null ? reader[_label] : "";
            yield return new PathRow(
                reader.Line, reader[0], label.Length > 0 ? label : null, bad);
        }
    }

    private IRowReader OpenReader() =>
        new DelimitedReader(InputFile.Open(_path), _path, streaming: false, _decimalComma);

    /// <summary>As said, or by name, or the other one of two; -1: none of these.</summary>
    private static int LabelColumn(string[] columns, string? label)
    {
        int said = label is null ? -1 : Array.IndexOf(columns, label);
        if (said > 0)
        {
            return said;
        }
        int named = Array.FindIndex(
            columns, c => LabelNames.Contains(c, StringComparer.OrdinalIgnoreCase));
        return named > 0 ? named : columns.Length == 2 ? 1 : -1;
    }
}
