// One Parquet file: every cell of every column that can be read, against `NAME_expect.csv`.
using Dl.Data;
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;

namespace Dl.Conformance;

/// <summary>Reads and compares tables.</summary>
internal static class TableCase
{
    /// <exception cref="DataException">
    /// Refused: damaged, or no column of it can be read.
    /// </exception>
    public static (Verdict Verdict, string Text) Read(string path)
    {
        using ParquetFile file = ParquetFile.Open(File.OpenRead(path), path);
        var columns = new string?[]?[file.Columns.Count];
        var refusals = new List<DataException>();
        for (int i = 0; i < columns.Length; i++)
        {
            try
            {
                columns[i] = Column(file, i);
            }
            catch (DataException error) when (error.InnerException is NotSupportedException)
            {
                refusals.Add(error);
            }
        }
        if (refusals.Count == columns.Length && columns.Length > 0)
        {
            throw refusals[0];
        }
        string text = $"{file.Rows} rows, {columns.Length - refusals.Count} of {columns.Length} "
            + "columns" + string.Concat(refusals.Select(r => "; " + Feature(r, path)));
        string reference = Path.Combine(
            Path.GetDirectoryName(path)!,
            Path.GetFileNameWithoutExtension(path) + "_expect.csv");
        if (!File.Exists(reference))
        {
            return (Verdict.Read, text);
        }
        return Difference(columns, file.Rows, reference) is string difference
            ? (Verdict.Wrong, difference)
            : (Verdict.Ok, text + ", equal to " + Path.GetFileName(reference));
    }

    private static string Feature(DataException error, string path) =>
        error.Message.Replace(path + ": ", "");

    private static string?[] Column(ParquetFile file, int column)
    {
        var cells = new List<string?>();
        for (int group = 0; group < file.RowGroups.Count; group++)
        {
            ColumnValues values = file.Read(group, column);
            for (int row = 0; row < values.Count; row++)
            {
                cells.Add(values.IsNull(row) ? null : ParquetText.Of(values, row));
            }
        }
        return [.. cells];
    }

    /// <summary>The first cell that differs; an empty one stands for no value.</summary>
    private static string? Difference(string?[]?[] columns, long rows, string reference)
    {
        using IRowReader reader = new DelimitedReader(
            File.OpenRead(reference), reference, streaming: false);
        reader.Read();
        for (int row = 0; row < rows; row++)
        {
            if (!reader.Read() || reader.Count != columns.Length)
            {
                return $"row {row}: the reference has {reader.Count} cells, the file has "
                    + $"{columns.Length} columns and {rows} rows";
            }
            for (int i = 0; i < columns.Length; i++)
            {
                string found = columns[i]?[row] ?? "";
                if (columns[i] is not null && found != reader[i])
                {
                    return $"row {row}, column {i}: '{found}', expected '{reader[i]}'";
                }
            }
        }
        return reader.Read() ? $"{rows} rows, the reference has more" : null;
    }
}
