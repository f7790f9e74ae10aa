// Answers are put into words by a thread of their own, while the next batch is run: text costs
// about as much as a small model.
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Dl.Training;

/// <summary>Writes batches in the order in which they are added.</summary>
/// <param name="writer">Used by no other thread until <see cref="Dispose"/> returns.</param>
/// <param name="done">Takes a batch back.</param>
internal sealed class AnswerQueue : IDisposable
{
    private readonly PredictWriter _writer;
    private readonly Action<RecordBatch> _done;
    private readonly BlockingCollection<RecordBatch> _batches = [];
    private readonly Thread _thread;
    private volatile ExceptionDispatchInfo? _failure;

    public AnswerQueue(PredictWriter writer, Action<RecordBatch> done)
    {
        (_writer, _done) = (writer, done);
        _thread = new Thread(Write) { IsBackground = true, Name = "dl-output" };
        _thread.Start();
    }

    /// <exception cref="IOException">An earlier batch could not be written.</exception>
    public void Add(RecordBatch batch)
    {
        _failure?.Throw();
        _batches.Add(batch);
    }

    /// <summary>Waits until everything added is written.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Complete()
    {
        Dispose();
        _failure?.Throw();
    }

    /// <summary>What was added is still written; what fails is not told.</summary>
    public void Dispose()
    {
        if (!_batches.IsAddingCompleted)
        {
            _batches.CompleteAdding();
            _thread.Join();
        }
    }

    private void Write()
    {
        foreach (var batch in _batches.GetConsumingEnumerable())
        {
            try
            {
                if (_failure is null)
                {
                    _writer.Write(batch);
                    if (batch.Urgent && _batches.Count == 0)
                    {
                        _writer.Flush();
                    }
                }
            }
            catch (Exception error)
            {
                _failure = ExceptionDispatchInfo.Capture(error);
            }
            _done(batch);
        }
    }
}
