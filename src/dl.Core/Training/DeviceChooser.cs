// Which device a job runs on. `--device auto` follows one rule, said on stderr:
//   a GPU, where there is one and a training step is worth its launches (WorthAGpu and more);
//   the managed device otherwise, whose steps cost microseconds to start.
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Finds and opens devices by name.</summary>
public sealed class DeviceChooser(IReadOnlyList<IDeviceProvider> providers)
{
    /// <summary>
    /// Multiply-adds a step below which a GPU waits for launches more than it works.
    /// </summary>
    public const double WorthAGpu = 2e7;

    public IReadOnlyList<IDeviceProvider> Providers { get; } = providers;

    /// <summary>What opened devices compute products in.</summary>
    public Precision Precision { get; init; }

    /// <summary>Most bytes that an opened device may take; null: what there is now.</summary>
    public long? Memory { get; init; }

    /// <summary>Opens what `--device` names.</summary>
    /// <param name="name">`auto`, `cpu`, `opencl` or `opencl:N`.</param>
    /// <param name="work">Multiply-adds of one step, for `auto`.</param>
    /// <exception cref="UsageException">No such kind of device.</exception>
    /// <exception cref="DeviceException">No such device here, or it cannot be opened.</exception>
    public Device Open(string name, double work, int? threads)
    {
        var device = Choose(name, work, threads);
        device.MemoryLimit = Memory ?? device.AvailableMemory;
        return device;
    }

    private Device Choose(string name, double work, int? threads)
    {
        if (name == "auto")
        {
            return Automatic(work, threads);
        }
        int colon = name.IndexOf(':');
        string kind = colon < 0 ? name : name[..colon];
        var provider = Providers.FirstOrDefault(p => p.Kind == kind)
            ?? throw new UsageException(
                Nearest.Unknown("device", kind, Providers.Select(p => p.Kind).Prepend("auto")));
        int index = 0;
        if (colon >= 0 && !int.TryParse(name[(colon + 1)..], out index))
        {
            throw new UsageException($"device '{name}': expected {kind}:NUMBER");
        }
        var devices = provider.List();
        if (index < 0 || index >= devices.Count)
        {
            throw new DeviceException(devices.Count == 0
                ? $"device '{name}': none here; {provider.Missing}"
                : $"device '{name}': there are {devices.Count}, numbered from 0; "
                    + "see `dl info --devices`");
        }
        return provider.Open(index, new DeviceOptions(threads, Precision));
    }

    /// <summary>
    /// Multiply-adds a second of a 512 x 512 x 512 matrix product; takes a moment.
    /// </summary>
    public static double MeasureSpeed(Device device)
    {
        const int Size = 512;
        var (a, b, c) = (device.Rent(DType.F32, Size * Size), device.Rent(DType.F32, Size * Size),
            device.Rent(DType.F32, Size * Size));
        device.Fill(a, Size * Size, 1);
        device.Fill(b, Size * Size, 1);
        double best = double.MaxValue;
        for (int i = 0; i < 6; i++)
        {
            best = Math.Min(best, DeviceTimer.Measure(
                device, d => d.MatMul(a, b, null, c, 1, Size, Size, Size, false, false, 0), 1));
        }
        device.Return(a);
        device.Return(b);
        device.Return(c);
        return Math.Pow(Size, 3) / best;
    }

    private Device Automatic(double work, int? threads)
    {
        // The managed device stands first; asking the others costs time, so small work does not.
        if (work >= WorthAGpu)
        {
            foreach (var provider in Providers)
            {
                var devices = provider.List();
                for (int i = 0; i < devices.Count; i++)
                {
                    if (devices[i].IsGpu)
                    {
                        return provider.Open(i, new DeviceOptions(threads, Precision));
                    }
                }
            }
        }
        return Providers[0].Open(0, new DeviceOptions(threads, Precision));
    }
}
