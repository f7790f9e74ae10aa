// A kernel with its next launch's arguments. Arguments are set in the order of the kernel's
// parameters; nothing is allocated per launch.
using Dl.OpenCl.Native;
using Dl.Tensors;

namespace Dl.OpenCl;

/// <summary>One entry of a program.</summary>
internal sealed unsafe class Kernel : IDisposable
{
    /// <summary>Work-items of a group where a GPU kernel does not say otherwise.</summary>
    public const int GroupSize = 256;

    private readonly OpenClDevice _device;
    private readonly ClProgram _program;
    private readonly KernelHandle _handle;
    private readonly HashSet<(nuint, nuint, bool)> _launched = [];
    private readonly nint _raw, _queue;
    private readonly string _name;
    private uint _next;

    public Kernel(OpenClDevice device, ClProgram program, string name, nint queue)
    {
        (_device, _program, _name, _queue) = (device, program, name, queue);
        int status;
        _handle = KernelHandle.Own(Cl.clCreateKernel(program.Handle, name, &status));
        Cl.Check(status, "clCreateKernel", $"{name} of {program.Name}");
        _raw = _handle.DangerousGetHandle();
    }

    public Kernel Arg(Storage value)
    {
        nint handle = ((OpenClStorage)value).Handle;
        return Set((nuint)sizeof(nint), &handle);
    }

    public Kernel Arg(int value) => Set(sizeof(int), &value);

    public Kernel Arg(float value) => Set(sizeof(float), &value);

    public Kernel Arg(ulong value) => Set(sizeof(ulong), &value);

    public Kernel Arg<T>(in T value)
        where T : unmanaged
    {
        T copy = value;
        return Set((nuint)sizeof(T), &copy);
    }

    /// <summary>Local memory.</summary>
    public Kernel Local(int bytes) => Set((nuint)bytes, null);

    /// <summary>
    /// A launch over <paramref name="items"/>: fat groups with at least <paramref name="grain"/>
    /// items each, or (GPU form) one work-item for each, up to what keeps the device full.
    /// </summary>
    public void Over(long items, int grain)
    {
        if (_device.Form == KernelForm.Cpu)
        {
            long groups = Math.Clamp(items / grain, 1, _device.FatGroups);
            Groups((int)groups, 1, 1, 1, 1);
            return;
        }
        long blocks = (items + GroupSize - 1) / GroupSize;
        Groups((int)Math.Clamp(blocks, 1, _device.GpuGroups), 1, 1, GroupSize, 1);
    }

    /// <summary>A launch of x * y * z groups of the given size.</summary>
    public void Groups(int x, int y, int z, int sizeX, int sizeY)
    {
        nuint* global = stackalloc nuint[]
        {
            (nuint)x * (nuint)sizeX, (nuint)y * (nuint)sizeY, (nuint)z,
        };
        nuint* local = stackalloc nuint[] { (nuint)sizeX, (nuint)sizeY, 1 };
        int status = Cl.clEnqueueNDRangeKernel(_queue, _raw, 3, null, global, local, 0, null, null);
        _next = 0;
        Cl.Check(status, "clEnqueueNDRangeKernel", _name);
        // PoCL compiles once more for each local size, and for small and for large grids; what is
        // new is worth saving.
        const int SmallGrid = 1 << 16;
        if (_launched.Add((local[0], local[1], global[0] < SmallGrid)))
        {
            _program.Launched($"{_name}/{sizeX}x{sizeY}/{(global[0] < SmallGrid ? 's' : 'l')}");
        }
    }

    /// <summary>Forgets the arguments that were set.</summary>
    public void Cancel() => _next = 0;

    public void Dispose() => _handle.Dispose();

    private Kernel Set(nuint size, void* value)
    {
        int status = Cl.clSetKernelArg(_raw, _next, size, value);
        if (status != 0)
        {
            uint index = _next;
            _next = 0;
            Cl.Check(status, "clSetKernelArg", $"argument {index} of {_name}");
        }
        _next++;
        return this;
    }
}
