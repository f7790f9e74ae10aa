// What is to be learnt from a table: which columns, and whether they hold classes, labels or
// numbers.
//   text or booleans                                  -> classes
//   whole numbers: at most 10 distinct, or 0..k-1 or 1..k with k <= 20 -> classes
//   other numbers                                     -> numbers
//   several columns, all 0/1                          -> labels; several others -> numbers
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>
/// Targets of all rows before standardising. Classes are kept, in 1, 2 or 4 bytes a row; anything
/// else is worked out from the cells when it is asked for.
/// </summary>
internal sealed class Targets
{
    /// <summary>Of a large table; more classes than this no model tells apart.</summary>
    private const int MaxClasses = 100_000;

    private static readonly string[] UsualNames = ["target", "label", "class", "y"];
    private static readonly string[] Separators = ["|", ";"];

    private ClassCodes? _classes;

    /// <summary>Labels of each code, for lists of labels in one column.</summary>
    private int[][]? _lists;

    /// <summary>0, 1 or NaN by code, for each column of flags that is text.</summary>
    private double[]?[]? _flags;

    private Targets(
        RawColumn[] columns, TargetKind kind, string[] labels, string? separator = null)
    {
        Columns = columns;
        Kind = kind;
        Labels = labels;
        Separator = separator;
        Width = kind switch
        {
            TargetKind.Classes => 1,
            TargetKind.MultiLabel => labels.Length,
            _ => columns.Length,
        };
    }

    public RawColumn[] Columns { get; }

    public TargetKind Kind { get; }

    public string[] Labels { get; }

    public string? Separator { get; }

    /// <summary>Numbers a row: 1 for a class.</summary>
    public int Width { get; }

    public string[] Names => Array.ConvertAll(Columns, c => c.Name);

    /// <summary>Class of a row; -1 where missing. Only for classes, from any thread.</summary>
    public int ClassOf(int row) => _classes![row];

