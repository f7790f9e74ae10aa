// Predictions as text, one line a row: CSV (RFC 4180), TSV, or JSON lines with the same names.
//   classes     id, prediction [, proba_LABEL...]     --top K: id, label_1, proba_1, ...
//   labels      id, prediction (`a|b`) [, proba_LABEL...]
//   numbers     id, one column a target, in its own units [and NAME_std, where it is learnt]
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Dl.Data;
using Dl.Tasks;

namespace Dl.Training;

/// <summary>Writes rows of interpreted outputs. One line is one Write to the output.</summary>
internal sealed class PredictWriter
{
    /// <summary>A float holds seven digits and a bit; more would be noise.</summary>
    private const string NumberFormat = "G7";

    private readonly TextWriter _output;
    private readonly TargetSpec _target;
    private readonly StringBuilder _line = new();
    private readonly bool _json;
    private readonly char _separator;
    private readonly int _top;
    private readonly bool _probabilities;
    private readonly string _idName;
    private readonly string[] _uncertainty;

    /// <summary>JSON names of the columns that hold numbers, with quotes and colon.</summary>
    private readonly string[] _keys;
    private readonly string[] _labels;
    private readonly int[] _order;

    /// <summary>Names of the columns that hold numbers.</summary>
    private readonly string[] _numbers;

    /// <exception cref="UsageException">The options do not go with the task.</exception>
    /// <param name="uncertainty">Names of further columns, of numbers.</param>
    public PredictWriter(
        TextWriter output, PredictOptions options, LearningTask task, string idName,
        string[] uncertainty)
    {
        (_output, _target, _idName, _uncertainty) = (output, task.Target, idName, uncertainty);
        _json = options.Format == "jsonl";
        _separator = options.Format == "tsv" ? '\t' : ',';
        _top = Math.Min(options.Top ?? 0, _target.Width);
        _probabilities = options.Probabilities;
        _order = new int[_target.Width];
        bool numeric = _target.Kind == TargetKind.Numeric;
        _labels = Array.ConvertAll(_target.Labels, l => _json ? Quoted(l) : Field(l));
        _numbers = task.HasDeviations
            ? [.. _target.Names, .. _target.Names.Select(name => name + "_std")]
            : _target.Names;
        _keys = Array.ConvertAll(numeric ? _numbers : _target.Labels, n => Quoted(n) + ":");
    }

    /// <summary>Options that no file can satisfy, told before any work.</summary>
    /// <param name="members">Of the model file.</param>
    /// <exception cref="UsageException">The options do not go together.</exception>
    public static void Check(PredictOptions options, LearningTask task, int members)
    {
        string[] formats = ["csv", "tsv", "jsonl"];
        if (Array.IndexOf(formats, options.Format) < 0)
        {
            throw new UsageException(Nearest.Unknown("format", options.Format, formats));
        }
        if (options.Top is < 1)
        {
            throw new UsageException($"--top: {options.Top} given, expected 1 or more");
        }
        if (options is { Score: true, Top: not null } && task.Target.Kind != TargetKind.Classes)
        {
            throw new UsageException(
                "--top: with --score needs a model of one label a row; this one is for "
                + task.Kind);
        }
        if (task.Target.Kind == TargetKind.Numeric && (options.Top ?? 0) > 0)
        {
            throw new UsageException(
                "--top: needs a model that classifies; this one is for regression");
        }
        if (options is { Against: not null, Score: false })
        {
            throw new UsageException("--against: compares scores; give --score too");
        }
        if (options is { Uncertainty: true, McDropout: null } && members == 1)
        {
            throw new UsageException(
                "--uncertainty: the model gives one answer a row; expected an ensemble (dl fit "
                + "--ensemble N), or --mc-dropout N");
        }
        if (options is { Uncertainty: true, Score: true })
        {
            throw new UsageException(
                "--uncertainty: adds columns to predictions; leave out --score");
        }
        if (task.Target.Kind == TargetKind.Numeric && options.Probabilities)
        {
            throw new UsageException(
                "--proba: needs a model that classifies; this one is for regression");
        }
    }

    /// <summary>The line of names; JSON lines have none.</summary>
    public void Header()
    {
        if (_json)
        {
            return;
        }
        _line.Clear().Append(Field(_idName));
        if (_target.Kind == TargetKind.Numeric)
        {
            foreach (string name in _numbers)
            {
                _line.Append(_separator).Append(Field(name));
            }
        }
        else if (_top == 0)
        {
            _line.Append(_separator).Append("prediction");
        }
        for (int k = 1; k <= _top; k++)
        {
            _line.Append(_separator).Append("label_").Append(k)
                .Append(_separator).Append("proba_").Append(k);
        }
        for (int i = 0; _probabilities && i < _target.Width; i++)
        {
            _line.Append(_separator).Append(Field($"proba_{_target.Labels[i]}"));
        }
        foreach (string name in _uncertainty)
        {
            _line.Append(_separator).Append(Field(name));
        }
        EndLine();
    }

