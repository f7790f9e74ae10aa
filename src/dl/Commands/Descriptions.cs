// Data in words, for `dl info`; models describe themselves (ModelReport.cs).
using System.Globalization;
using Dl.Cli.Terminal;
using Dl.Data;

namespace Dl.Cli.Commands;

internal static class Descriptions
{
    public static string Data(DataDescription data)
    {
        string parts = string.Join(", ", data.Parts.Select(p => $"{p.Name} {p.Rows}"));
        string text = $"{data.Kind}: {data.Rows} samples ({parts})\n";
        if (data.Images is { } images)
        {
            text += $"images: {images.MinWidth}x{images.MinHeight} to "
                + $"{images.MaxWidth}x{images.MaxHeight} pixels, {images.Channels} channels, "
                + $"{string.Join(", ", images.Formats)}\n";
        }
        if (data.Columns is { } columns)
        {
            var table = new TextTable(false, false, true, true, true, true, true);
            table.Add("column", "type", "missing", "distinct", "min", "max", "mean");
            foreach (ColumnDescription c in columns)
            {
                table.Add(
                    c.Name, c.Type, c.Missing.ToString(CultureInfo.InvariantCulture),
                    c.Distinct.ToString(CultureInfo.InvariantCulture), Value(c, c.Min),
                    Value(c, c.Max), Value(c, c.Mean));
            }
            text += "\n" + table;
        }
        if (data.Classes is { } classes)
        {
            var table = new TextTable(false, true);
            table.Add("class", "samples");
            foreach (ClassDescription c in classes)
            {
                table.Add(c.Label, c.Count.ToString(CultureInfo.InvariantCulture));
            }
            text += "\n" + table;
        }
        return text;
    }

    private static string Value(ColumnDescription column, double? value) =>
        column.Type == "date" && value is double days
            ? DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
            : Number(value);

    private static string Number(double? value) =>
        value?.ToString("0.####", CultureInfo.InvariantCulture) ?? "";
}
