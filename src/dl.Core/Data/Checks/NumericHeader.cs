// A line of names that are numbers (sensor ids, years) is taken for data: no rule can tell it from
// data by itself, but it stands apart from the rows below.
namespace Dl.Data.Checks;

internal sealed class NumericHeader : ITableCheck
{
    private const int MinColumns = 3;
    private const int MinRows = 10;

    /// <summary>Columns in which the first line holds the outermost value, far outside.</summary>
    private const double Share = 0.5;

    public static readonly CheckKind Header = new(
        "numeric-header", Severity.Warning, "first lines of numbers that look like names",
        "put a letter before the names, such as s767541");

    public CheckKind[] Kinds => [Header];

    public static bool Is(TableProfile table) => Apart(table) >= Share * table.Names.Count;

    public void Look(TableProfile table, Findings findings)
    {
        if (Is(table))
        {
            findings.Add(
                Header, $"{table.Files[0].Name}:1",
                $"the numbers of the first line lie far outside the others in {Apart(table)} of "
                + $"{table.Names.Count} columns: is it a line of names? It is read as data; put a "
                + "letter before each name");
        }
    }

    /// <summary>Columns in which the first line stands apart; -1: too few to tell.</summary>
    private static int Apart(TableProfile table) =>
        table.HasHeader || table.Names.Count < MinColumns || table.Train.Rows < MinRows
            ? -1
            : table.Train.Columns.Count(c => c is not null && IsApart(c));

    private static bool IsApart(ColumnProfile column)
    {
        if (column.Numbers < MinRows)
        {
            return false;
        }
        double width = column.Quantile(0.75) - column.Quantile(0.25);
        foreach (Extremes end in new[] { column.Low, column.High })
        {
            (double number, Spot spot) = end.Outer[0];
            if (spot == new Spot(0, 1) && Math.Abs(number - end.Second) > 3 * width)
            {
                return true;
            }
        }
        return false;
    }
}
