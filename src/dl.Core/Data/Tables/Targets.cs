// What is to be learnt from a table: which columns, and whether they hold classes, labels or
// numbers.
//   text or booleans                                  -> classes
//   whole numbers: at most 10 distinct, or 0..k-1 or 1..k with k <= 20 -> classes
//   other numbers                                     -> numbers
//   several columns, all 0/1                          -> labels; several others -> numbers
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Targets of all rows before standardising.</summary>
internal sealed class Targets
{
    private static readonly string[] UsualNames = ["target", "label", "class", "y"];
    private static readonly string[] Separators = ["|", ";"];

    private readonly RawColumn[] _columns;
    private readonly double[] _values;

    private Targets(
        RawColumn[] columns, TargetKind kind, string[] labels, string? separator, int rows)
    {
        _columns = columns;
        Kind = kind;
        Labels = labels;
        Separator = separator;
        Width = kind switch
        {
            TargetKind.Classes => 1,
            TargetKind.MultiLabel => labels.Length,
            _ => columns.Length,
        };
        _values = new double[checked(rows * Width)];
    }

    public TargetKind Kind { get; }

    public string[] Labels { get; }

    public string? Separator { get; }

    /// <summary>Numbers a row: 1 for a class.</summary>
    public int Width { get; }

    public string[] Names => Array.ConvertAll(_columns, c => c.Name);

    /// <summary>Class index, 0/1 per label, or the number itself; NaN where missing.</summary>
    public ReadOnlySpan<double> this[int row] => _values.AsSpan(row * Width, Width);

