// Rows that are nearly equal, in the sample of training rows. Two kinds, both by hashes, so that
// the work grows with rows x columns:
//   - numbers that agree to 5 digits: every number is cut to a grid of that width, and once more to
//     a grid moved by half a step, so that no pair is lost to an edge of the grid;
//   - rows equal in all columns but one, where those that agree hold at least 5 columns of 20 and
//     more different numbers: in fewer or coarser columns such rows come by chance.
// And rows with the same inputs but different labels.
using Dl.Data.Tables;

namespace Dl.Data.Checks;

internal sealed class NearRows : ITableCheck
{
    private const int RichColumns = 5;
    private const int RichValues = 20;
    private const int MaxColumns = 64;
    private const int Digits = 5;

    public static readonly CheckKind Near = new(
        "near-duplicate", Severity.Note,
        "rows equal but for one column or for last digits, pictures that look the same",
        "look whether one is a copy of the other");

    public static readonly CheckKind Conflict = new(
        "label-conflict", Severity.Note,
        "rows with the same inputs, or equal pictures, in different classes",
        "nothing, if the inputs do not tell the classes apart; else mend the labels");

    public CheckKind[] Kinds => [Near, Conflict];

    public void Look(TableProfile table, Findings findings)
    {
        int[] columns =
        [
            .. Enumerable.Range(0, table.Names.Count).Where(c => !table.IsIgnored(c)),
        ];
        var reported = new HashSet<Spot>();
        if (table.Kind == TargetKind.Classes)
        {
            FindConflicts(table, findings);
        }
        bool[] rich = Array.ConvertAll(
            columns, c => table.IsNumeric(c) && table.Union(c).Distinct >= RichValues);
        if (rich.Count(r => r) < RichColumns)
        {
            return;
        }
        FindRounded(table, columns, findings, reported);
        if (columns.Length <= MaxColumns)
        {
            FindAllButOne(table, columns, rich, findings, reported);
        }
    }

    private static void FindConflicts(TableProfile table, Findings findings)
    {
        var first = new Dictionary<ulong, int>();
        for (int row = 0; row < table.Sample.Rows.Count; row++)
        {
            ulong inputs = 0;
            for (int column = 0; column < table.Names.Count; column++)
            {
                inputs += table.IsInput(column)
                    ? CellHash.InColumn(table.Sample[row, column].Hash, column)
                    : 0;
            }
            if (first.TryAdd(inputs, row))
            {
                continue;
            }
            int target = table.Targets[0], other = first[inputs];
            if (table.Sample[row, target].Hash != table.Sample[other, target].Hash)
            {
                findings.Add(
                    Conflict, table.Locate(table.Sample.Rows[row].Spot),
                    $"the inputs are those of {table.Locate(table.Sample.Rows[other].Spot)}, the "
                    + $"'{table.Names[target]}' is another");
            }
        }
    }

    private static void FindRounded(
        TableProfile table, int[] columns, Findings findings, HashSet<Spot> reported)
    {
        foreach (double offset in new[] { 0, 0.5 })
        {
            var first = new Dictionary<ulong, (int Row, ulong Exact)>();
            for (int row = 0; row < table.Sample.Rows.Count; row++)
            {
                ulong rounded = 0, exact = 0;
                foreach (int column in columns)
                {
                    CellFact cell = table.Sample[row, column];
                    exact += CellHash.InColumn(cell.Hash, column);
                    rounded += CellHash.InColumn(
                        cell.Kind == CellKind.Number ? OnGrid(cell.Number, offset) : cell.Hash,
                        column);
                }
                if (!first.TryAdd(rounded, (row, exact)) && first[rounded].Exact != exact)
                {
                    Report(
                        table, row, first[rounded].Row, $"in {Digits} digits of every number",
                        findings, reported);
                }
            }
        }
    }

    /// <summary>The number's cell on a grid whose step is a 10^5th of its power of ten.</summary>
    private static ulong OnGrid(double number, double offset)
    {
        if (number == 0)
        {
            return CellHash.Of(0);
        }
        double step = Math.Pow(10, Math.Floor(Math.Log10(Math.Abs(number))) + 1 - Digits);
        return CellHash.Of(Math.Floor((number / step) + offset) * step);
    }

    private static void FindAllButOne(
        TableProfile table, int[] columns, bool[] rich, Findings findings,
        HashSet<Spot> reported)
    {
        var total = new ulong[table.Sample.Rows.Count];
        for (int row = 0; row < total.Length; row++)
        {
            foreach (int column in columns)
            {
                total[row] += CellHash.InColumn(table.Sample[row, column].Hash, column);
            }
        }
        int richAll = rich.Count(r => r);
        for (int i = 0; i < columns.Length; i++)
        {
            if (richAll - (rich[i] ? 1 : 0) < RichColumns)
            {
                continue;
            }
            var first = new Dictionary<ulong, int>();
            for (int row = 0; row < total.Length; row++)
            {
                CellFact cell = table.Sample[row, columns[i]];
                ulong others = total[row] - CellHash.InColumn(cell.Hash, columns[i]);
                if (!first.TryAdd(others, row)
                    && table.Sample[first[others], columns[i]].Hash != cell.Hash)
                {
                    Report(
                        table, row, first[others],
                        $"in all columns but '{table.Names[columns[i]]}'", findings, reported);
                }
            }
        }
    }

    private static void Report(
        TableProfile table, int row, int other, string how, Findings findings,
        HashSet<Spot> reported)
    {
        Spot spot = table.Sample.Rows[row].Spot;
        if (reported.Add(spot))
        {
            findings.Add(
                Near, table.Locate(spot),
                $"equal to {table.Locate(table.Sample.Rows[other].Spot)} {how}");
        }
    }
}