    /// <summary>
    /// Class index, 0/1 per label, or the number itself; NaN where missing. The cells of a large
    /// table are read from disk, in one thread and best in ascending order.
    /// </summary>
    public void Read(int row, Span<double> values)
    {
        if (_classes is not null)
        {
            values[0] = _classes[row] < 0 ? double.NaN : _classes[row];
            return;
        }
        Span<double> cells = Columns.Length <= 64
            ? stackalloc double[Columns.Length]
            : new double[Columns.Length];
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = Columns[i].IsText ? Columns[i].Code(row) : Columns[i].Number(row);
        }
        Read(cells, values);
    }

    /// <summary>The same from the row's cells in the target columns. Not for classes.</summary>
    /// <param name="cells">Numbers, or codes of texts.</param>
    public void Read(ReadOnlySpan<double> cells, Span<double> values)
    {
        if (_lists is not null)
        {
            values.Clear();
            // An empty cell is a row with none of the labels.
            int code = (int)cells[0];
            foreach (int label in code < 0 ? [] : _lists[code])
            {
                values[label] = 1;
            }
            return;
        }
        for (int i = 0; i < cells.Length; i++)
        {
            values[i] = _flags?[i] is not double[] flags ? cells[i]
                : cells[i] < 0 ? double.NaN
                : flags[(int)cells[i]];
        }
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
                && !TruthColumn(single) => ReadLabelLists(single),
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
        long distinct = column.Spilled is { } spilled
            ? spilled.Texts.Distinct + spilled.DistinctNumbers
            : 0;
        double[] numbers = [];
        string[] labels = [];
        if (distinct <= MaxClasses && !column.LacksTexts)
        {
            numbers = column.IsText ? [] : DistinctNumbers(column);
            labels = column.IsText
                ? [.. column.Texts]
                : Array.ConvertAll(numbers, Cell.Format);
            distinct = labels.Length;
        }
        if (labels.Length != distinct || (distinct > 20 && distinct > column.Count / 2))
        {
            throw new UsageException(
                $"target '{column.Name}': {distinct} distinct values in {column.Count} rows, "
                + "expected classes that recur; choose another column with --target"
                + (column.IsText ? "" : ", or use --task regression"));
        }
        if (labels.Length < 2)
        {
            throw new DataException(
                $"target '{column.Name}': {labels.Length} distinct values, expected at least two "
                + "classes; choose another column with --target");
        }
        // Numbers by size, texts by character code.
        int[] place = [.. Enumerable.Range(0, labels.Length)];
        if (column.IsText)
        {
            Array.Sort(labels, place, StringComparer.Ordinal);
        }
        return new Targets([column], TargetKind.Classes, labels)
        {
            _classes = column.IsText
                ? ClassesOfTexts(column, place)
                : ClassesOfNumbers(column, numbers),
        };
    }

    /// <param name="place">Code of each label.</param>
    private static ClassCodes ClassesOfTexts(RawColumn column, int[] place)
    {
        var label = new int[place.Length];
        for (int i = 0; i < place.Length; i++)
        {
            label[place[i]] = i;
        }
        var classes = new ClassCodes(column.Count, place.Length);
        for (int row = 0; row < column.Count; row++)
        {
            int code = column.Code(row);
            classes[row] = code < 0 ? -1 : label[code];
        }
        return classes;
    }

    private static ClassCodes ClassesOfNumbers(RawColumn column, double[] numbers)
    {
        var index = new Dictionary<double, int>();
        foreach (double number in numbers)
        {
            index.Add(number, index.Count);
        }
        var classes = new ClassCodes(column.Count, numbers.Length);
        for (int row = 0; row < column.Count; row++)
        {
            double number = column.Number(row);
            classes[row] = double.IsNaN(number) ? -1 : index[number];
        }
        return classes;
    }

    /// <summary>By size.</summary>
    private static double[] DistinctNumbers(RawColumn column)
    {
        var values = new HashSet<double>();
        double last = double.NaN;
        for (int row = 0; row < column.Count; row++)
        {
            double value = column.Number(row);
            if (value != last && !double.IsNaN(value))
            {
                values.Add(last = value);
            }
        }
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted;
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
                if (!column.IsMissing(row)
                    && (column.Text(row) is not string text || !Cell.TryNumber(text, out _)))
                {
                    throw new DataException(
                        $"{table.Locate(row)}: target '{column.Name}' is '{column.Text(row)}', "
                        + "expected a number; mend it, or use --task classification");
                }
            }
            column.BecomeNumbers();
        }
        return new Targets(columns, TargetKind.Numeric, []);
    }

    private static Targets ReadFlags(RawTable table, RawColumn[] columns)
    {
        var flags = new double[]?[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            RawColumn column = columns[i];
            for (int row = 0; row < table.Rows; row++)
            {
                bool good = column.IsText
                    ? column.Text(row) is not string text
                        ? column.IsMissing(row)
                        : Truth(text) is not null
                    : double.IsNaN(column.Number(row)) || column.Number(row) is 0 or 1;
                if (!good)
                {
                    throw new DataException(
                        $"{table.Locate(row)}: label column '{column.Name}' is "
                        + $"'{column.Text(row)}', expected 0 or 1");
                }
            }
            flags[i] = column.IsText
                ? [.. column.Texts.ConvertAll(t => Truth(t) ?? double.NaN)]
                : null;
        }
        return new Targets(
            columns, TargetKind.MultiLabel, Array.ConvertAll(columns, c => c.Name))
        {
            _flags = flags,
        };
    }

    private static Targets ReadLabelLists(RawColumn column)
    {
        if (column.LacksTexts)
        {
            throw new DataException(
                $"target '{column.Name}': about {column.DistinctTexts} different lists of labels "
                + $"in {column.Count} rows, of which {column.Texts.Count} can be told apart; give "
                + "the table more memory with --table-memory, or a column of 0 and 1 for each "
                + "label");
        }
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
        var lists = column.Texts.ConvertAll(text => Array.ConvertAll(
            TableEncoder.SplitLabels(text, separator), label => index[label]));
        return new Targets([column], TargetKind.MultiLabel, labels, separator)
        {
            _lists = [.. lists],
        };
    }

    private static bool TruthColumn(RawColumn column)
    {
        for (int row = 0; row < column.Count; row++)
        {
            bool truth = column.IsText
                ? column.IsMissing(row) || (column.Text(row) is string t && Truth(t) is not null)
                : double.IsNaN(column.Number(row)) || column.Number(row) is 0 or 1;
            if (!truth)
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
