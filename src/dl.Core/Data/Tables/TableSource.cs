// A table as training data: rows with targets, and the fitting of columns.
using Dl.Data.Tables.Storage;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Rows of one or more files with the same columns.</summary>
internal sealed class TableSource : IDataSource
{
    private readonly RawTable _table;
    private readonly Targets _targets;
    private readonly RawColumn[] _inputs;
    private readonly RawColumn? _id;
    private readonly bool _counts;
    private readonly bool _decimalComma;

    private readonly SampleRows _rows;

    /// <summary>Of a table on disk: inputs, and behind them the targets.</summary>
    private readonly BlockCache? _cache;

    public TableSource(RawTable table, DataOptions options, BadData bad, ILogger log)
    {
        _table = table;
        _counts = options.Counts;
        _decimalComma = options.DecimalComma;
        foreach (string name in options.Ignore)
        {
            if (table.Find(name) < 0 && table.Refused.ReasonFor(name) is null)
            {
                throw new UsageException(Nearest.Unknown("column", name, table.Names()));
            }
        }
        table.Refused.Warn(options.Ignore, log);
        if (!table.HasHeader)
        {
            log.LogInformation(
                "no line of names: columns are c1 to c{Count}", table.Columns.Length);
        }
        var odd = new HashSet<int>();
        foreach (RawColumn column in table.Columns)
        {
            if (!options.Ignore.Contains(column.Name))
            {
                odd.UnionWith(OddCells.Mend(table, column, bad));
                column.Settle();
            }
        }
        RawColumn[] targets = Targets.Choose(table, options, log);
        _targets = Targets.Read(table, targets, options.Task);
        Say(log);
        _id = FindId(targets, options);
        if (_id is not null)
        {
            log.LogInformation("column '{Name}': numbers the rows, no input", _id.Name);
        }
        _inputs = Array.FindAll(table.Columns, c =>
            !targets.Contains(c) && !options.Ignore.Contains(c.Name) && c != _id);
        foreach (RawColumn input in _inputs)
        {
            input.BecomeDates();
        }
        _rows = GoodRows(odd, bad);
        _cache = table.Store is null ? null : new BlockCache(table.Store, [.. _inputs, .. targets]);
    }

    public int Count => _rows.Count;

    public Part PartOf(int sample) => _table.PartOf(_rows[sample]);

    public int Stratum(int sample) =>
        _targets.Kind == TargetKind.Classes ? _targets.ClassOf(_rows[sample]) : 0;

    public void Load(CancellationToken cancel)
    {
    }

    public Preprocessing Fit(int[] train, ILogger? log)
    {
        int[] rows = _rows.Of(train);
        List<FeatureColumn> columns = _table.Store is null
            ? TableFit.Fit(_inputs, rows, log)
            : new SpilledFit(_table.Store, _inputs, rows).Fit(log);
        if (columns.Count == 0)
        {
            throw new DataException(
                $"{_table.Locate(0)}: no column to learn from is left beside the target "
                + $"{string.Join(", ", _targets.Names)}");
        }
        return new TablePreprocessing
        {
            Target = FitTarget(rows),
            Columns = [.. columns],
            Header = _table.HasHeader,
            Source = _table.Names(),
            IdColumn = _id?.Name,
            Decimal = _decimalComma ? "comma" : null,
        };
    }

    public IDataset View(int[] samples, Preprocessing preprocessing)
    {
        var target = new TargetReader(_targets, preprocessing.Target);
        var table = (TablePreprocessing)preprocessing;
        return _cache is null
            ? new TableDataset(_table, _rows.Of(samples), table, target)
            : new BlockDataset(_table, _cache, _inputs, _rows.Of(samples), table, target);
    }

    public void Dispose() => _table.Dispose();

    public DataDescription Describe(string fingerprint)
    {
        ClassDescription[]? classes = null;
        if (_targets.Kind == TargetKind.Classes)
        {
            var counts = new int[_targets.Labels.Length];
            for (int sample = 0; sample < Count; sample++)
            {
                counts[Stratum(sample)]++;
            }
            classes = [.. _targets.Labels.Zip(counts, (l, c) => new ClassDescription(l, c))];
        }
        return new DataDescription
        {
            Kind = "table",
            Rows = Count,
            Parts = PartDescriptions.Of(this),
            Columns = Array.ConvertAll(_table.Columns, Describe),
            Classes = classes,
            Fingerprint = fingerprint,
        };
    }

