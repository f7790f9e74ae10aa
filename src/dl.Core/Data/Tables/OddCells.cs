// One typing error must not turn a column of numbers into thousands of categories: where nearly all
// cells are numbers, and many different ones, the others are bad data.
using Dl.Data.Tables.Storage;

namespace Dl.Data.Tables;

/// <summary>Finds texts in columns of numbers.</summary>
internal static class OddCells
{
    internal const double NumberShare = 0.95;
    internal const int MinDistinct = 20;

    /// <summary>Reports odd cells, and gives the column back its numbers.</summary>
    /// <returns>Rows that hold an odd cell, where they may be left out.</returns>
    /// <exception cref="DataException">
    /// The first odd cell, where bad rows may not be left out.
    /// </exception>
    public static HashSet<int> Mend(RawTable table, RawColumn column, BadData bad)
    {
        var rows = new HashSet<int>();
        if (column.Spilled is { } spilled)
        {
            MendSpilled(table, column, spilled, bad, rows);
            return rows;
        }
        if (!column.IsText || !IsNumbers(column, out bool[] odd))
        {
            return rows;
        }
        for (int row = 0; row < column.Count; row++)
        {
            int code = column.Code(row);
            if (code == RawColumn.MissingCode || !odd[code])
            {
                continue;
            }
            bad.Report(Odd(table, row, column, code));
            rows.Add(row);
        }
        column.BecomeNumbers();
        return rows;
    }

    /// <summary>The same of a table on disk, where numbers are not made texts first.</summary>
    private static void MendSpilled(
        RawTable table, RawColumn column, SpilledColumn spilled, BadData bad, HashSet<int> rows)
    {
        double present = spilled.NumberCells + spilled.TextCells;
        if (!column.IsText || spilled.HoldsDates || spilled.DistinctNumbers <= MinDistinct
            || spilled.NumberCells < NumberShare * present)
        {
            return;
        }
        for (int row = 0; row < column.Count; row++)
        {
            double cell = spilled[row];
            if (CellValue.IsText(cell))
            {
                bad.Report(Odd(table, row, column, CellValue.Code(cell)));
                rows.Add(row);
            }
        }
        column.BecomeNumbers();
    }

    private static DataException Odd(RawTable table, int row, RawColumn column, int code) => new(
        $"{table.Locate(row)}: column '{column.Name}' is "
        + (code < 0 ? "a text" : $"'{column.Texts[code]}'")
        + ", expected a number as in nearly all other rows; leave the cell empty for a missing "
        + "value, or leave bad rows out with --on-bad-data skip");

    private static bool IsNumbers(RawColumn column, out bool[] odd)
    {
        odd = new bool[column.Texts.Count];
        int distinct = 0;
        for (int code = 0; code < odd.Length; code++)
        {
            odd[code] = !Cell.TryNumber(column.Texts[code], out _);
            distinct += odd[code] ? 0 : 1;
        }
        int numbers = 0, present = 0;
        for (int row = 0; row < column.Count; row++)
        {
            int code = column.Code(row);
            if (code != RawColumn.MissingCode)
            {
                present++;
                numbers += odd[code] ? 0 : 1;
            }
        }
        return distinct > MinDistinct && numbers >= NumberShare * present;
    }
}
