// Records read ahead by one thread. The consumer asks for one and waits, or takes what is there: so
// a row on a pipe is answered as soon as it has come, and a file still runs in full batches.
using System.Runtime.ExceptionServices;
using Dl.Data;

namespace Dl.Training;

/// <summary>A bounded queue between a thread that reads records and the one that uses them.</summary>
internal sealed class RecordQueue : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<InputRecord> _records = new();
    private readonly PredictionInput _input;
    private readonly int _capacity;
    private readonly bool _live;
    private readonly Thread _reader;
    private ExceptionDispatchInfo? _error;
    private bool _ended;
    private bool _stopped;

    /// <param name="input">Disposed with the queue.</param>
    /// <param name="capacity">Records to read ahead.</param>
    /// <param name="live">The input may keep its reader waiting for ever.</param>
    public RecordQueue(PredictionInput input, int capacity, bool live)
    {
        (_input, _capacity, _live) = (input, capacity, live);
        _reader = new Thread(Read) { IsBackground = true, Name = "dl-input" };
        _reader.Start();
    }

    /// <summary>
    /// The next record. Null: none is left, or (not <paramref name="wait"/>) none is here yet.
    /// </summary>
    /// <exception cref="DataException">What the reader met, when its turn comes.</exception>
    public InputRecord? Take(bool wait, CancellationToken cancel)
    {
        using var wake = wait && cancel.CanBeCanceled ? cancel.Register(Wake) : default;
        lock (_gate)
        {
            while (wait && _records.Count == 0 && !_ended && !cancel.IsCancellationRequested)
            {
                Monitor.Wait(_gate);
            }
            cancel.ThrowIfCancellationRequested();
            if (_records.TryDequeue(out var record))
            {
                if (_records.Count == _capacity - 1)
                {
                    Monitor.PulseAll(_gate);
                }
                return record;
            }
            if (_ended && wait)
            {
                _error?.Throw();
            }
            return null;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        // A reader that waits for a terminal cannot be woken; it ends with the process.
        if (_reader.Join(_live ? 0 : Timeout.Infinite))
        {
            _input.Dispose();
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Read()
    {
        ExceptionDispatchInfo? error = null;
        try
        {
            foreach (var record in _input.Read())
            {
                lock (_gate)
                {
                    while (_records.Count >= _capacity && !_stopped)
                    {
                        Monitor.Wait(_gate);
                    }
                    if (_stopped)
                    {
                        return;
                    }
                    _records.Enqueue(record);
                    if (_records.Count == 1)
                    {
                        Monitor.PulseAll(_gate);
                    }
                }
            }
        }
        catch (Exception caught)
        {
            // The consumer meets it after the records before it, as if it had read them itself.
            error = ExceptionDispatchInfo.Capture(caught);
        }
        lock (_gate)
        {
            (_error, _ended) = (error, true);
            Monitor.PulseAll(_gate);
        }
    }
}
