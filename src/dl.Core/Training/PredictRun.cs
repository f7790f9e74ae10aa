// One pass over the input with a model: records in batches, answers written or kept for scoring.
using System.Runtime.ExceptionServices;
using Dl.Data;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Rows that were scored, and where each of them lies.</summary>
internal sealed record ScoredRows(Predictions Predictions, List<string> Places);

/// <summary>One pass over the input with a model.</summary>
/// <param name="columns">Columns of uncertainty; 0: none are worked out.</param>
/// <param name="scored">Null: nothing is scored.</param>
internal sealed class PredictRun(
    Predictor predictor, LearningTask task, RecordQueue queue, int batchSize, bool live,
    int columns, ScoredRows? scored, CancellationToken cancel)
{
    private ExceptionDispatchInfo? _failure;
    private readonly List<InputRecord> _records = [];
    private readonly int _featureCount = (int)predictor.Input.Count;
    private float[] _features = [];
    private float[] _outputs = [];
    private float[] _uncertainty = [];
    private float[] _targets = [];

    /// <summary>Runs everything; returns the rows.</summary>
    /// <param name="writer">Null: nothing is printed, only scored.</param>
    /// <param name="flush">Flushed whenever the input keeps us waiting; null: never.</param>
    public int All(PredictWriter? writer, TextWriter? flush)
    {
        int rows = 0;
        writer?.Header();
        using var tape = new Tape(predictor.Device, recording: false);
        var values = new float[task.InterpretedWidth];
        while (Collect(writer is null ? null : flush))
        {
            Forward(tape, rows);
            int outputs = task.Outputs;
            for (int i = 0; i < _records.Count && writer is not null; i++)
            {
                task.Interpret(_outputs.AsSpan(i * outputs, outputs), values);
                writer.Row(
                    _records[i].Id, values, _uncertainty.AsSpan(i * columns, columns));
            }
            Score();
            rows = checked(rows + _records.Count);
            tape.Reset();
        }
        return rows;
    }

    /// <summary>The next batch: on a pipe what is there, else a full one. False: the end.</summary>
    private bool Collect(TextWriter? flush)
    {
        _records.Clear();
        _failure?.Throw();
        var record = queue.Take(wait: !live, cancel);
        if (record is null)
        {
            if (live)
            {
                flush?.Flush();
            }
            record = queue.Take(wait: true, cancel);
        }
        while (record is not null)
        {
            _records.Add(record);
            record = _records.Count < batchSize ? TakeOrKeepFailure() : null;
        }
        return _records.Count > 0;
    }

    /// <summary>A bad record is reported when the good ones before it are answered.</summary>
    private InputRecord? TakeOrKeepFailure()
    {
        try
        {
            return queue.Take(wait: !live, cancel);
        }
        catch (DataException error)
        {
            _failure = ExceptionDispatchInfo.Capture(error);
            return null;
        }
    }

    private void Forward(Tape tape, int first)
    {
        int rows = _records.Count;
        Grow(ref _features, rows * _featureCount);
        for (int i = 0; i < rows; i++)
        {
            _records[i].Features.CopyTo(_features, i * _featureCount);
        }
        Grow(ref _outputs, rows * task.Outputs);
        Grow(ref _uncertainty, rows * columns);
        predictor.Run(
            tape, _features.AsSpan(0, rows * _featureCount), rows, first, _outputs,
            _uncertainty.AsSpan(0, rows * columns));
    }

    private void Score()
    {
        if (scored is null)
        {
            return;
        }
        int width = task.Target.Kind == TargetKind.Classes ? 1 : task.Target.Width;
        Grow(ref _targets, _records.Count * width);
        for (int i = 0; i < _records.Count; i++)
        {
            var target = _records[i].Target ?? throw new DataException(
                $"{_records[i].Where}: has no label to score against");
            target.CopyTo(_targets, i * width);
            scored.Places.Add(_records[i].Where);
        }
        scored.Predictions.Add(_outputs, _targets, _records.Count);
    }

    private static void Grow(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new float[length];
        }
    }
}
