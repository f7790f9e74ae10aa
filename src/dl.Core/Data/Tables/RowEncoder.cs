// One row of cells to one record: the streaming counterpart of TableDataset.
using System.Text;
using Dl.Data.Formats;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Encodes rows of one file, whose fields were matched to the model's columns.</summary>
internal sealed class RowEncoder
{
    private readonly TablePreprocessing _preprocessing;
    private readonly ILogger _log;
    private readonly Categories?[] _categories;
    private readonly Categories _labels;
    private readonly bool[] _warned;

    public RowEncoder(TablePreprocessing preprocessing, ILogger log)
    {
        _preprocessing = preprocessing;
        _log = log;
        _categories = Array.ConvertAll(
            preprocessing.Columns,
            c => c.Kind == ColumnKind.Category ? new Categories(c.Categories) : null);
        _labels = new Categories(preprocessing.Target.Labels);
        _warned = new bool[preprocessing.Columns.Length];
    }

    /// <param name="fields">Field of each column of the preprocessing.</param>
    /// <param name="features">FeatureShape.Count floats, all of them written.</param>
    /// <exception cref="DataException">A text where a number belongs.</exception>
    public void Features(IRowReader reader, int[] fields, Span<float> features)
    {
        int at = 0;
        for (int i = 0; i < fields.Length; i++)
        {
            FeatureColumn column = _preprocessing.Columns[i];
            int width = column.Width;
            Span<float> place = features.Slice(at, width);
            if (_categories[i] is { } categories)
            {
                TableEncoder.Category(Category(i, categories, reader, fields[i]), place);
            }
            else
            {
                double value = column.Transform == ColumnTransform.Date
                    ? Date(reader, column.Name, reader[fields[i]])
                    : Number(reader, column.Name, fields[i]);
                TableEncoder.Number(column, value, place);
            }
            at += width;
        }
    }

    /// <summary>The target as in training.</summary>
    /// <param name="fields">Field of each target column.</param>
    /// <exception cref="DataException">The label is missing, or training had none such.</exception>
    public float[] Target(IRowReader reader, int[] fields)
    {
        TargetSpec spec = _preprocessing.Target;
        float[]? target = spec.Kind switch
        {
            TargetKind.Classes => Class(reader, fields[0]),
            TargetKind.MultiLabel => Labels(reader, fields),
            _ => Numbers(reader, fields),
        };
        return target ?? throw new DataException(
            $"{reader.Where}: no value in target {string.Join(", ", spec.Names)}, which is needed "
            + "for scoring");
    }

    private float[]? Class(IRowReader reader, int field)
    {
        ReadOnlySpan<byte> cell = reader.Utf8(field);
        if (Cell.Read(cell, out _) == CellKind.Missing)
        {
            return null;
        }
        int label = _labels.Find(cell);
        return label >= 0 ? [label] : throw Unseen(reader, reader[field]);
    }

    private float[] Labels(IRowReader reader, int[] fields)
    {
        TargetSpec spec = _preprocessing.Target;
        var target = new float[spec.Labels.Length];
        if (spec.Separator is string separator)
        {
            string cell = reader[fields[0]];
            foreach (string label in Cell.IsMissing(cell)
                ? []
                : TableEncoder.SplitLabels(cell, separator))
            {
                int i = _labels.Find(Encoding.UTF8.GetBytes(label));
                target[i >= 0 ? i : throw Unseen(reader, label)] = 1;
            }
            return target;
        }
        for (int i = 0; i < fields.Length; i++)
        {
            target[i] = (float)(Targets.Truth(Cell.Canonical(reader[fields[i]]))
                ?? throw new DataException(
                    $"{reader.Where}: label column '{spec.Names[i]}' is '{reader[fields[i]]}', "
                    + "expected 0 or 1"));
        }
        return target;
    }

    private float[]? Numbers(IRowReader reader, int[] fields)
    {
        TargetSpec spec = _preprocessing.Target;
        var target = new float[fields.Length];
        for (int i = 0; i < fields.Length; i++)
        {
            double value = Number(reader, spec.Names[i], fields[i]);
            if (double.IsNaN(value))
            {
                return null;
            }
            target[i] = (float)((value - spec.Mean[i]) / spec.Std[i]);
        }
        return target;
    }

    private int Category(int index, Categories categories, IRowReader reader, int field)
    {
        ReadOnlySpan<byte> cell = reader.Utf8(field);
        int place = categories.Find(cell);
        if (place < 0 && Cell.Read(cell, out _) != CellKind.Missing && !_warned[index])
        {
            _warned[index] = true;
            _log.LogWarning(
                "{Where}: column '{Name}' is '{Cell}', which training did not see or keep; such "
                + "values count as unknown", reader.Where, _preprocessing.Columns[index].Name,
                reader[field]);
        }
        return place < 0 ? _preprocessing.Columns[index].Categories.Length : place;
    }

    private static double Date(IRowReader reader, string column, string cell) =>
        Cell.IsMissing(cell) ? double.NaN
        : Cell.TryDate(cell, out double days) ? days
        : throw new DataException(
            $"{reader.Where}: column '{column}' is '{cell}', expected a date such as 2024-05-17 or "
            + "2024-05-17T08:30; mend the row, or leave bad rows out with --on-bad-data skip");

    private static double Number(IRowReader reader, string column, int field) =>
        reader.Kind(field, out double number) switch
        {
            CellKind.Number => number,
            CellKind.Missing => double.NaN,
            CellKind.Infinite => throw HeaderLine.Infinite(reader.Name, reader.Line, column),
            _ => throw new DataException(
                $"{reader.Where}: column '{column}' is '{reader[field]}', expected a number; mend "
                + "the row, or leave bad rows out with --on-bad-data skip"),
        };

    private DataException Unseen(IRowReader reader, string label) => new(
        $"{reader.Where}: label '{label}' was not seen in training, expected one of "
        + string.Join(", ", _preprocessing.Target.Labels.Take(20)));
}