    private void Say(ILogger log)
    {
        string names = string.Join(", ", _targets.Names);
        if (_targets.Kind == TargetKind.Numeric)
        {
            log.LogInformation("task: regression of {Names}", names);
            return;
        }
        log.LogInformation(
            "task: {Kind} of {Names}, {Count} labels ({Labels})",
            _targets.Kind == TargetKind.Classes ? "classification" : "multi-label classification",
            names, _targets.Labels.Length, string.Join(", ", _targets.Labels.Take(12)));
    }

    private RawColumn? FindId(RawColumn[] targets, DataOptions options)
    {
        for (int i = 0; i < _table.Columns.Length; i++)
        {
            RawColumn column = _table.Columns[i];
            bool free = !targets.Contains(column);
            // An ignored id column is no input, but still the name of the row.
            if (free && TableFit.IsId(column, i))
            {
                return column;
            }
        }
        return null;
    }

    /// <summary>Rows with a target and without odd cells.</summary>
    private SampleRows GoodRows(HashSet<int> odd, BadData bad)
    {
        var leftOut = new List<int>();
        var values = new double[_targets.Width];
        for (int row = 0; row < _table.Rows; row++)
        {
            if (odd.Contains(row))
            {
                leftOut.Add(row);
                continue;
            }
            _targets.Read(row, values);
            if (Array.Exists(values, double.IsNaN))
            {
                bad.Report(new DataException(
                    $"{_table.Locate(row)}: no value in target "
                    + $"{string.Join(", ", _targets.Names)}, expected one; fill it in, or leave "
                    + "bad rows out with --on-bad-data skip"));
                leftOut.Add(row);
            }
            else if (_counts && !IsCount(row, values, bad))
            {
                leftOut.Add(row);
            }
        }
        return new SampleRows(_table.Rows, [.. leftOut]);
    }

    private bool IsCount(int row, ReadOnlySpan<double> values, BadData bad)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] < 0)
            {
                bad.Report(new DataException(
                    $"{_table.Locate(row)}: target '{_targets.Names[i]}' is {values[i]}, expected "
                    + "a count of 0 or more; choose another --loss, or leave bad rows out with "
                    + "--on-bad-data skip"));
                return false;
            }
        }
        return true;
    }

    private TargetSpec FitTarget(int[] rows)
    {
        if (_targets.Kind != TargetKind.Numeric)
        {
            return new TargetSpec
            {
                Kind = _targets.Kind,
                Names = _targets.Names,
                Labels = _targets.Labels,
                Separator = _targets.Separator,
            };
        }
        var mean = new float[_targets.Width];
        var std = new float[_targets.Width];
        for (int i = 0; i < mean.Length; i++)
        {
            RawColumn column = _targets.Columns[i];
            (double m, double s) = _table.Store is null
                ? TableFit.Moments(
                    Array.ConvertAll(rows, column.Number), 0, 0, logarithm: false)
                : SpilledFit.Moments(_table.Store, column, rows);
            // The logarithm of a rate can be scaled, but not shifted.
            (mean[i], std[i]) = !_counts ? ((float)m, (float)s) : (0, m > 0 ? (float)m : 1);
        }
        return new TargetSpec
        {
            Kind = TargetKind.Numeric,
            Names = _targets.Names,
            Mean = mean,
            Std = std,
        };
    }

    private static ColumnDescription Describe(RawColumn column)
    {
        int missing = 0;
        // Of a table on disk they are counted already.
        HashSet<double>? distinct = column.Spilled is null ? [] : null;
        double min = double.PositiveInfinity, max = double.NegativeInfinity, sum = 0;
        for (int row = 0; row < column.Count; row++)
        {
            if (column.IsMissing(row))
            {
                missing++;
            }
            else if (!column.IsText)
            {
                double value = column.Number(row);
                distinct?.Add(value);
                (min, max, sum) = (Math.Min(min, value), Math.Max(max, value), sum + value);
            }
        }
        int present = column.Count - missing;
        return column.IsText || present == 0
            ? new ColumnDescription(
                column.Name, column.IsText ? "category" : "number", missing,
                (int)column.DistinctTexts, null, null, null)
            : new ColumnDescription(
                column.Name, column.IsDate ? "date" : "number", missing,
                distinct?.Count ?? (int)column.DistinctNumbers, min, max, sum / present);
    }
}
