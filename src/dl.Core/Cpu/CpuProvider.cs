// The processor in the list of devices: exactly one, always there.
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;

namespace Dl.Cpu;

/// <summary>Opens the managed device.</summary>
public sealed class CpuProvider : IDeviceProvider
{
    /// <summary>The processor's name as the system gives it, or its architecture.</summary>
    internal static string Model { get; } = FindModel();

    public string Kind => "cpu";

    public string? Missing => null;

    public IReadOnlyList<DeviceInfo> List() =>
    [
        new DeviceInfo("cpu", $"{Model}, {Vectors}", false, Environment.ProcessorCount,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes),
    ];

    public Device Open(int index, DeviceOptions options)
    {
        if (index != 0)
        {
            throw new DeviceException($"cpu:{index}: there is one cpu device; use cpu");
        }
        if (options.Precision != Precision.F32)
        {
            throw new DeviceException(
                $"cpu: precision {options.Precision.Name()} was asked for, this device computes in "
                + "f32; leave --precision out, or name a GPU that has it (dl info --devices)");
        }
        return new CpuDevice(options.Threads);
    }

    private static string Vectors =>
        Vector512.IsHardwareAccelerated ? "512-bit vectors"
        : Vector256.IsHardwareAccelerated ? "256-bit vectors"
        : "128-bit vectors";

    private static string FindModel()
    {
        const string Path = "/proc/cpuinfo";
        if (File.Exists(Path))
        {
            foreach (string line in File.ReadLines(Path))
            {
                int colon = line.IndexOf(':');
                if (colon > 0 && line.StartsWith("model name", StringComparison.Ordinal))
                {
                    return line[(colon + 1)..].Trim();
                }
            }
        }
        return RuntimeInformation.ProcessArchitecture.ToString();
    }
}
