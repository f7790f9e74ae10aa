// A pool of threads that run the pieces of one primitive at a time. Work is a struct with a method,
// called through a function pointer, so a call allocates nothing. A 64-bit ticket holds the number
// of the call and of its next piece: a thread that wakes up late cannot take a piece of a call that
// is over, because its compare-and-swap meets another ticket.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Dl.Cpu;

/// <summary>One primitive cut into numbered pieces, which run in any order on any thread.</summary>
internal interface IWork
{
    /// <param name="worker">Number of the thread it runs on, 0 for the caller.</param>
    void Run(int piece, int worker);
}

/// <summary>Persistent threads; the caller of <see cref="Run"/> is one of them.</summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    // Long enough to bridge the gap between two primitives of a training step, short enough that an
    // idle process costs nothing.
    private const int SpinMicroseconds = 100;

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly long _spinTicks = SpinMicroseconds * Stopwatch.Frequency / 1_000_000;
    private long _ticket;
    private int _pieces;
    private int _pending;
    private int _sleeping;
    private void* _work;
    private delegate*<void*, int, int, void> _code;
    private Exception? _error;
    private bool _busy;
    private volatile bool _stopping;

    /// <param name="threads">Threads at work, the caller included; at least 1.</param>
    public WorkerPool(int threads)
    {
        Threads = Math.Max(1, threads);
        _workers = new Thread[Threads - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int number = i + 1;
            _workers[i] = new Thread(() => Work(number))
            {
                IsBackground = true,
                Name = $"dl cpu {number}",
            };
            _workers[i].Start();
        }
    }

    public int Threads { get; }

    /// <summary>Runs pieces 0 to pieces - 1 and returns when all are done.</summary>
    /// <exception cref="Exception">The first one of a piece, after all have ended.</exception>
    public void Run<T>(int pieces, T work)
        where T : struct, IWork
    {
        if (pieces <= 1 || _workers.Length == 0)
        {
            for (int i = 0; i < pieces; i++)
            {
                work.Run(i, 0);
            }
            return;
        }
        Debug.Assert(!_busy, "a piece must not start work of its own");
        _busy = true;
        // The last call's ticket is closed before its fields change: a thread that still holds it
        // would otherwise compare it with the new number of pieces.
        long closed = (_ticket >> 32 << 32) | int.MaxValue;
        Interlocked.Exchange(ref _ticket, closed);
        _work = Unsafe.AsPointer(ref work);
        _code = &Invoke<T>;
        Volatile.Write(ref _pieces, pieces);
        Volatile.Write(ref _pending, pieces);
        long call = ((closed >> 32) + 1) << 32;
        Interlocked.Exchange(ref _ticket, call);
        int asleep = Math.Min(Volatile.Read(ref _sleeping), pieces - 1);
        if (asleep > 0)
        {
            _wake.Release(asleep);
        }
        TakePieces(call, 0);
        var spin = default(SpinWait);
        while (Volatile.Read(ref _pending) > 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
        _busy = false;
        if (_error is { } error)
        {
            _error = null;
            ExceptionDispatchInfo.Throw(error);
        }
    }

    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }
        _stopping = true;
        _wake.Release(Math.Max(1, _workers.Length));
        foreach (var worker in _workers)
        {
            worker.Join();
        }
        _wake.Dispose();
    }

    private static void Invoke<T>(void* work, int piece, int worker)
        where T : struct, IWork => Unsafe.AsRef<T>(work).Run(piece, worker);

    private void Work(int number)
    {
        long seen = 0;
        while (!_stopping)
        {
            long ticket = Volatile.Read(ref _ticket);
            if (ticket >> 32 == seen)
            {
                WaitForCall(seen);
                continue;
            }
            seen = ticket >> 32;
            TakePieces(seen << 32, number);
        }
    }

    private void WaitForCall(long seen)
    {
        long end = Stopwatch.GetTimestamp() + _spinTicks;
        do
        {
            for (int i = 0; i < 20; i++)
            {
                if (Volatile.Read(ref _ticket) >> 32 != seen)
                {
                    return;
                }
                Thread.SpinWait(5);
            }
        }
        while (Stopwatch.GetTimestamp() < end && !_stopping);
        Interlocked.Increment(ref _sleeping);
        if (Volatile.Read(ref _ticket) >> 32 == seen && !_stopping)
        {
            _wake.Wait();
        }
        Interlocked.Decrement(ref _sleeping);
    }

    private void TakePieces(long call, int worker)
    {
        while (true)
        {
            long ticket = Volatile.Read(ref _ticket);
            // Read before the swap: if the swap succeeds, they belong to this ticket.
            void* work = _work;
            var code = _code;
            int pieces = Volatile.Read(ref _pieces);
            int piece = (int)ticket;
            if (ticket >> 32 != call >> 32 || piece >= pieces)
            {
                return;
            }
            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) != ticket)
            {
                continue;
            }
            try
            {
                code(work, piece, worker);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _error, e, null);
            }
            Interlocked.Decrement(ref _pending);
        }
    }
}
