// OpenCL in the list of devices: every device of every platform, numbered in the loader's order.
using Dl.OpenCl.Native;
using Dl.Tensors;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.OpenCl;

/// <summary>Lists and opens OpenCL devices.</summary>
public sealed class OpenClProvider : IDeviceProvider
{
    private readonly IReadOnlyList<string> _libraries;
    private List<ClDevice>? _devices;
    private string? _missing;

    private readonly ILogger _log;

    /// <param name="log">Told what is tried on the way, or null.</param>
    public OpenClProvider(ILogger? log = null)
        : this(Library.Names, log)
    {
    }

    /// <param name="libraries">Names under which the loader is looked for.</param>
    internal OpenClProvider(IReadOnlyList<string> libraries, ILogger? log = null) =>
        (_libraries, _log) = (libraries, log ?? NullLogger.Instance);

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

    public Device Open(int index, DeviceOptions options) => Open(index, options, null, null);

    /// <param name="form">Kernel form, or null: by device type or DL_OPENCL_FORM.</param>
    /// <param name="cacheFolder">Where binaries are kept, or null: the user's cache.</param>
    internal OpenClDevice Open(
        int index, DeviceOptions options, KernelForm? form, string? cacheFolder)
    {
        var devices = Find(options.Threads);
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
        if (options.Threads is { } count && device.IsCpu && count < device.ComputeUnits)
        {
            device = ClDevices.Part(device, Math.Max(1, count));
        }
        string folder = cacheFolder ?? ProgramCache.DefaultFolder();
        var kernels = form ?? KernelForms.For(device);
        var units = MatrixUnits.None;
        if (options.Precision != Precision.F32)
        {
            units = MatrixProbe.Demand(
                $"opencl:{index}", device, kernels, folder, options.Precision, _log);
        }
        return new OpenClDevice(
            $"opencl:{index}", Describe(device), device, kernels, folder, _log, options.Precision,
            units);
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
