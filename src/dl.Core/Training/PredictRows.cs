// Predictions as rows of named columns: CSV, TSV and Parquet.
using System.Text;
using Dl.Data;
using Dl.Data.Formats.Output;
using Dl.Data.Formats.Parquet;
using Dl.Tasks;

namespace Dl.Training;

/// <summary>
/// In Parquet ids are texts as they were read, or numbers of rows (64 bits); labels are texts, and
/// everything that is worked out is a float of 32 bits.
/// </summary>
internal sealed class PredictRows : PredictWriter
{
    private readonly RowWriter _rows;
    private readonly bool _numbered;
    private readonly byte[][] _labels;
    private byte[] _joined = [];

    public PredictRows(
        Stream output, PredictOptions options, LearningTask task, PredictionInput input,
        string[] uncertainty)
        : base(options, task, input, uncertainty)
    {
        _labels = Array.ConvertAll(Target.Labels, Encoding.UTF8.GetBytes);
        _numbered = input.Numbered;
        _rows = RowWriter.Open(options.Format, output, [.. Columns()]);
    }

    public override void Flush() => _rows.Flush();

    public override void Finish() => _rows.Finish();

    protected override void WriteRow(
        RecordBatch batch, int row, ReadOnlySpan<float> values, ReadOnlySpan<float> uncertainty)
    {
        WriteId(batch, row);
        if (Target.Kind == TargetKind.Numeric)
        {
            Floats(values);
        }
        else
        {
            WriteLabels(values);
        }
        Floats(uncertainty);
        _rows.EndRow();
    }

    private IEnumerable<ParquetField> Columns()
    {
        static ParquetField Float(string name) => new(name, FieldType.Float, Optional: false);
        static ParquetField Text(string name) => new(name, FieldType.String, Optional: false);
        yield return _numbered
            ? new ParquetField(IdName, FieldType.Int64, Optional: false)
            : Text(IdName);
        bool classifies = Target.Kind != TargetKind.Numeric;
        foreach (string name in classifies ? [] : Numbers)
        {
            yield return Float(name);
        }
        if (classifies && Top == 0)
        {
            yield return Text("prediction");
        }
        for (int k = 1; k <= Top; k++)
        {
            yield return Text($"label_{k}");
            yield return Float($"proba_{k}");
        }
        foreach (string label in Probabilities ? Target.Labels : [])
        {
            yield return Float($"proba_{label}");
        }
        foreach (string name in Uncertainty)
        {
            yield return Float(name);
        }
    }

    /// <summary>
    /// Of several files the first decides what ids are; where a later one has none, the number of
    /// the row takes the text's place.
    /// </summary>
    private void WriteId(RecordBatch batch, int row)
    {
        if (!batch.IsNumbered(row))
        {
            _rows.Text(batch.Id(row));
        }
        else if (_numbered)
        {
            _rows.Number(batch.Number(row));
        }
        else
        {
            Span<byte> digits = stackalloc byte[20];
            batch.Number(row).TryFormat(digits, out int length);
            _rows.Text(digits[..length]);
        }
    }

    private void WriteLabels(ReadOnlySpan<float> values)
    {
        for (int k = 0; k < Top; k++)
        {
            int label = Ranked[k];
            _rows.Text(_labels[label]);
            _rows.Number(values[label]);
        }
        if (Top == 0)
        {
            _rows.Text(Target.Kind == TargetKind.Classes ? _labels[Best(values)] : Joined(values));
        }
        if (Probabilities)
        {
            Floats(values);
        }
    }

    private void Floats(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            _rows.Number(value);
        }
    }

    private ReadOnlySpan<byte> Joined(ReadOnlySpan<float> values)
    {
        if (_joined.Length == 0)
        {
            // All labels, and a bar behind each.
            _joined = new byte[_labels.Sum(label => label.Length + 1)];
        }
        int length = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (Has(values[i]))
            {
                _labels[i].CopyTo(_joined, length);
                length += _labels[i].Length;
                _joined[length++] = (byte)'|';
            }
        }
        return _joined.AsSpan(0, Math.Max(0, length - 1));
    }
}
