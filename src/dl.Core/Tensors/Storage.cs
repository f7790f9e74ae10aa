namespace Dl.Tensors;

/// <summary>
/// A handle to contiguous device memory that starts at 0. There are no views with strides:
/// transpose,
/// slice, pad, concat and expand are one strided-copy primitive (Ops/Copy.cs).
/// </summary>
public abstract class Storage(Device device, long capacity)
{
    public Device Device { get; } = device;

    /// <summary>Bytes behind the handle; the pool rounds requests up.</summary>
    public long Capacity { get; } = capacity;

    public DType Type { get; private set; }

    /// <summary>Elements in use.</summary>
    public long Length { get; private set; }

    /// <summary>Where the pool keeps it while nobody uses it; null: a slice.</summary>
    internal Stack<Storage>? Home { get; set; }

    /// <summary>Gives the same memory a new meaning when the pool hands it out.</summary>
    internal void Assign(DType type, long length) => (Type, Length) = (type, length);
}
