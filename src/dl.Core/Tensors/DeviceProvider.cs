namespace Dl.Tensors;

/// <summary>What a device is, known before it is opened.</summary>
public sealed record DeviceInfo(
    string Name, string Description, bool IsGpu, int ComputeUnits, long MemoryBytes);

/// <summary>One kind of device: lists what is there and opens it. The CLI holds the list.</summary>
public interface IDeviceProvider
{
    /// <summary>`cpu` or `opencl`.</summary>
    string Kind { get; }

    /// <summary>
    /// Devices of this kind, in the order of their numbers; empty when there are none.
    /// </summary>
    IReadOnlyList<DeviceInfo> List();

    /// <summary>
    /// Why <see cref="List"/> is empty, and what to install; null when it is not.
    /// </summary>
    string? Missing { get; }

    /// <param name="index">Position in <see cref="List"/>.</param>
    /// <exception cref="DeviceException">No such device, it cannot be opened, or it does not
    /// compute in the precision that was asked for.</exception>
    Device Open(int index, DeviceOptions options);
}
