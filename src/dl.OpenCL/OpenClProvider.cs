// OpenCL in the list of devices: every device of every platform, numbered in the loader's order.
using Dl.OpenCl.Native;
using Dl.Tensors;

namespace Dl.OpenCl;

/// <summary>Lists and opens OpenCL devices.</summary>
public sealed class OpenClProvider : IDeviceProvider
{
    private readonly IReadOnlyList<string> _libraries;
    private List<ClDevice>? _devices;
    private string? _missing;

    public OpenClProvider()
        : this(Library.Names)
    {
    }

    /// <param name="libraries">Names under which the loader is looked for.</param>
    internal OpenClProvider(IReadOnlyList<string> libraries) => _libraries = libraries;

    public string Kind => "opencl";

    public string? Missing
    {
        get
        {
            Find(null);
            return _missing;
        }
    }

    public IReadOnlyList<DeviceInfo> List()
    {
        var devices = Find(null);
        var result = new DeviceInfo[devices.Count];
        for (int i = 0; i < result.Length; i++)
        {
            var device = devices[i];
            result[i] = new DeviceInfo(
                $"opencl:{i}", Describe(device), device.IsGpu, device.ComputeUnits,
                device.MemoryBytes);
        }
        return result;
    }

    public Device Open(int index, int? threads) => Open(index, threads, null, null);

    /// <param name="form">Kernel form, or null: by device type or DL_OPENCL_FORM.</param>
    /// <param name="cacheFolder">Where binaries are kept, or null: the user's cache.</param>
    internal OpenClDevice Open(int index, int? threads, KernelForm? form, string? cacheFolder)
    {
        var devices = Find(threads);
        if (_missing is not null)
        {
            throw new DeviceException($"opencl:{index}: {_missing}");
        }
        if (index < 0 || index >= devices.Count)
        {
            throw new DeviceException(
                $"opencl:{index}: there are {devices.Count} OpenCL device(s), numbered from 0; "
                + "see `dl info --devices`");
        }
        var device = devices[index];
        if (threads is { } count && device.IsCpu && count < device.ComputeUnits)
        {
            device = ClDevices.Part(device, Math.Max(1, count));
        }
        return new OpenClDevice(
            $"opencl:{index}", Describe(device), device, form ?? KernelForms.For(device),
            cacheFolder ?? ProgramCache.DefaultFolder());
    }

    internal static string Describe(ClDevice device) =>
        $"{device.Name}, {device.ComputeUnits} compute units, {device.Platform} {device.Driver}";

    private List<ClDevice> Find(int? threads)
    {
        if (_devices is not null)
        {
            return _devices;
        }
        if (!Library.TryLoad(_libraries))
        {
            _missing = $"the OpenCL library ({string.Join(" or ", _libraries)}) is not installed; "
                + Library.HowToInstall;
            return _devices = [];
        }
        Library.Prepare(threads);
        _devices = ClDevices.All();
        if (_devices.Count == 0)
        {
            _missing = "the OpenCL library is there but finds no device; " + Library.HowToInstall;
        }
        return _devices;
    }
}
