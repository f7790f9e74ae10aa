// What a single row can be at fault for beside being readable: no target, or being there twice.
using Dl.Data.Tables;

namespace Dl.Data.Checks;

internal static class RowChecks
{
    public static readonly CheckKind MissingTarget = new(
        "missing-target", Severity.Error, "rows without a value in the target",
        "fill it in; --fix leaves the row out")
    {
        Mends = true,
    };

    public static readonly CheckKind Duplicate = new(
        "duplicate-row", Severity.Warning, "rows that are equal in all columns",
        "remove the copies; --fix does")
    {
        Mends = true,
    };

    public static readonly CheckKind Across = new(
        "duplicate-across-parts", Severity.Warning,
        "rows or pictures that training shares with validation or test",
        "remove them from one part, or scores are too good; --fix removes them from train")
    {
        Mends = true,
    };

    public static readonly CheckKind[] All = [MissingTarget, Duplicate, Across];

    /// <param name="hash">Of all cells.</param>
    public static void Look(
        TableProfile table, ReadOnlySpan<CellFact> cells, ulong hash, Spot spot, PartProfile part,
        Findings findings)
    {
        foreach (int target in table.Targets)
        {
            if (cells[target].Kind == CellKind.Missing && part.Columns[target] is not null
                && TargetChoice.NeedsValue(table))
            {
                findings.Add(
                    MissingTarget, table.Locate(spot),
                    $"no value in target {table.Names[target]}, expected one; fill it in, or "
                    + "leave bad rows out with --on-bad-data skip");
            }
        }
        if (table.Memory.Add(hash, spot) is not Spot first)
        {
            return;
        }
        bool across = table.Files[first.File].Part != part.Part;
        findings.Add(
            across ? Across : Duplicate, table.Locate(spot),
            $"equal to {table.Locate(first)} in all columns" + Sampled(table.Memory));
    }

    private static string Sampled(RowMemory memory) =>
        memory.Every == 1 ? "" : $" (looked at: one row in {memory.Every})";
}
