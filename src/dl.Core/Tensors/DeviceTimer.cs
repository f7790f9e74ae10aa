// Times calls on a device: several at a time where they are short, so that waiting for the device
// is a small part of the figure.
using System.Diagnostics;

namespace Dl.Tensors;

public static class DeviceTimer
{
    /// <summary>Of which <see cref="Median"/> is the median.</summary>
    public const int Samples = 7;

    private const int MostRepeats = 100_000;

    /// <summary>What a clock can tell apart, in seconds.</summary>
    private const double Shortest = 1e-9;

    /// <summary>Seconds of a call: the median of samples, after one call to warm up.</summary>
    /// <param name="sampleSeconds">Length of a sample, which is one call at least.</param>
    public static double Median(
        Device device, Action<Device> call, double sampleSeconds,
        CancellationToken cancel = default)
    {
        call(device);
        double once = Measure(device, call, 1);
        int repeats = (int)Math.Clamp(sampleSeconds / once, 1, MostRepeats);
        Span<double> times = stackalloc double[Samples];
        foreach (ref double time in times)
        {
            cancel.ThrowIfCancellationRequested();
            time = Measure(device, call, repeats);
        }
        times.Sort();
        return times[Samples / 2];
    }

    /// <summary>Seconds of each of a number of calls, when all work before them is done.</summary>
    public static double Measure(Device device, Action<Device> call, int repeats)
    {
        device.Finish();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++)
        {
            call(device);
        }
        device.Finish();
        return Math.Max(Stopwatch.GetElapsedTime(start).TotalSeconds, Shortest) / repeats;
    }
}
