// The device on which tests of dl.Core run.
using Dl.Cpu;
using Dl.Tensors;

namespace Dl.Tests;

internal static class TestDevice
{
    /// <summary>The managed device; the caller disposes it.</summary>
    public static Device Cpu(int? threads = 2) =>
        new CpuProvider().Open(0, new DeviceOptions(threads));
}