    /// <summary>One row.</summary>
    /// <param name="values">Interpreted: a probability a label, or numbers.</param>
    /// <param name="uncertainty">A number for each name that the constructor got.</param>
    public void Row(string id, ReadOnlySpan<float> values, ReadOnlySpan<float> uncertainty)
    {
        _line.Clear();
        if (_json)
        {
            JsonRow(id, values);
            for (int i = 0; i < uncertainty.Length; i++)
            {
                _line.Append(',').Append(Quoted(_uncertainty[i])).Append(':');
                Number(uncertainty[i]);
            }
            _line.Append('}');
        }
        else
        {
            TextRow(id, values);
            Numbers(uncertainty);
        }
        EndLine();
    }

    private void TextRow(string id, ReadOnlySpan<float> values)
    {
        _line.Append(Field(id));
        if (_target.Kind == TargetKind.Numeric)
        {
            Numbers(values);
            return;
        }
        if (_top > 0)
        {
            Rank(values);
            for (int k = 0; k < _top; k++)
            {
                _line.Append(_separator).Append(_labels[_order[k]]).Append(_separator);
                Number(values[_order[k]]);
            }
        }
        else if (_target.Kind == TargetKind.Classes)
        {
            _line.Append(_separator).Append(_labels[Best(values)]);
        }
        else
        {
            _line.Append(_separator).Append(Field(Joined(values)));
        }
        if (_probabilities)
        {
            Numbers(values);
        }
    }

    private void JsonRow(string id, ReadOnlySpan<float> values)
    {
        _line.Append('{').Append(Quoted(_idName)).Append(':');
        // The number of a row is a number; ids are text, whatever they look like.
        _line.Append(_idName == "row" && int.TryParse(id, out _) ? id : Quoted(id));
        if (_target.Kind == TargetKind.Numeric)
        {
            _line.Append(',');
            Members(values);
            return;
        }
        if (_target.Kind == TargetKind.Classes)
        {
            _line.Append(",\"prediction\":").Append(_labels[Best(values)]);
        }
        else
        {
            _line.Append(",\"prediction\":[");
            JoinLabels(values, ',', _labels);
            _line.Append(']');
        }
        if (_top > 0)
        {
            Rank(values);
            for (int k = 0; k < _top; k++)
            {
                _line.Append(k == 0 ? ",\"top\":[{\"label\":" : ",{\"label\":")
                    .Append(_labels[_order[k]]).Append(",\"proba\":");
                Number(values[_order[k]]);
                _line.Append('}');
            }
            _line.Append(']');
        }
        if (_probabilities)
        {
            _line.Append(",\"proba\":{");
            Members(values);
            _line.Append('}');
        }
    }

    private void Numbers(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            _line.Append(_separator);
            Number(value);
        }
    }

    private void Members(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (i > 0)
            {
                _line.Append(',');
            }
            _line.Append(_keys[i]);
            Number(values[i]);
        }
    }

    private void Number(float value)
    {
        if (_json && !float.IsFinite(value))
        {
            _line.Append("null");
            return;
        }
        Span<char> text = stackalloc char[32];
        value.TryFormat(text, out int length, NumberFormat, CultureInfo.InvariantCulture);
        _line.Append(text[..length]);
    }

    private string Joined(ReadOnlySpan<float> values)
    {
        int start = _line.Length;
        JoinLabels(values, '|', _target.Labels);
        string joined = _line.ToString(start, _line.Length - start);
        _line.Length = start;
        return joined;
    }

    private void JoinLabels(ReadOnlySpan<float> values, char between, string[] labels)
    {
        bool first = true;
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] >= 0.5f)
            {
                if (!first)
                {
                    _line.Append(between);
                }
                _line.Append(labels[i]);
                first = false;
            }
        }
    }

    /// <summary>The first largest.</summary>
    private static int Best(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    /// <summary>The first <c>_top</c> of <c>_order</c>: labels by falling probability.</summary>
    private void Rank(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < _order.Length; i++)
        {
            _order[i] = i;
        }
        for (int k = 0; k < _top; k++)
        {
            int best = k;
            for (int i = k + 1; i < _order.Length; i++)
            {
                float difference = values[_order[i]] - values[_order[best]];
                best = difference > 0 || (difference == 0 && _order[i] < _order[best]) ? i : best;
            }
            (_order[k], _order[best]) = (_order[best], _order[k]);
        }
    }

    private void EndLine()
    {
        _line.Append('\n');
        foreach (var chunk in _line.GetChunks())
        {
            _output.Write(chunk.Span);
        }
    }

    /// <summary>A field of CSV or TSV, quoted where it has to be.</summary>
    private string Field(string text)
    {
        bool quote = text.Length > 0 && (text[0] == ' ' || text[^1] == ' ');
        foreach (char c in text)
        {
            quote |= c == _separator || c is '"' or '\r' or '\n';
        }
        return quote ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
    }

    private static string Quoted(string text) =>
        $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
