// Predictions on their way out, a row each:
//   classes     id, prediction [, proba_LABEL...]     --top K: id, label_1, proba_1, ...
//   labels      id, prediction (`a|b`) [, proba_LABEL...]
//   numbers     id, one column a target, in its own units [and NAME_std, where it is learnt]
// and behind them the columns of uncertainty. JSON lines have the same names, and lists where a
// row has several labels.
using Dl.Data;
using Dl.Data.Formats.Output;
using Dl.Tasks;

namespace Dl.Training;

/// <summary>What is written of each answer; the forms derive from it.</summary>
internal abstract class PredictWriter
{
    private readonly LearningTask _task;
    private readonly float[] _values;
    private readonly int[] _order;

    /// <param name="uncertainty">Names of further columns, of numbers.</param>
    protected PredictWriter(
        PredictOptions options, LearningTask task, PredictionInput input, string[] uncertainty)
    {
        (_task, IdName, Uncertainty) = (task, input.IdName, uncertainty);
        _values = new float[task.InterpretedWidth];
        _order = new int[Target.Width];
        Top = Math.Min(options.Top ?? 0, Target.Width);
        Probabilities = options.Probabilities;
        Numbers = task.HasDeviations
            ? [.. Target.Names, .. Target.Names.Select(name => name + "_std")]
            : Target.Names;
    }

    /// <param name="output">Written forwards only; not closed.</param>
    /// <exception cref="UsageException">The form cannot hold such columns.</exception>
    public static PredictWriter Open(
        Stream output, PredictOptions options, LearningTask task, PredictionInput input,
        string[] uncertainty) => options.Format == OutputForm.JsonLines
            ? new PredictObjects(output, options, task, input, uncertainty)
            : new PredictRows(output, options, task, input, uncertainty);

    protected TargetSpec Target => _task.Target;

    protected string IdName { get; }

    protected string[] Uncertainty { get; }

    /// <summary>Names of the columns that hold numbers, for regression.</summary>
    protected string[] Numbers { get; }

    /// <summary>Labels to name with their probabilities; 0: only the likeliest.</summary>
    protected int Top { get; }

    /// <summary>The probability of every label is wanted.</summary>
    protected bool Probabilities { get; }

    /// <summary>Labels by falling probability, of which the first <see cref="Top"/> are right.
    /// </summary>
    protected ReadOnlySpan<int> Ranked => _order;

    /// <summary>All rows of a batch that was run.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public void Write(RecordBatch batch)
    {
        int outputs = _task.Outputs, columns = Uncertainty.Length;
        for (int row = 0; row < batch.Count; row++)
        {
            _task.Interpret(batch.Outputs.AsSpan(row * outputs, outputs), _values);
            if (Top > 0)
            {
                Rank();
            }
            WriteRow(batch, row, _values, batch.Uncertainty.AsSpan(row * columns, columns));
        }
    }

    /// <summary>Sends on what can be sent.</summary>
    public abstract void Flush();

    /// <summary>Writes what is left, and what has to stand at the end.</summary>
    public abstract void Finish();

    /// <param name="values">Interpreted: a probability a label, or numbers.</param>
    protected abstract void WriteRow(
        RecordBatch batch, int row, ReadOnlySpan<float> values, ReadOnlySpan<float> uncertainty);

    /// <summary>The first largest.</summary>
    protected static int Best(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    /// <summary>Of several labels a row has those that are likelier than not.</summary>
    protected static bool Has(float probability) => probability >= 0.5f;

    private void Rank()
    {
        for (int i = 0; i < _order.Length; i++)
        {
            _order[i] = i;
        }
        for (int k = 0; k < Top; k++)
        {
            int best = k;
            for (int i = k + 1; i < _order.Length; i++)
            {
                float difference = _values[_order[i]] - _values[_order[best]];
                best = difference > 0 || (difference == 0 && _order[i] < _order[best]) ? i : best;
            }
            (_order[k], _order[best]) = (_order[best], _order[k]);
        }
    }
}
