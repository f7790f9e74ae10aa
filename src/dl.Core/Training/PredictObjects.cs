// Predictions as JSON lines, an object a row:
//   {"id":"k7","prediction":"cat","top":[{"label":"cat","proba":0.9},...],"proba":{"cat":0.9,...}}
// Several labels are a list; numbers stand under their names. The number of a row is a number; ids
// are texts, whatever they look like.
using System.Text;
using Dl.Data;
using Dl.Data.Formats.Output;
using Dl.Tasks;

namespace Dl.Training;

/// <summary>What JSON has no number for is null.</summary>
internal sealed class PredictObjects : PredictWriter
{
    private readonly Utf8Output _output;

    /// <summary>Texts of JSON with their quotes; keys with the colon behind.</summary>
    private readonly byte[] _idKey;
    private readonly byte[][] _labels;
    private readonly byte[][] _keys;
    private readonly byte[][] _uncertaintyKeys;

    public PredictObjects(
        Stream output, PredictOptions options, LearningTask task, PredictionInput input,
        string[] uncertainty)
        : base(options, task, input, uncertainty)
    {
        _output = new Utf8Output(output);
        _idKey = Key(IdName);
        _labels = Array.ConvertAll(Target.Labels, Quoted);
        _keys = Array.ConvertAll(
            Target.Kind == TargetKind.Numeric ? Numbers : Target.Labels, Key);
        _uncertaintyKeys = Array.ConvertAll(uncertainty, Key);
    }

    public override void Flush() => _output.Flush();

    public override void Finish() => _output.Flush();

    protected override void WriteRow(
        RecordBatch batch, int row, ReadOnlySpan<float> values, ReadOnlySpan<float> uncertainty)
    {
        _output.Append((byte)'{');
        _output.Append(_idKey);
        if (batch.IsNumbered(row))
        {
            _output.Append(batch.Number(row));
        }
        else
        {
            _output.AppendJson(batch.Id(row));
        }
        if (Target.Kind == TargetKind.Numeric)
        {
            _output.Append((byte)',');
            Members(_keys, values);
        }
        else
        {
            WriteLabels(values);
        }
        if (uncertainty.Length > 0)
        {
            _output.Append((byte)',');
            Members(_uncertaintyKeys, uncertainty);
        }
        _output.Append((byte)'}');
        _output.EndLine();
    }

    private void WriteLabels(ReadOnlySpan<float> values)
    {
        _output.Append(",\"prediction\":"u8);
        if (Target.Kind == TargetKind.Classes)
        {
            _output.Append(_labels[Best(values)]);
        }
        else
        {
            WriteSet(values);
        }
        for (int k = 0; k < Top; k++)
        {
            _output.Append(k == 0 ? ",\"top\":[{\"label\":"u8 : ",{\"label\":"u8);
            _output.Append(_labels[Ranked[k]]);
            _output.Append(",\"proba\":"u8);
            _output.AppendJson(values[Ranked[k]]);
            _output.Append(k == Top - 1 ? "}]"u8 : "}"u8);
        }
        if (Probabilities)
        {
            _output.Append(",\"proba\":{"u8);
            Members(_keys, values);
            _output.Append((byte)'}');
        }
    }

    private void WriteSet(ReadOnlySpan<float> values)
    {
        _output.Append((byte)'[');
        bool first = true;
        for (int i = 0; i < values.Length; i++)
        {
            if (Has(values[i]))
            {
                if (!first)
                {
                    _output.Append((byte)',');
                }
                _output.Append(_labels[i]);
                first = false;
            }
        }
        _output.Append((byte)']');
    }

    private void Members(byte[][] keys, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (i > 0)
            {
                _output.Append((byte)',');
            }
            _output.Append(keys[i]);
            _output.AppendJson(values[i]);
        }
    }

    private static byte[] Quoted(string text) =>
        Encoding.UTF8.GetBytes($"\"{JsonText.Escaped(text)}\"");

    private static byte[] Key(string text) => [.. Quoted(text), (byte)':'];
}
