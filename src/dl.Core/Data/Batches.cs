// Mini-batches, read ahead by background threads while the device works on the current one. Where
// reading takes less time than waking a thread for it, the consumer reads for itself.
//
// Batch b lives in slot b mod depth. Workers may fill batch b once b < consumed + depth, so memory
// is bounded by the slots, whose buffers are used again and again. They take a share of a batch
// each, so that all of them work on the one that is needed next; the consumer takes batches in
// order whatever order they were finished in, so results do not depend on threads.
using System.Buffers;
using System.Collections;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Dl.Tensors;

namespace Dl.Data;

/// <summary>
/// Some samples side by side. Its buffers are used again after the next one is taken.
/// </summary>
public sealed class Batch
{
    /// <summary>
    /// Of the shared pool: an epoch follows the other, and fresh memory for each would have to be
    /// cleared first.
    /// </summary>
    internal Batch(int features, int targets)
    {
        Features = ArrayPool<float>.Shared.Rent(features);
        Targets = ArrayPool<float>.Shared.Rent(targets);
    }

    internal void Return()
    {
        ArrayPool<float>.Shared.Return(Features);
        ArrayPool<float>.Shared.Return(Targets);
    }

    /// <summary>(Count, FeatureShape...) floats; the array may be longer.</summary>
    public float[] Features { get; }

    /// <summary>(Count, TargetWidth) floats; the array may be longer.</summary>
    public float[] Targets { get; }

    /// <summary>Samples; the last batch of an epoch may have fewer than the batch size.</summary>
    public int Count { get; internal set; }

    /// <summary>Position of the first sample in the epoch's order.</summary>
    public int First { get; internal set; }

    internal int Number { get; set; } = -1;

    /// <summary>Shares that are not filled yet.</summary>
    internal int Missing { get; set; }

    /// <summary>What went wrong in the first share in which something did.</summary>
    internal (int Share, ExceptionDispatchInfo Info)? Error { get; set; }
}

/// <summary>
/// One pass over a dataset in batches. Enumerate it once; dispose it to stop early.
/// </summary>
public sealed class Batches : IEnumerable<Batch>, IDisposable
{
    /// <summary>
    /// Stream of the generator that shuffles; other streams are for other purposes.
    /// </summary>
    private const ulong ShuffleStream = 0x5348_5546;

    // A batch that takes longer is worth a thread: handing one over costs about 16 us. One slow
    // batch may be an accident, unless it is very slow.
    private const double SlowMicroseconds = 50, VerySlowMicroseconds = 1000;

    private readonly IDataset _data;
    private readonly int _batchSize;
    private readonly int[]? _order;
    private readonly int _features;
    private readonly Batch?[] _slots;
    private readonly Thread[] _workers;
    private readonly object _gate = new();

    /// <summary>Share s of the data is share s mod threads of batch s / threads.</summary>
    private long _nextShare;
    private long _waited;
    private int _consumed;
    private int _slow;
    private bool _entered;
    private volatile bool _stopped;

    /// <param name="data">Samples; read from several threads at once.</param>
    /// <param name="batchSize">Samples a batch, at least 1.</param>
    /// <param name="order">Sample indices in the order to read them; null: 0, 1, 2, ...</param>
    /// <param name="threads">Threads that read ahead, at least 1.</param>
    /// <param name="depth">Batches in memory, the one being worked on included; at least 2.</param>
    /// <param name="skip">
    /// Batches to leave out at the start: where an interrupted epoch goes on.
    /// </param>
    public Batches(
        IDataset data, int batchSize, int[]? order = null, int threads = 1, int depth = 4,
        int skip = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(skip);
        _data = data;
        _order = order;
        int samples = order?.Length ?? data.Count;
        _batchSize = batchSize;
        _features = checked((int)data.FeatureShape.Count);
        Count = (int)(((long)samples + batchSize - 1) / batchSize);
        Samples = samples;
        _consumed = Math.Min(skip, Count);
        _slots = new Batch?[depth];
        _slots[0] = NewBatch();
        _workers = new Thread[threads];
    }

    /// <summary>Batches of a whole epoch, skipped ones included.</summary>
    public int Count { get; }

    /// <summary>Samples of a whole epoch.</summary>
    public int Samples { get; }

    /// <summary>Time that the consumer has waited for batches, or spent in reading them.</summary>
    public TimeSpan Waited => TimeSpan.FromSeconds((double)_waited / Stopwatch.Frequency);

    /// <summary>
    /// The order of an epoch: a permutation of 0..count-1 that depends on seed and epoch alone, so
    /// a resumed run shuffles as the uninterrupted one did.
    /// </summary>
    public static int[] Order(int count, ulong seed, int epoch)
    {
        var order = new int[count];
        for (int i = 0; i < count; i++)
        {
            order[i] = i;
        }
        new Rng(seed, ShuffleStream).Fork((ulong)epoch).Shuffle(order.AsSpan());
        return order;
    }

