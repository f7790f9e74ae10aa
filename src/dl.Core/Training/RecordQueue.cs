// Records read ahead by one thread, in batches. A batch is handed over when it is full, or when
// the reader is about to wait for more input: so a row on a pipe is answered as soon as it has
// come, and where input is plentiful batches are full.
using System.Runtime.ExceptionServices;
using Dl.Data;

namespace Dl.Training;

/// <summary>
/// A bounded queue between a thread that reads records and the ones that use them.
/// </summary>
internal sealed class RecordQueue : IDisposable
{
    /// <summary>One is read, one run, one written, and one lies ready.</summary>
    private const int Batches = 4;

    private readonly object _gate = new();
    private readonly Queue<RecordBatch> _ready = new();
    private readonly Stack<RecordBatch> _free = new();
    private readonly PredictionInput _input;
    private readonly bool _live;
    private readonly Thread _reader;
    private RecordBatch? _filling;
    private ExceptionDispatchInfo? _error;
    private bool _started;
    private bool _ended;
    private bool _stopped;

    /// <param name="input">Disposed with the queue.</param>
    /// <param name="make">Makes a batch.</param>
    /// <param name="live">The input may keep its reader waiting for ever.</param>
    public RecordQueue(PredictionInput input, Func<RecordBatch> make, bool live)
    {
        (_input, _live) = (input, live);
        for (int i = 0; i < Batches; i++)
        {
            _free.Push(make());
        }
        _reader = new Thread(Read) { IsBackground = true, Name = "dl-input" };
    }

    /// <summary>Nothing is read before.</summary>
    public void Start()
    {
        _started = true;
        _reader.Start();
    }

    /// <summary>The next batch, to be given back; null: none is left.</summary>
    /// <exception cref="DataException">What the reader met, when its turn comes.</exception>
    public RecordBatch? Take(CancellationToken cancel)
    {
        using var wake = cancel.Register(Wake);
        lock (_gate)
        {
            while (_ready.Count == 0 && !_ended && !cancel.IsCancellationRequested)
            {
                Monitor.Wait(_gate);
            }
            cancel.ThrowIfCancellationRequested();
            if (_ready.TryDequeue(out var batch))
            {
                return batch;
            }
            _error?.Throw();
            return null;
        }
    }

    /// <summary>A batch whose rows are done with.</summary>
    public void Return(RecordBatch batch)
    {
        batch.Clear();
        lock (_gate)
        {
            _free.Push(batch);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// Hands over what there is. Called by the reading thread, before a read that may wait.
    /// </summary>
    public void HandOver()
    {
        if (_filling is { Count: > 0 } batch)
        {
            batch.Urgent = true;
            Publish(batch);
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
        if (!_started || _reader.Join(_live ? 0 : Timeout.Infinite))
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
            foreach (var record in _input.Stream())
            {
                _filling ??= TakeFree();
                if (_filling is null)
                {
                    return;
                }
                _filling.Add(record);
                if (_filling.IsFull)
                {
                    Publish(_filling);
                }
            }
        }
        catch (Exception caught)
        {
            // The consumer meets it after the records before it, as if it had read them itself.
            error = ExceptionDispatchInfo.Capture(caught);
        }
        HandOver();
        lock (_gate)
        {
            (_error, _ended) = (error, true);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Null: nobody wants more.</summary>
    private RecordBatch? TakeFree()
    {
        lock (_gate)
        {
            while (_free.Count == 0 && !_stopped)
            {
                Monitor.Wait(_gate);
            }
            return _stopped ? null : _free.Pop();
        }
    }

    private void Publish(RecordBatch batch)
    {
        _filling = null;
        lock (_gate)
        {
            _ready.Enqueue(batch);
            Monitor.PulseAll(_gate);
        }
    }
}
