// A device is memory and primitives. This part is the memory; each Ops/<Family>.cs adds the
// primitives of its family, so the compiler lists what a new device has to implement.
using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Dl.Tensors;

/// <summary>Memory and primitives. Not thread-safe: one thread drives a device.</summary>
/// <remarks>Work may be asynchronous; it runs in order, and reading waits for it.</remarks>
public abstract partial class Device : IDisposable
{
    /// <summary>
    /// Arena slices start at multiples of this many elements (512 bytes, OpenCL's widest).
    /// </summary>
    public const int SliceAlignment = 128;

    /// <summary>The first place at or behind an offset where a slice may start.</summary>
    public static long AlignSlice(long offset) =>
        (offset + SliceAlignment - 1) / SliceAlignment * SliceAlignment;

    /// <summary>Free memory by its bucket; a storage knows the one that it belongs to.</summary>
    private readonly Stack<Storage>?[] _pool = new Stack<Storage>?[BucketCount];

    /// <summary>`cpu` or `opencl:N`.</summary>
    public abstract string Name { get; }

    /// <summary>What it is, for people: model, cores or compute units, driver.</summary>
    public abstract string Description { get; }

    /// <summary>How exactly factors of matrix products and convolutions are read.</summary>
    public virtual Precision Precision => Precision.F32;

    /// <summary>Buffers rented and not returned; zero after every finished job.</summary>
    public int LiveBuffers { get; private set; }

    /// <summary>Bytes taken from the system, pooled ones included.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>
    /// Most bytes that <see cref="AllocatedBytes"/> may come to; what kernels use for themselves
    /// is not in it.
    /// </summary>
    public long MemoryLimit { get; set; } = long.MaxValue;

    /// <summary>Bytes that the device could give now, as far as the system says.</summary>
    public virtual long AvailableMemory => long.MaxValue;

    /// <summary>Memory from the pool, contents undefined.</summary>
    /// <exception cref="DeviceMemoryException">The device is out of memory, or beyond its limit.
    /// </exception>
    public Storage Rent(DType type, long length)
    {
        long capacity = Bucket(Math.Max(1, length) * type.Size());
        var free = _pool[BucketIndex(capacity)] ??= [];
        if (!free.TryPop(out var storage))
        {
            storage = AllocateOrTrim(capacity);
            storage.Home = free;
            AllocatedBytes += capacity;
        }
        storage.Assign(type, length);
        LiveBuffers++;
        return storage;
    }

    /// <summary>Several pieces of memory, or none of them.</summary>
    /// <exception cref="DeviceMemoryException">There is no room for all.</exception>
    public Storage[] RentAll(DType type, ReadOnlySpan<long> lengths)
    {
        var all = new Storage[lengths.Length];
        int done = 0;
        try
        {
            for (; done < all.Length; done++)
            {
                all[done] = Rent(type, lengths[done]);
            }
            return all;
        }
        catch
        {
            while (done > 0)
            {
                Return(all[--done]);
            }
            throw;
        }
    }

    /// <summary>Gives rented memory back; the handle must not be used again.</summary>
    public void Return(Storage storage)
    {
        Debug.Assert(storage.Home is not null, "a slice goes with its arena");
        LiveBuffers--;
        storage.Home.Push(storage);
    }

    /// <summary>
    /// A handle to part of <paramref name="arena"/>, which must outlive it. It is not returned to
    /// the pool. <paramref name="offset"/> is a multiple of <see cref="SliceAlignment"/>.
    /// </summary>
    public Storage Slice(Storage arena, long offset, long length)
    {
        var slice = CreateSlice(arena, offset * arena.Type.Size(), length * arena.Type.Size());
        slice.Assign(arena.Type, length);
        return slice;
    }

    public void Write(Storage target, ReadOnlySpan<float> source) =>
        WriteBytes(target, MemoryMarshal.AsBytes(source));

    public void Write(Storage target, ReadOnlySpan<int> source) =>
        WriteBytes(target, MemoryMarshal.AsBytes(source));

    /// <summary>Waits for the work before it, then copies to the host.</summary>
    public void Read(Storage source, Span<float> target) =>
        ReadBytes(source, MemoryMarshal.AsBytes(target));

    public void Read(Storage source, Span<int> target) =>
        ReadBytes(source, MemoryMarshal.AsBytes(target));

    /// <summary>
    /// Copies to the host what the work so far leaves in <paramref name="source"/>, without waiting
    /// for it; <see cref="Readback.Wait"/> does. Later work may overwrite the source.
    /// </summary>
    /// <param name="target">Made by this device for as many elements or more.</param>
    public void BeginRead(Storage source, Readback target) => target.Start(source);

    /// <summary>Memory on the host for <see cref="BeginRead"/>.</summary>
    public Readback CreateReadback(int capacity) => AllocateReadback(capacity);

    /// <summary>The first element; waits.</summary>
    public float ReadScalar(Storage source)
    {
        float value = 0;
        Read(source, new Span<float>(ref value));
        return value;
    }

    /// <summary>Waits until all work is done.</summary>
    public abstract void Finish();

    /// <summary>Returns pooled memory to the system.</summary>
    public void Trim()
    {
        foreach (var free in _pool)
        {
            while (free is not null && free.TryPop(out var storage))
            {
                AllocatedBytes -= storage.Capacity;
                Free(storage);
            }
        }
    }

    public void Dispose()
    {
        Trim();
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Fresh memory of exactly <paramref name="bytes"/> bytes, aligned for vectors.
    /// </summary>
    protected abstract Storage Allocate(long bytes);

    protected abstract Storage CreateSlice(Storage arena, long offsetBytes, long bytes);

    protected abstract void Free(Storage storage);

    protected abstract Readback AllocateReadback(int capacity);

    protected abstract void WriteBytes(Storage target, ReadOnlySpan<byte> source);

    protected abstract void ReadBytes(Storage source, Span<byte> target);

    protected virtual void Dispose(bool disposing)
    {
    }

    private Storage AllocateOrTrim(long capacity)
    {
        if (!Fits(capacity))
        {
            Trim();
            if (!Fits(capacity))
            {
                throw new DeviceMemoryException(
                    $"{Name}: out of memory: {capacity >> 10} KiB more were asked for, "
                    + $"{AllocatedBytes >> 10} of {MemoryLimit >> 10} KiB are in use; use a "
                    + "smaller batch or model, or a larger --memory");
            }
        }
        try
        {
            return Allocate(capacity);
        }
        catch (DeviceMemoryException)
        {
            Trim();
            return Allocate(capacity);
        }
    }

    private bool Fits(long capacity) => capacity <= MemoryLimit - AllocatedBytes;

    // Eight sizes an octave, so that batches of nearly one size share buffers.
    private const int SmallestBucket = 512, BucketsPerOctave = 8, BucketCount = 64 * 8;

    /// <summary>The size that a request is rounded up to.</summary>
    private static long Bucket(long bytes)
    {
        if (bytes <= SmallestBucket)
        {
            return SmallestBucket;
        }
        long step = Math.Max(SmallestBucket, (1L << BitOperations.Log2((ulong)bytes)) / 8);
        return (bytes + step - 1) / step * step;
    }

    /// <summary>Number of a size that <see cref="Bucket"/> gave, without gaps.</summary>
    private static int BucketIndex(long capacity)
    {
        const int FirstOctave = 12;
        int octave = BitOperations.Log2((ulong)capacity);
        return octave < FirstOctave
            ? (int)(capacity / SmallestBucket) - 1
            : ((octave - FirstOctave) * BucketsPerOctave)
                + (int)(capacity >> (octave - 3)) - 1;
    }
}
