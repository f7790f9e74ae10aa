// The processor as a device: managed, always there, the living definition of every primitive. Work
// runs at once, spread over a pool of threads; how it is cut never shows in the result.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dl.Tensors;

namespace Dl.Cpu;

/// <summary>Memory of the process, aligned for vectors.</summary>
internal sealed unsafe class CpuStorage(CpuDevice device, byte* data, long capacity)
    : Storage(device, capacity)
{
    public byte* Data { get; internal set; } = data;

    public float* Floats => (float*)Data;

    public int* Ints => (int*)Data;
}

/// <summary>A run of elements of a primitive, cut anywhere.</summary>
internal interface IRange
{
    /// <summary>Computes elements [from, to).</summary>
    void Run(int from, int to);
}

/// <summary>The managed device.</summary>
[SkipLocalsInit]
public sealed unsafe partial class CpuDevice : Device
{
    /// <summary>Bytes: a cache line and a Vector512.</summary>
    private const int Alignment = 64;

    /// <summary>Fewer cheap element operations than this are not worth a second thread.</summary>
    private const int Grain = 16384;

    private readonly WorkerPool _pool;

    /// <param name="threads">Threads at work, the caller's included; null: one a core.</param>
    public CpuDevice(int? threads = null)
    {
        if (threads is < 1)
        {
            throw new UsageException($"threads: {threads} given, expected 1 or more");
        }
        _pool = new WorkerPool(threads ?? Environment.ProcessorCount);
    }

    public override string Name => "cpu";

    public override string Description =>
        $"{CpuProvider.Model}, {_pool.Threads} thread{(_pool.Threads == 1 ? "" : "s")}";

    public int Threads => _pool.Threads;

    public override long AvailableMemory => HostMemory.Available();

    /// <summary>Nothing is ever pending: primitives return when they are done.</summary>
    public override void Finish()
    {
    }

    internal static float* Floats(Storage storage) => ((CpuStorage)storage).Floats;

    internal static int* Ints(Storage storage) => ((CpuStorage)storage).Ints;

    protected override Storage Allocate(long bytes)
    {
        byte* data;
        try
        {
            data = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        }
        catch (OutOfMemoryException e)
        {
            throw new DeviceMemoryException(
                $"cpu: out of memory asking for {bytes >> 20} MiB on top of "
                + $"{AllocatedBytes >> 20}; use a smaller batch", e);
        }
        if (bytes >= 1 << 20)
        {
            // Pages are mapped at their first touch; several threads do that faster than one.
            const int Run = 1 << 20;
            _pool.Run((int)((bytes + Run - 1) / Run), new TouchWork(data, bytes, Run));
        }
        return new CpuStorage(this, data, bytes);
    }

    protected override Storage CreateSlice(Storage arena, long offsetBytes, long bytes) =>
        new CpuStorage(this, ((CpuStorage)arena).Data + offsetBytes, bytes);

    protected override void Free(Storage storage)
    {
        var memory = (CpuStorage)storage;
        NativeMemory.AlignedFree(memory.Data);
        memory.Data = null;
    }

    protected override Readback AllocateReadback(int capacity) => new Values(capacity);

    protected override void WriteBytes(Storage target, ReadOnlySpan<byte> source) =>
        source.CopyTo(Bytes(target, source.Length, "write"));

    protected override void ReadBytes(Storage source, Span<byte> target) =>
        Bytes(source, target.Length, "read").CopyTo(target);

    protected override void Dispose(bool disposing)
    {
        FreeScratch();
        _pool.Dispose();
    }

    /// <summary>Cuts [0, n) into runs of at least <paramref name="grain"/> elements.</summary>
    private void Split<T>(int n, int grain, T work)
        where T : struct, IRange
    {
        if (n <= 0)
        {
            return;
        }
        // More runs than threads, so that a thread that loses its core does not hold up the rest.
        long run = Math.Max(grain, (n + (4L * _pool.Threads) - 1) / (4 * _pool.Threads));
        run = run >= 64 ? (run + 63) / 64 * 64 : run;
        if (run >= n || _pool.Threads == 1)
        {
            work.Run(0, n);
            return;
        }
        _pool.Run((int)((n + run - 1) / run), new RangeWork<T>(work, n, (int)run));
    }

    /// <summary>Items of <paramref name="cost"/> element operations, cut between items.</summary>
    private void SplitRows<T>(int rows, long cost, T work)
        where T : struct, IRange =>
        Split(rows, (int)Math.Clamp(Grain / Math.Max(1, cost), 1, int.MaxValue), work);

    private static Span<byte> Bytes(Storage storage, int bytes, string what)
    {
        if (bytes > storage.Capacity)
        {
            throw new DeviceException(
                $"cpu: {what} of {bytes} bytes in a buffer of {storage.Capacity}");
        }
        return new Span<byte>(((CpuStorage)storage).Data, bytes);
    }

    /// <summary>Nothing is ever pending, so a read ends when it begins.</summary>
    private sealed class Values(int capacity) : Readback(capacity)
    {
        private readonly float[] _values = new float[capacity];

        public override ReadOnlySpan<float> Wait() => _values.AsSpan(0, Count);

        public override void Dispose()
        {
        }

        protected override void Begin(Storage source) =>
            source.Device.Read(source, _values.AsSpan(0, Count));
    }

    private readonly struct RangeWork<T>(T work, int n, int run) : IWork
        where T : struct, IRange
    {
        public void Run(int piece, int worker)
        {
            long from = (long)piece * run;
            work.Run((int)from, (int)Math.Min(n, from + run));
        }
    }

    private readonly struct TouchWork(byte* data, long bytes, int run) : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int piece, int worker)
        {
            long end = Math.Min(bytes, (piece + 1L) * run);
            for (long i = (long)piece * run; i < end; i += 4096)
            {
                data[i] = 0;
            }
        }
    }
}
