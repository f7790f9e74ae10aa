namespace Dl.Tensors;

/// <summary>
/// A copy of device memory on its way to the host, so that the device need not stand idle while the
/// host looks at its results. To be used again and again.
/// </summary>
/// <param name="capacity">Most elements of a copy.</param>
public abstract class Readback(int capacity) : IDisposable
{
    public int Capacity { get; } = capacity;

    /// <summary>Elements of the last copy.</summary>
    protected int Count { get; private set; }

    /// <summary>The values, when they are there. Valid until the next read begins.</summary>
    public abstract ReadOnlySpan<float> Wait();

    public abstract void Dispose();

    internal void Start(Storage source)
    {
        Count = checked((int)source.Length);
        if (Count > Capacity)
        {
            throw new DeviceException(
                $"{source.Device.Name}: a read of {Count} numbers into memory for {Capacity}");
        }
        Begin(source);
    }

    /// <summary>Enqueues the copy of all of <paramref name="source"/>.</summary>
    protected abstract void Begin(Storage source);
}
