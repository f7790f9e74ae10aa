// Validation and test beside the training part: the same types, the same categories, the same
// distribution?
using System.Globalization;

namespace Dl.Data.Checks;

internal sealed class Parts : ITableCheck
{
    private const int Shown = 5;
    private const int MinRows = 30;

    /// <summary>Difference of the means over the pooled deviation (Cohen's d).</summary>
    private const double FarMeans = 0.5;

    /// <summary>Half the sum of the differences of all shares.</summary>
    private const double FarShares = 0.25;

    public static readonly CheckKind Types = new(
        "type-differs", Severity.Warning, "columns of numbers in one part and texts in another",
        "write them alike; a text among the numbers is enough to make categories of all");

    public static readonly CheckKind Unseen = new(
        "unseen-category", Severity.Warning, "categories that training does not have",
        "a model takes them all for one; correct the spelling, or cut the parts anew");

    public static readonly CheckKind Shift = new(
        "shift", Severity.Note, "columns distributed otherwise than in training",
        "find out why; cut the parts at random if they should be alike");

    public CheckKind[] Kinds => [Types, Unseen, Shift];

    public void Look(TableProfile table, Findings findings)
    {
        foreach (PartProfile part in table.Parts.Skip(1))
        {
            for (int column = 0; column < table.Names.Count; column++)
            {
                if (!table.IsIgnored(column)
                    && table.Train.Columns[column] is ColumnProfile train
                    && part.Columns[column] is ColumnProfile other
                    && train.Present > 0 && other.Present > 0)
                {
                    Look(table, part, column, train, other, findings);
                }
            }
        }
    }

    private static void Look(
        TableProfile table, PartProfile part, int column, ColumnProfile train,
        ColumnProfile other, Findings findings)
    {
        string place = table.Locate(column, part);
        if (train.Texts == 0 != (other.Texts == 0) && !table.IsNumeric(column))
        {
            (string here, string there) =
                other.Texts > 0 ? ("texts", "numbers") : ("numbers", "texts");
            findings.Add(
                Types, place, $"{here} in {part.Name}, {there} in train; expected one type");
        }
        else if (table.IsNumeric(column) && (!table.IsTarget(column)
            || table.Kind == TargetKind.Numeric))
        {
            LookAtNumbers(part, place, train, other, findings);
        }
        else if (!train.ManyTexts && !train.ManyNumbers && !other.ManyTexts && !other.ManyNumbers
            && (table.IsTarget(column) || train.Distinct * 2 <= train.Present))
        {
            LookAtCategories(table.IsTarget(column), part, place, train, other, findings);
        }
    }

    private static void LookAtNumbers(
        PartProfile part, string place, ColumnProfile train, ColumnProfile other,
        Findings findings)
    {
        double pooled = Math.Sqrt(
            ((train.Deviation * train.Deviation) + (other.Deviation * other.Deviation)) / 2);
        double apart = Math.Abs(train.Mean - other.Mean) / pooled;
        if (Math.Min(train.Numbers, other.Numbers) >= MinRows && apart > FarMeans && pooled > 0)
        {
            findings.Add(
                Shift, place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"mean {other.Mean:G5} in {part.Name}, {train.Mean:G5} in train: "
                    + $"{apart:F1} standard deviations apart"));
        }
    }

    private static void LookAtCategories(
        bool target, PartProfile part, string place, ColumnProfile train, ColumnProfile other,
        Findings findings)
    {
        CellValue[] unseen = [.. other.Values.Where(v => train.CountOf(v.Fact.Hash) == 0)];
        if (unseen.Length > 0)
        {
            string names = string.Join(", ", unseen.Take(Shown).Select(v => $"'{v.Text}'"))
                + (unseen.Length > Shown ? $" and {unseen.Length - Shown} more" : "");
            findings.Add(
                Unseen, place, $"{names} in {unseen.Sum(v => v.Count)} rows of {part.Name}, never "
                + "in train" + (target ? ": classes that cannot be learnt" : ""));
        }
        double apart = train.Values.Sum(v => Math.Abs(
            ((double)v.Count / train.Present)
            - ((double)other.CountOf(v.Fact.Hash) / other.Present)));
        apart = (apart + ((double)unseen.Sum(v => v.Count) / other.Present)) / 2;
        if (Math.Min(train.Present, other.Present) >= MinRows && apart > FarShares)
        {
            findings.Add(
                Shift, place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"{apart:P0} of the rows of {part.Name} have other values than in train"));
        }
    }
}
