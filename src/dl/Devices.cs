// The kinds of device that this program was built with, the one that is always there first.
using Dl.Cli.Options;
using Dl.Cpu;
using Dl.OpenCl;
using Dl.Tensors;
using Dl.Training;
using Microsoft.Extensions.Logging;

namespace Dl.Cli;

internal static class Devices
{
    /// <summary>A new list each time: looking for drivers is left to whoever needs it.</summary>
    public static DeviceChooser Chooser(Session? session = null) =>
        new([new CpuProvider(), new OpenClProvider(session?.Log)])
        {
            Precision = session is null ? default
                : Precisions.Parse(session.Values.Text(CommonOptions.Precision)!),
            Memory = session?.Values.Bytes(CommonOptions.Memory),
        };

    /// <summary>A line a device, or an object; what is missing is said on the way.</summary>
    public static void Print(Session session, bool json)
    {
        foreach (IDeviceProvider provider in Chooser().Providers)
        {
            foreach (DeviceInfo device in provider.List())
            {
                session.Out.Write(json
                    ? $"{JsonLine.Object(
                        ("device", device.Name), ("description", device.Description),
                        ("gpu", device.IsGpu), ("compute_units", device.ComputeUnits),
                        ("memory_bytes", device.MemoryBytes))}\n"
                    : $"{device.Name,-10}  {device.Description}, {device.ComputeUnits} units, "
                        + $"{device.MemoryBytes / 1048576.0 / 1024:0.0} GiB\n");
            }
            if (provider.Missing is { } missing)
            {
                session.Log.LogInformation("{Kind}: {Missing}", provider.Kind, missing);
            }
        }
    }
}
