// One pass over the input with a model: records in batches, answers written or kept for scoring.
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Rows that were scored, and where each of them lies.</summary>
internal sealed record ScoredRows(Predictions Predictions, List<string> Places);

/// <summary>One pass over the input with a model.</summary>
/// <param name="columns">Columns of uncertainty; 0: none are worked out.</param>
/// <param name="scored">Null: nothing is scored.</param>
internal sealed class PredictRun(
    Predictor predictor, LearningTask task, RecordQueue queue, int columns, ScoredRows? scored,
    CancellationToken cancel)
{
    /// <summary>Runs everything; returns the rows.</summary>
    /// <param name="writer">Null: nothing is printed, only scored.</param>
    public long All(PredictWriter? writer)
    {
        using var answers = writer is null ? null : new AnswerQueue(writer, queue.Return);
        using var tape = new Tape(predictor.Device, recording: false);
        long rows = 0;
        try
        {
            while (queue.Take(cancel) is { } batch)
            {
                batch.MakeRoom(task.Outputs, columns);
                predictor.Run(
                    tape, batch.Features, batch.Count, rows, batch.Outputs,
                    batch.Uncertainty.AsSpan(0, batch.Count * columns));
                tape.Reset();
                rows += batch.Count;
                Score(batch);
                if (answers is null)
                {
                    queue.Return(batch);
                }
                else
                {
                    answers.Add(batch);
                }
            }
        }
        catch (Exception error) when (error is DataException or OperationCanceledException)
        {
            // The rows before it are answered; trouble with writing them came first.
            answers?.Complete();
            writer?.Flush();
            throw;
        }
        answers?.Complete();
        writer?.Finish();
        return rows;
    }

    private void Score(RecordBatch batch)
    {
        if (scored is null)
        {
            return;
        }
        for (int i = 0; i < batch.Count; i++)
        {
            scored.Places.Add(batch.Where(i));
        }
        scored.Predictions.Add(batch.Outputs, batch.Targets, batch.Count);
    }
}
