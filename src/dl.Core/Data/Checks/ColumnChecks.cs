// Columns that hold too little: nothing, hardly anything, the same in every row; or that only name
// the rows.
using System.Globalization;

namespace Dl.Data.Checks;

/// <summary>Columns without, or nearly without, information.</summary>
internal sealed class EmptyColumns : ITableCheck
{
    private const double Mostly = 0.5;

    public static readonly CheckKind AllMissing = new(
        "all-missing", Severity.Warning, "columns without any value",
        "remove the column; --fix does");

    public static readonly CheckKind MostlyMissing = new(
        "mostly-missing", Severity.Warning, "columns of which half or more is missing",
        "find out why, or --ignore the column");

    public static readonly CheckKind Constant = new(
        "constant-column", Severity.Warning, "columns with the same value in every row",
        "remove the column; --fix does");

    public CheckKind[] Kinds => [AllMissing, MostlyMissing, Constant];

    public void Look(TableProfile table, Findings findings)
    {
        PartProfile train = table.Train;
        for (int column = 0; column < table.Names.Count; column++)
        {
            if (table.IsIgnored(column) || train.Columns[column] is not ColumnProfile profile
                || train.Rows < 2)
            {
                continue;
            }
            string place = table.Locate(column);
            double missing = (double)train.Missing(column) / train.Rows;
            if (profile.Present == 0)
            {
                findings.Add(AllMissing, place, "no value in any row; it is not learnt from");
            }
            else if (missing >= Mostly && table.IsInput(column))
            {
                findings.Add(
                    MostlyMissing, place, string.Create(
                        CultureInfo.InvariantCulture,
                        $"{train.Missing(column)} of {train.Rows} values are missing "
                        + $"({missing:P0}); the others say little about most rows"));
            }
            else if (missing == 0 && profile.Distinct == 1 && table.IsInput(column))
            {
                string value = profile.Values.FirstOrDefault()?.Text ?? "";
                findings.Add(
                    Constant, place, $"'{value}' in all {train.Rows} rows; nothing is learnt from "
                    + "it");
            }
        }
    }
}

/// <summary>Columns that number or name the rows.</summary>
internal sealed class NamingColumns : ITableCheck
{
    private const int MinRows = 20;
    private const int FreeTextDistinct = 20;
    private const double FreeTextShare = 0.5;

    public static readonly CheckKind Id = new(
        "id-column", Severity.Warning, "columns that count the rows",
        "leave it out of the inputs with --ignore");

    public static readonly CheckKind FreeText = new(
        "free-text", Severity.Note, "columns of texts that hardly recur",
        "nothing; training leaves it out");

    public CheckKind[] Kinds => [Id, FreeText];

    public void Look(TableProfile table, Findings findings)
    {
        PartProfile train = table.Train;
        for (int column = 0; column < table.Names.Count; column++)
        {
            if (!table.IsInput(column) || train.Columns[column] is not ColumnProfile profile)
            {
                continue;
            }
            if (train.Rows >= MinRows && profile.Counts && profile.Numbers == train.Rows
                && profile.High.First - profile.Low.First < 2.0 * train.Rows)
            {
                bool known = IsIdName(table.Names[column], column);
                findings.Add(
                    Id, table.Locate(column), known
                        ? "numbers the rows; training takes it for their name, not for an input"
                        : "goes up from row to row: a number of the row and no measurement? Leave "
                            + $"it out with --ignore {table.Names[column]}",
                    known ? Severity.Note : null);
            }
            else if (profile.Texts > 0 && !table.IsNumeric(column)
                && profile.Distinct > FreeTextDistinct
                && profile.Distinct > FreeTextShare * profile.Present && !IsDates(profile))
            {
                findings.Add(
                    FreeText, table.Locate(column),
                    $"{profile.Distinct} distinct texts in {profile.Present} rows; training "
                    + "leaves the column out");
            }
        }
    }

    /// <summary>Names that training knows (Tables/TableFit.cs).</summary>
    private static bool IsIdName(string name, int position)
    {
        string lower = name.ToLowerInvariant();
        return lower is "id" or "index" or "row_id" or "rowid" or "uuid" or "guid"
            || (position == 0 && (lower is "c1" or "unnamed: 0" or "key" or "no" or "nr"
                || lower.EndsWith("_id", StringComparison.Ordinal)
                || name.EndsWith("Id", StringComparison.Ordinal)));
    }

    private static bool IsDates(ColumnProfile profile) =>
        profile.TextValues.Take(100).All(v => DateForms.Of(v.Text) != 0
            || Tables.Cell.TryDate(v.Text, out _));
}
