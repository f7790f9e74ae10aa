// Columns that tell too much: about the target, or about one another. Looked at is a sample of the
// training rows, which is all of them in small tables.
using System.Globalization;

namespace Dl.Data.Checks;

/// <summary>Inputs that give the target away.</summary>
internal sealed class Leakage : ITableCheck
{
    private const int MinRows = 20;
    private const double Nearly = 0.99;

    /// <summary>Where one class alone is as frequent, accuracy says little.</summary>
    private const double MajorityBelow = 0.9;
    private const double Correlated = 0.9999;
    private const double RanksToo = 0.99;

    /// <summary>A column of values that each come this often at least does not name rows.</summary>
    private const int RowsOfValue = 5;

    public static readonly CheckKind Suspect = new(
        "leakage", Severity.Warning,
        "inputs that equal the target or tell it nearly without fail",
        "leave it out with --ignore unless it is known before the target is");

    public CheckKind[] Kinds => [Suspect];

    public void Look(TableProfile table, Findings findings)
    {
        if (table.Targets is not [int targetColumn] || table.Sample.Rows.Count < MinRows
            || table.Kind is not (TargetKind.Classes or TargetKind.Numeric))
        {
            return;
        }
        var target = new SampledColumn(table.Sample, targetColumn);
        double[] ranks = Association.Ranks(target.Numbers);
        for (int column = 0; column < table.Names.Count; column++)
        {
            if (!table.IsInput(column))
            {
                continue;
            }
            var input = new SampledColumn(table.Sample, column);
            string? how = input.Distinct < 2 ? null
                : Equal(table.Sample, column, targetColumn) ? "equals the target in every row"
                : table.Kind == TargetKind.Classes
                    ? OfClasses(input, target)
                    : OfNumbers(input, target, ranks);
            if (how is not null)
            {
                findings.Add(
                    Suspect, table.Locate(column),
                    $"{how} '{table.Names[targetColumn]}'".Replace(
                        "target in every row '", "target '", StringComparison.Ordinal)
                    + (table.Sample.Whole ? "" : $" in {table.Sample.Rows.Count} rows drawn")
                    + $"; does it repeat the answer? Leave it out with --ignore "
                    + table.Names[column]);
            }
        }
    }

    private static bool Equal(RowSample sample, int a, int b)
    {
        for (int row = 0; row < sample.Rows.Count; row++)
        {
            if (sample[row, a].Hash != sample[row, b].Hash)
            {
                return false;
            }
        }
        return true;
    }

    private static string? OfClasses(SampledColumn input, SampledColumn target)
    {
        // Enough rows for each class: with one row a class any two columns are one-to-one.
        bool recurs = target.Distinct * RowsOfValue <= target.Present;
        if (recurs && Association.OneToOne(input, target))
        {
            return "goes one to one with the target";
        }
        if (Association.MajorityShare(target) >= MajorityBelow)
        {
            return null;
        }
        double accuracy = input.Distinct * RowsOfValue <= input.Present
            ? Association.AccuracyByValue(input, target)
            : 0;
        if (accuracy <= Nearly && recurs && input.Numbers.Any(double.IsFinite))
        {
            accuracy = Association.AccuracyByCuts(input.Numbers, target);
        }
        return accuracy > Nearly
            ? string.Create(
                CultureInfo.InvariantCulture, $"alone is right in {accuracy:P1} about the target")
            : null;
    }

    private static string? OfNumbers(SampledColumn input, SampledColumn target, double[] ranks)
    {
        double correlation = Association.Correlation(input.Numbers, target.Numbers);
        double rank = target.Distinct > MinRows && input.Distinct > MinRows
            ? Association.Correlation(Association.Ranks(input.Numbers), ranks)
            : correlation;
        // One far outlier in both columns makes any two correlate; ranks do not know of it.
        if (Math.Abs(correlation) > Correlated && Math.Abs(rank) > RanksToo)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $"has correlation {correlation:F5} with the target");
        }
        return Math.Abs(rank) > Correlated
            ? string.Create(
                CultureInfo.InvariantCulture, $"has rank correlation {rank:F5} with the target")
            : null;
    }
}

/// <summary>Inputs that repeat one another.</summary>
internal sealed class Redundancy : ITableCheck
{
    private const int MaxColumns = 200;
    private const int MinRows = 20;
    private const double Correlated = 0.99;
    private const double RanksToo = 0.9;
    private const int RowsOfValue = 5;

    public static readonly CheckKind Redundant = new(
        "redundant-columns", Severity.Note, "pairs of inputs that say the same",
        "nothing, or --ignore one of them");

    public CheckKind[] Kinds => [Redundant];

    public void Look(TableProfile table, Findings findings)
    {
        int[] inputs = [.. Enumerable.Range(0, table.Names.Count).Where(table.IsInput)];
        if (inputs.Length > MaxColumns || table.Sample.Rows.Count < MinRows)
        {
            return;
        }
        SampledColumn[] columns =
            Array.ConvertAll(inputs, c => new SampledColumn(table.Sample, c));
        for (int a = 0; a < inputs.Length; a++)
        {
            for (int b = a + 1; b < inputs.Length; b++)
            {
                if (How(columns[a], columns[b]) is string how)
                {
                    findings.Add(
                        Redundant, table.Locate(inputs[b]),
                        $"{how} column '{table.Names[inputs[a]]}'");
                }
            }
        }
    }

    private static string? How(SampledColumn a, SampledColumn b)
    {
        if (a.Distinct * RowsOfValue <= a.Present && Association.OneToOne(a, b))
        {
            return "goes one to one with";
        }
        double correlation = Association.Correlation(a.Numbers, b.Numbers);
        return Math.Abs(correlation) > Correlated && Math.Abs(Association.Correlation(
            Association.Ranks(a.Numbers), Association.Ranks(b.Numbers))) > RanksToo
            ? string.Create(
                CultureInfo.InvariantCulture, $"has correlation {correlation:F3} with")
            : null;
    }
}