    public bool IsMissing(int row)
    {
        foreach (double value in this[row])
        {
            if (double.IsNaN(value))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Finds the target columns: named ones, a usual name, or the last column.</summary>
    public static RawColumn[] Choose(RawTable table, DataOptions options, ILogger log)
    {
        if (options.Target.Length > 0)
        {
            return Array.ConvertAll(options.Target, name => table.Find(name) is >= 0 and int index
                ? table.Columns[index]
                : throw new UsageException(
                    table.Refused.ReasonFor(name) is string reason
                        ? $"column '{name}' cannot be the target: {reason}"
                        : Nearest.Unknown("column", name, table.Names())));
        }
        foreach (string name in UsualNames)
        {
            foreach (RawColumn column in table.Columns)
            {
                if (column.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
                    && !options.Ignore.Contains(column.Name))
                {
                    log.LogInformation(
                        "target: column '{Name}' by its name (--target chooses another)",
                        column.Name);
                    return [column];
                }
            }
        }
        // A key that only later rows have is not what a user calls the last column.
        RawColumn? last = Array.FindLast(
            table.Columns[..table.FirstColumns], c => !options.Ignore.Contains(c.Name));
        if (last is null)
        {
            throw new UsageException("--ignore: leaves no column to learn from");
        }
        log.LogInformation(
            "target: the last column, '{Name}' (--target chooses another)", last.Name);
        return [last];
    }

    /// <summary>Reads the targets of all rows; the kind is the option's, or inferred.</summary>
    public static Targets Read(RawTable table, RawColumn[] columns, string? task)
    {
        TargetKind kind = task switch
        {
            null => Infer(columns),
            "classification" => TargetKind.Classes,
            "multilabel" => TargetKind.MultiLabel,
            "regression" => TargetKind.Numeric,
            _ => throw new UsageException(
                Nearest.Unknown("task", task, ["classification", "multilabel", "regression"])),
        };
        return kind switch
        {
            TargetKind.Classes => ReadClasses(table, columns),
            TargetKind.MultiLabel when columns is [{ IsText: true } single]
                && !TruthColumn(single) => ReadLabelLists(table, single),
            TargetKind.MultiLabel => ReadFlags(table, columns),
            _ => ReadNumbers(table, columns),
        };
    }

    private static TargetKind Infer(RawColumn[] columns)
    {
        if (columns.Length == 1)
        {
            return columns[0].IsText || HasFewWholeNumbers(columns[0])
                ? TargetKind.Classes
                : TargetKind.Numeric;
        }
        return Array.TrueForAll(columns, TruthColumn) ? TargetKind.MultiLabel : TargetKind.Numeric;
    }

    private static bool HasFewWholeNumbers(RawColumn column)
    {
        SortedSet<double> distinct = [];
        int present = 0;
        for (int row = 0; row < column.Count && distinct.Count <= 20; row++)
        {
            double value = column.Number(row);
            if (double.IsNaN(value))
            {
                continue;
            }
            if (value != Math.Floor(value))
            {
                return false;
            }
            present++;
            distinct.Add(value);
        }
        int count = distinct.Count;
        if (count is 0 or > 20 || (count > 2 && count * 4 > present))
        {
            return false;
        }
        bool runs = distinct.Min is 0 or 1 && distinct.Max - distinct.Min == count - 1;
        return count <= 10 || runs;
    }

    private static Targets ReadClasses(RawTable table, RawColumn[] columns)
    {
        if (columns is not [RawColumn column])
        {
            throw new UsageException(
                $"--target: {columns.Length} columns given, classification expects one; "
                + "use --task multilabel for several 0/1 columns");
        }
        string[] labels = ClassLabels(column);
        if (labels.Length > 20 && labels.Length > column.Count / 2)
        {
            throw new UsageException(
                $"target '{column.Name}': {labels.Length} distinct values in {column.Count} rows, "
                + "expected classes that recur; choose another column with --target"
                + (column.IsText ? "" : ", or use --task regression"));
        }
        if (labels.Length < 2)
        {
            throw new DataException(
                $"target '{column.Name}': {labels.Length} distinct values, expected at least two "
                + "classes; choose another column with --target");
        }
        var targets = new Targets([column], TargetKind.Classes, labels, null, table.Rows);
        Dictionary<string, int> index = TableEncoder.Index(labels);
        for (int row = 0; row < table.Rows; row++)
        {
            targets._values[row] = column.Text(row) is string text ? index[text] : double.NaN;
        }
        return targets;
    }

    /// <summary>Distinct values: numbers by size, texts by character code.</summary>
    private static string[] ClassLabels(RawColumn column)
    {
        if (column.IsText)
        {
            string[] texts = [.. column.Texts];
            Array.Sort(texts, StringComparer.Ordinal);
            return texts;
        }
        var values = new SortedSet<double>();
        for (int row = 0; row < column.Count; row++)
        {
            if (!column.IsMissing(row))
            {
                values.Add(column.Number(row));
            }
        }
        return [.. values.Select(Cell.Format)];
    }

    private static Targets ReadNumbers(RawTable table, RawColumn[] columns)
    {
        foreach (RawColumn column in columns)
        {
            if (!column.IsText)
            {
                continue;
            }
            for (int row = 0; row < table.Rows; row++)
            {
                if (column.Text(row) is string text && !Cell.TryNumber(text, out _))
                {
                    throw new DataException(
                        $"{table.Locate(row)}: target '{column.Name}' is '{text}', expected a "
                        + "number; mend it, or use --task classification");
                }
            }
        }
        var targets = new Targets(columns, TargetKind.Numeric, [], null, table.Rows);
        for (int row = 0; row < table.Rows; row++)
        {
            for (int i = 0; i < columns.Length; i++)
            {
                targets._values[(row * columns.Length) + i] = columns[i].Number(row);
            }
        }
        return targets;
    }

    private static Targets ReadFlags(RawTable table, RawColumn[] columns)
    {
        var targets = new Targets(
            columns, TargetKind.MultiLabel, Array.ConvertAll(columns, c => c.Name), null,
            table.Rows);
        for (int row = 0; row < table.Rows; row++)
        {
            for (int i = 0; i < columns.Length; i++)
            {
                string? text = columns[i].Text(row);
                targets._values[(row * columns.Length) + i] = text is null
                    ? double.NaN
                    : Truth(text) ?? throw new DataException(
                        $"{table.Locate(row)}: label column '{columns[i].Name}' is '{text}', "
                        + "expected 0 or 1");
            }
        }
        return targets;
    }

    private static Targets ReadLabelLists(RawTable table, RawColumn column)
    {
        string separator = Array.Find(
            Separators,
            s => column.Texts.Exists(t => t.Contains(s, StringComparison.Ordinal))) ?? "|";
        var distinct = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string text in column.Texts)
        {
            distinct.UnionWith(TableEncoder.SplitLabels(text, separator));
        }
        string[] labels = [.. distinct];
        Dictionary<string, int> index = TableEncoder.Index(labels);
        var targets = new Targets([column], TargetKind.MultiLabel, labels, separator, table.Rows);
        for (int row = 0; row < table.Rows; row++)
        {
            // An empty cell is a row with none of the labels.
            foreach (string label in TableEncoder.SplitLabels(column.Text(row) ?? "", separator))
            {
                targets._values[(row * labels.Length) + index[label]] = 1;
            }
        }
        return targets;
    }

    private static bool TruthColumn(RawColumn column)
    {
        for (int row = 0; row < column.Count; row++)
        {
            if (column.Text(row) is string text && Truth(text) is null)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>1 or 0 for the usual words of both; null for anything else.</summary>
    public static double? Truth(string text) => text.ToLowerInvariant() switch
    {
        "1" or "true" or "yes" or "y" or "t" => 1,
        "0" or "false" or "no" or "n" or "f" => 0,
        _ => null,
    };
}

/// <summary>Targets as a model learns them: numbers standardised.</summary>
internal sealed class TargetReader(Targets targets, TargetSpec spec)
{
    public void Read(int row, Span<float> target)
    {
        ReadOnlySpan<double> values = targets[row];
        for (int i = 0; i < values.Length; i++)
        {
            target[i] = spec.Kind == TargetKind.Numeric
                ? (float)((values[i] - spec.Mean[i]) / spec.Std[i])
                : (float)values[i];
        }
    }
}
