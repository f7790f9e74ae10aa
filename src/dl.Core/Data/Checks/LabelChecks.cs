// Labels: whether the target can be learnt, how evenly its classes come, and how they are spelt.
using System.Globalization;
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>Targets that training would refuse.</summary>
internal sealed class UsableTarget : ITableCheck
{
    public static readonly CheckKind Unusable = new(
        "unusable-target", Severity.Error, "targets that cannot be learnt",
        "name another column with --target, or another --task");

    public CheckKind[] Kinds => [Unusable];

    public void Look(TableProfile table, Findings findings)
    {
        switch (table.Kind)
        {
            case TargetKind.Classes:
                LookAtClasses(table, findings);
                break;
            case TargetKind.Numeric:
                LookAtNumbers(table, findings);
                break;
        }
    }

    private static void LookAtClasses(TableProfile table, Findings findings)
    {
        int target = table.Targets[0];
        long labels = TargetChoice.Labels(table, target);
        if (labels > 20 && labels > table.Rows / 2)
        {
            findings.Add(
                Unusable, table.Locate(target),
                $"{labels} distinct values in {table.Rows} rows, expected classes that recur; "
                + "choose another column with --target"
                + (table.IsNumeric(target) ? ", or use --task regression" : ""));
        }
        else if (labels < 2)
        {
            findings.Add(
                Unusable, table.Locate(target),
                $"{labels} distinct values, expected at least two classes; choose another column "
                + "with --target");
        }
    }

    private static void LookAtNumbers(TableProfile table, Findings findings)
    {
        foreach (int target in table.Targets.Where(t => !table.IsNumeric(t)))
        {
            CellValue? text = table.Union(target).TextValues.FirstOrDefault();
            if (text is not null)
            {
                findings.Add(
                    Unusable, table.Locate(text.First),
                    $"target '{table.Names[target]}' is '{text.Text}', expected a number; mend "
                    + "it, or use --task classification");
            }
        }
    }
}

/// <summary>How many rows the classes have.</summary>
internal sealed class ClassBalance : ITableCheck
{
    private const double Imbalance = 20;
    private const int Few = 5;

    public static readonly CheckKind Imbalanced = new(
        "class-imbalance", Severity.Warning,
        "classes with 20 times as many samples as others",
        "train with --class-weights balanced, and look at f1 instead of accuracy");

    public static readonly CheckKind RareClass = new(
        "rare-class", Severity.Warning, "classes with fewer than 5 samples",
        "collect more, or put it together with another class");

    public CheckKind[] Kinds => [Imbalanced, RareClass];

    public void Look(TableProfile table, Findings findings)
    {
        if (table.Kind != TargetKind.Classes
            || table.Train.Columns[table.Targets[0]] is not ColumnProfile target
            || target.ManyTexts || target.ManyNumbers)
        {
            return;
        }
        Look(
            table.Locate(table.Targets[0]),
            [.. TableProfile.ByCount(target).Select(v => (v.Text, v.Count))], findings);
    }

    /// <param name="place">For messages.</param>
    /// <param name="classes">By falling frequency.</param>
    /// <param name="findings">Gets what is found.</param>
    public static void Look(
        string place, IReadOnlyList<(string Name, long Count)> classes, Findings findings)
    {
        if (classes.Count < 2)
        {
            return;
        }
        (string most, long often) = classes[0];
        (string least, long seldom) = classes[^1];
        if (often >= Imbalance * Math.Max(1, seldom))
        {
            findings.Add(
                Imbalanced, place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"class '{most}' has {often} samples, '{least}' {seldom}; always saying "
                    + $"'{most}' is right in {(double)often / classes.Sum(c => c.Count):P1}"));
        }
        foreach ((string name, long count) in classes.Where(c => c.Count < Few && often >= 2 * Few))
        {
            findings.Add(
                RareClass, place,
                $"class '{name}' has {count} {(count == 1 ? "sample" : "samples")}, too few to "
                + "learn from and to test");
        }
    }
}

/// <summary>Words that are spelt in several ways.</summary>
internal sealed class Spelling : ITableCheck
{
    public static readonly CheckKind Label = new(
        "label-typo", Severity.Warning, "classes that differ in case, blanks or a letter or two",
        "spell them alike; --fix does where it is clear");

    public static readonly CheckKind Category = new(
        "category-typo", Severity.Warning,
        "categories that differ in case, blanks or a letter or two",
        "spell them alike; --fix does where it is clear");

    public CheckKind[] Kinds => [Label, Category];

    public void Look(TableProfile table, Findings findings)
    {
        for (int column = 0; column < table.Names.Count; column++)
        {
            foreach (Typo typo in Find(table, column))
            {
                bool label = table.IsTarget(column);
                findings.Add(
                    label ? Label : Category, table.Locate(typo.Wrong.First),
                    $"column '{table.Names[column]}' is '{typo.Wrong.Text}' "
                    + $"({Times(typo.Wrong.Count)}), probably '{typo.Right.Text}' "
                    + $"({Times(typo.Right.Count)}); spell it alike");
            }
        }
    }

    /// <summary>Typing errors of a column whose texts are labels or categories.</summary>
    public static List<Typo> Find(TableProfile table, int column)
    {
        ColumnProfile profile = table.Union(column);
        bool looked = !table.IsIgnored(column) && profile.Texts > 0 && !profile.ManyTexts
            && !table.IsNumeric(column)
            && (table.IsTarget(column) || profile.Distinct * 2 <= Math.Max(40, profile.Present))
            && !profile.TextValues.All(v => Cell.TryDate(v.Text, out _));
        return looked ? Typos.Find(TableProfile.ByCount(profile)) : [];
    }

    internal static string Times(long count) => count == 1 ? "once" : $"{count} times";
}
