// Kernels have two forms. On processors one fat work-item computes a tile with explicit vectors and
// no barrier, and there are about as many work-groups as cores; on GPUs a work-group shares a tile
// in local memory. The device type chooses; DL_OPENCL_FORM=cpu|gpu overrules it, for tests.
using Dl.OpenCl.Native;

namespace Dl.OpenCl;

internal enum KernelForm
{
    /// <summary>Fat work-items, 16 lanes, no barriers.</summary>
    Cpu,

    /// <summary>Work-group tiles, local memory, barriers.</summary>
    Gpu,
}

internal static class KernelForms
{
    private const string Variable = "DL_OPENCL_FORM";

    /// <exception cref="UsageException">The variable says something else.</exception>
    public static KernelForm For(ClDevice device)
    {
        string? forced = Environment.GetEnvironmentVariable(Variable);
        return forced switch
        {
            null or "" => device.IsCpu ? KernelForm.Cpu : KernelForm.Gpu,
            "cpu" => KernelForm.Cpu,
            "gpu" => KernelForm.Gpu,
            _ => throw new UsageException(
                $"{Variable}: '{forced}', expected cpu or gpu; unset it to follow the device type"),
        };
    }
}
