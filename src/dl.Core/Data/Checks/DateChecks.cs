// Dates that training would not recognise: in other forms than ISO 8601, or in several.
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>Dates that training would not recognise.</summary>
internal sealed class Dates : ITableCheck
{
    private const double DateShare = 0.8;

    public static readonly CheckKind Mixed = new(
        "mixed-dates", Severity.Warning, "dates written in several ways in one column",
        "write all as 2024-05-17; --fix does where no date is doubtful");

    public static readonly CheckKind Other = new(
        "date-form", Severity.Warning, "dates in a form that training does not read as dates",
        "write them as 2024-05-17; --fix does where no date is doubtful");

    public CheckKind[] Kinds => [Mixed, Other];

    public void Look(TableProfile table, Findings findings)
    {
        for (int column = 0; column < table.Names.Count; column++)
        {
            ColumnProfile profile = table.Union(column);
            if (!table.IsInput(column) || profile.Texts < DateShare * profile.Present
                || profile.Texts == 0)
            {
                continue;
            }
            Look(table, column, profile, findings);
        }
    }

    private static void Look(
        TableProfile table, int column, ColumnProfile profile, Findings findings)
    {
        int all = -1, any = 0;
        long dates = 0, texts = 0;
        CellValue? odd = null, first = null;
        foreach (CellValue value in profile.TextValues)
        {
            int forms = Cell.TryDate(value.Text, out _) ? 1 : DateForms.Of(value.Text);
            texts += value.Count;
            if (forms == 0)
            {
                odd ??= value;
                continue;
            }
            dates += value.Count;
            first ??= value;
            if ((all & forms) == 0 && all != -1)
            {
                odd ??= value;
            }
            all &= forms;
            any |= forms;
        }
        if (dates < DateShare * texts || first is null)
        {
            return;
        }
        if (all == 0)
        {
            findings.Add(
                Mixed, table.Locate(column),
                $"dates in the forms {DateForms.Names(any)} (such as '{first.Text}' in "
                + $"{table.Locate(first.First)} and '{odd!.Text}' in {table.Locate(odd.First)}); "
                + "write all as 2024-05-17");
        }
        else if ((all & 1) == 0)
        {
            findings.Add(
                Other, table.Locate(column),
                $"dates such as '{first.Text}' in {table.Locate(first.First)} are no dates for "
                + "training but texts; write them as 2024-05-17");
        }
        else if (odd is not null)
        {
            findings.Add(
                Mixed, table.Locate(column),
                $"'{odd.Text}' in {table.Locate(odd.First)} is no date, and makes the whole column "
                + "one of texts; mend it, or leave the cell empty");
        }
    }

    /// <summary>
    /// The forms in which a column's dates can be read without doubt, as bits; 0: it has no such
    /// dates, or nobody can tell days from months in some.
    /// </summary>
    public static int Plan(ColumnProfile profile)
    {
        int any = 0, dayFirst = 0, monthFirst = 0;
        const int days = 1 << DateForms.DayFirst, months = 1 << DateForms.MonthFirst;
        foreach (CellValue value in profile.TextValues)
        {
            int forms = Cell.TryDate(value.Text, out _) ? 1 : DateForms.Of(value.Text);
            if (forms == 0)
            {
                return 0;
            }
            any |= forms;
            dayFirst += (forms & (days | months)) == days ? 1 : 0;
            monthFirst += (forms & (days | months)) == months ? 1 : 0;
        }
        bool slashes = (any & (days | months)) != 0;
        bool doubtful = slashes && dayFirst > 0 == monthFirst > 0;
        return doubtful || any is 0 or 1 ? 0
            : any & ~(dayFirst > 0 ? months : slashes ? days : 0);
    }
}