    /// <summary>Yields the batches in order.</summary>
    /// <exception cref="DataException">A sample could not be read.</exception>
    public IEnumerator<Batch> GetEnumerator()
    {
        if (_entered)
        {
            throw new InvalidOperationException("batches: enumerated twice; make a new Batches");
        }
        _entered = true;
        try
        {
            while (_consumed < Count)
            {
                Batch batch = _workers[0] is null ? ReadHere() : Take();
                batch.Error?.Info.Throw();
                yield return batch;
                lock (_gate)
                {
                    _consumed++;
                    Monitor.PulseAll(_gate);
                }
            }
        }
        finally
        {
            Dispose();
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Stops the threads; waits for the sample that each of them is reading.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread? worker in _workers)
        {
            worker?.Join();
        }
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i]?.Return();
            _slots[i] = null;
        }
    }

    private Batch NewBatch()
    {
        int rows = Math.Min(_batchSize, Math.Max(Samples, 1));
        return new Batch(checked(rows * _features), checked(rows * _data.TargetWidth));
    }

    /// <summary>The next batch on this thread; starts the others if that takes long.</summary>
    private Batch ReadHere()
    {
        ObjectDisposedException.ThrowIf(_stopped, this);
        Batch batch = _slots[0]!;
        long start = Stopwatch.GetTimestamp();
        Begin(batch, _consumed);
        Fill(batch, 0, batch.Count);
        _waited += Stopwatch.GetTimestamp() - start;
        double taken = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        _slow += taken > SlowMicroseconds ? 1 : 0;
        if ((_slow > 1 || taken > VerySlowMicroseconds) && _consumed + 1 < Count)
        {
            StartThreads(batch);
        }
        return batch;
    }

    /// <param name="current">The batch that is being worked on.</param>
    private void StartThreads(Batch current)
    {
        _nextShare = (_consumed + 1L) * _workers.Length;
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i] = i == _consumed % _slots.Length ? current : NewBatch();
        }
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"dl-data-{i}" };
            _workers[i].Start();
        }
    }

    private Batch Take()
    {
        Batch slot = _slots[_consumed % _slots.Length]!;
        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            while (slot.Number != _consumed)
            {
                ObjectDisposedException.ThrowIf(_stopped, this);
                Monitor.Wait(_gate);
            }
        }
        _waited += Stopwatch.GetTimestamp() - start;
        return slot;
    }

    private void Work()
    {
        while (TakeShare(out Batch? slot, out int number, out int share))
        {
            int from = (int)((long)slot.Count * share / _workers.Length);
            int to = (int)((long)slot.Count * (share + 1) / _workers.Length);
            ExceptionDispatchInfo? error = null;
            try
            {
                Fill(slot, from, to);
            }
            catch (Exception caught)
            {
                // The consumer meets it when it comes to this batch, as if it had read it itself.
                error = ExceptionDispatchInfo.Capture(caught);
            }
            lock (_gate)
            {
                if (error is not null && !(slot.Error?.Share < share))
                {
                    slot.Error = (share, error);
                }
                if (--slot.Missing == 0)
                {
                    slot.Number = number;
                    Monitor.PulseAll(_gate);
                }
            }
        }
    }

    /// <summary>The next share, once there is room for its batch; false at the end.</summary>
    private bool TakeShare([NotNullWhen(true)] out Batch? slot, out int number, out int share)
    {
        lock (_gate)
        {
            while (!_stopped && Next(out number) && number >= _consumed + _slots.Length)
            {
                Monitor.Wait(_gate);
            }
            slot = null;
            share = (int)(_nextShare % _workers.Length);
            if (!Next(out number) || _stopped)
            {
                return false;
            }
            slot = _slots[number % _slots.Length]!;
            if (share == 0)
            {
                Begin(slot, number);
                slot.Missing = _workers.Length;
            }
            _nextShare++;
            return true;
        }

        bool Next(out int batch)
        {
            long next = _nextShare / _workers.Length;
            batch = (int)Math.Min(next, int.MaxValue);
            return next < Count;
        }
    }

    private void Begin(Batch batch, int number)
    {
        batch.Error = null;
        batch.First = number * _batchSize;
        batch.Count = Math.Min(_batchSize, Samples - batch.First);
    }

    /// <summary>Reads some samples of a batch.</summary>
    private void Fill(Batch batch, int from, int to)
    {
        int width = _data.TargetWidth;
        for (int i = from; i < to && !_stopped; i++)
        {
            int index = _order is null ? batch.First + i : _order[batch.First + i];
            _data.Read(
                index,
                batch.Features.AsSpan(i * _features, _features),
                batch.Targets.AsSpan(i * width, width));
        }
    }
}
