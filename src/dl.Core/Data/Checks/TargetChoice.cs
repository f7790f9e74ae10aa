// Which columns are to be learnt and what they hold, by the rules of training (Tables/Targets.cs)
// but from a profile instead of rows.
using Dl.Data.Tables;

namespace Dl.Data.Checks;

internal static class TargetChoice
{
    private static readonly string[] UsualNames = ["target", "label", "class", "y"];

    /// <summary>Sets the target columns by the names that are known so far.</summary>
    public static void Choose(TableProfile table)
    {
        DataOptions options = table.Options;
        if (options.Target.Length > 0)
        {
            table.Targets =
            [
                .. options.Target.Select(t => table.Names.IndexOf(t)).Where(t => t >= 0),
            ];
            return;
        }
        foreach (string name in UsualNames)
        {
            int usual = table.Names.FindIndex(n =>
                n.Equals(name, StringComparison.OrdinalIgnoreCase) && !options.Ignore.Contains(n));
            if (usual >= 0)
            {
                table.Targets = [usual];
                return;
            }
        }
        int last = table.Names.FindLastIndex(
            Math.Min(table.FirstColumns, table.Names.Count) - 1,
            n => !options.Ignore.Contains(n));
        table.Targets = last >= 0 ? [last] : [];
    }

    /// <summary>Chooses again when all names are known, and tells what the targets hold.</summary>
    /// <exception cref="UsageException">An option names a column that is not there.</exception>
    public static void Settle(TableProfile table)
    {
        foreach (string name in table.Options.Target.Concat(table.Options.Ignore))
        {
            if (!table.Names.Contains(name))
            {
                throw new UsageException(Nearest.Unknown("column", name, table.Names));
            }
        }
        Choose(table);
        if (table.Targets.Length == 0)
        {
            throw new UsageException("--ignore: leaves no column to learn from");
        }
        table.Kind = table.Options.Task switch
        {
            "classification" => TargetKind.Classes,
            "multilabel" => TargetKind.MultiLabel,
            "regression" => TargetKind.Numeric,
            null => Infer(table),
            string task => throw new UsageException(Nearest.Unknown(
                "task", task, ["classification", "multilabel", "regression"])),
        };
    }

    /// <summary>Whether a row without a value in the target is bad.</summary>
    public static bool NeedsValue(TableProfile table) =>
        table.Options.Task != "multilabel" || table.Targets.Length > 1;

    /// <summary>Labels of a target of classes as training counts them.</summary>
    public static long Labels(TableProfile table, int column)
    {
        ColumnProfile union = table.Union(column);
        return union.ManyNumbers || union.ManyTexts
            ? union.Distinct
            : union.Values.Select(v => v.Fact.Hash).Distinct().Count();
    }

    private static TargetKind Infer(TableProfile table)
    {
        if (table.Targets.Length > 1)
        {
            return Array.TrueForAll(table.Targets, t => IsTruth(table.Union(t)))
                ? TargetKind.MultiLabel
                : TargetKind.Numeric;
        }
        int target = table.Targets[0];
        return table.IsNumeric(target) && !HasFewWholeNumbers(table.Union(target))
            ? TargetKind.Numeric
            : TargetKind.Classes;
    }

    private static bool IsTruth(ColumnProfile column) =>
        !column.ManyNumbers && !column.ManyTexts
        && column.Values.All(v => Targets.Truth(Cell.Canonical(v.Text)) is not null);

    private static bool HasFewWholeNumbers(ColumnProfile column)
    {
        if (column.ManyNumbers)
        {
            return false;
        }
        double[] distinct =
        [
            .. column.Values.Where(v => v.Fact.Kind == CellKind.Number)
                .Select(v => v.Fact.Number).Distinct(),
        ];
        if (distinct.Length is 0 or > 20 || distinct.Any(v => v != Math.Floor(v))
            || (distinct.Length > 2 && distinct.Length * 4 > column.Numbers))
        {
            return false;
        }
        bool runs = distinct.Min() is 0 or 1
            && distinct.Max() - distinct.Min() == distinct.Length - 1;
        return distinct.Length <= 10 || runs;
    }
}
