// Memory, the queue and kernel look-up of an OpenCL device; each family's primitives are in the
// file of its name. The queue runs in order and nothing waits but reads: launches return at once.
using System.Runtime.InteropServices;
using Dl.OpenCl.Native;
using Dl.Tensors;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.OpenCl;

/// <summary>A device behind OpenCL.</summary>
public sealed unsafe partial class OpenClDevice : Device
{
    private readonly ClDevice _device;
    private readonly ContextHandle _context;
    private readonly QueueHandle _queue;
    private readonly ProgramCache _programs;
    private readonly Staging _staging = new();
    private readonly Dictionary<(string, string, string), Kernel> _kernels = [];
    private readonly bool _emulated;
    private readonly IReadOnlyList<GpuTile> _tiles;

    /// <param name="precision">Proven by <see cref="MatrixProbe"/> where it is not f32.</param>
    /// <param name="units">Which instructions compute it; unused for f32.</param>
    /// <param name="emulated">Stands in for the matrix units' instructions, for tests.</param>
    /// <param name="tuning">Instead of what is built in and tuned, for the tuner.</param>
    internal OpenClDevice(
        string name, string description, ClDevice device, KernelForm form, string cacheFolder,
        ILogger? log = null, Precision precision = Precision.F32,
        MatrixUnits units = MatrixUnits.Mma, bool emulated = false, Tuning? tuning = null)
    {
        log ??= NullLogger.Instance;
        if (device.AlignmentBytes > SliceAlignment * sizeof(float))
        {
            throw new DeviceException(
                $"{name}: buffers must start at multiples of {device.AlignmentBytes} bytes, dl "
                + $"cuts them at {SliceAlignment * sizeof(float)}; use another device");
        }
        (Name, Description, _device, Form) = (name, description, device, form);
        (Precision, _emulated) = (precision, emulated);
        Units = precision == Precision.F32 ? MatrixUnits.None : units;
        CacheFolder = cacheFolder;
        Tuning = tuning ?? Tuning.For(form, device, cacheFolder, log);
        _tiles = UsableTiles(log);
        WidthDefine = IsFat ? "" : $"WIDTH={Tuning.Width}";
        nint id = device.Id;
        int status;
        _context = ContextHandle.Own(Cl.clCreateContext(null, 1, &id, 0, 0, &status));
        Cl.Check(status, "clCreateContext", name);
        _queue = QueueHandle.Own(Cl.clCreateCommandQueue(_context, id, 0, &status));
        Cl.Check(status, "clCreateCommandQueue", name);
        _programs = new ProgramCache(
            _context, device, name, cacheFolder, log);
    }

    public override string Name { get; }

    public override string Description { get; }

    public override Precision Precision { get; }

    /// <summary>A processor's memory is the system's.</summary>
    public override long AvailableMemory => _device.IsCpu
        ? Math.Min(_device.MemoryBytes, HostMemory.Available()) : _device.MemoryBytes;

    internal KernelForm Form { get; }

    internal Tuning Tuning { get; set; }

    internal ClDevice Properties => _device;

    internal string CacheFolder { get; }

    internal ProgramCache Programs => _programs;

    /// <summary>Most groups of a fat launch.</summary>
    internal int FatGroups => _device.ComputeUnits * Tuning.GroupsPerUnit;

    /// <summary>Most groups of a GPU launch: kernels stride over what is left.</summary>
    internal int GpuGroups => _device.ComputeUnits * Tuning.GroupsPerUnit;

    /// <summary>Elements of the kernels' vector type in the fat form.</summary>
    private const int Lanes = 16;

    private bool IsFat => Form == KernelForm.Cpu;

    /// <summary>What multiplies the factors of products.</summary>
    internal MatrixUnits Units { get; }

    public override void Finish()
    {
        Cl.Check(Cl.clFinish(_queue), "clFinish", Name);
        _staging.Reuse();
    }

    protected override Storage Allocate(long bytes)
    {
        if (bytes > _device.MaxAllocation)
        {
            throw new DeviceMemoryException(
                $"{Name}: a buffer of {bytes} bytes was asked for, the largest possible is "
                + $"{_device.MaxAllocation}; use a smaller batch or model");
        }
        if (AllocatedBytes + bytes > _device.MemoryBytes)
        {
            throw new DeviceMemoryException(
                $"{Name}: out of memory: {bytes} bytes more were asked for, {AllocatedBytes} of "
                + $"{_device.MemoryBytes} are in use; use a smaller batch or model");
        }
        int status;
        nint handle = Cl.clCreateBuffer(
            _context, ClConst.MemReadWrite, (nuint)bytes, null, &status);
        Cl.Check(
            status, "clCreateBuffer",
            $"{bytes} bytes, {AllocatedBytes} of {_device.MemoryBytes} in use");
        return new OpenClStorage(this, handle, bytes);
    }

    protected override Storage CreateSlice(Storage arena, long offsetBytes, long bytes)
    {
        var owner = (OpenClStorage)arena;
        long start = owner.Start + offsetBytes;
        bytes = Math.Max(sizeof(float), bytes);
        return new OpenClStorage(
            this, owner.Root.Part(start, bytes), bytes, owner.Root, start);
    }

    protected override void Free(Storage storage) => ((OpenClStorage)storage).Release();

    protected override void WriteBytes(Storage target, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            return;
        }
        nint handle = ((OpenClStorage)target).Handle;
        // A copy lets the caller go on at once; beyond the ring's room the write waits instead.
        bool staged = _staging.TryCopy(source, out byte* copy);
        fixed (byte* p = source)
        {
            Cl.Check(
                Cl.clEnqueueWriteBuffer(
                    _queue, handle, staged ? 0u : 1u, 0, (nuint)source.Length, staged ? copy : p,
                    0, null, null),
                "clEnqueueWriteBuffer", Name);
        }
        if (!staged)
        {
            _staging.Reuse();
        }
    }

    protected override void ReadBytes(Storage source, Span<byte> target)
    {
        if (target.IsEmpty)
        {
            return;
        }
        fixed (byte* p = target)
        {
            Cl.Check(
                Cl.clEnqueueReadBuffer(
                    _queue, ((OpenClStorage)source).Handle, 1, 0, (nuint)target.Length, p,
                    0, null, null),
                "clEnqueueReadBuffer", Name);
        }
        _staging.Reuse();
    }

    protected override void Dispose(bool disposing)
    {
        if (_queue.IsClosed)
        {
            return;
        }
        try
        {
            Finish();
            _programs.SaveNew();
        }
        finally
        {
            // After a fault of the device too, which waiting reports.
            Release();
        }
    }

    private void Release()
    {
        foreach (var kernel in _kernels.Values)
        {
            kernel.Dispose();
        }
        _zeros?.Release();
        _programs.Dispose();
        _staging.Dispose();
        _queue.Dispose();
        _context.Dispose();
    }

    /// <summary>A kernel of a family's program, built when first asked for.</summary>
    /// <param name="family">File in kernels/ without its extension.</param>
    /// <param name="define">One more define, `NAME=value`, or empty.</param>
    private Kernel Find(string family, string entry, string define = "")
    {
        if (!_kernels.TryGetValue((family, entry, define), out var kernel))
        {
            var program = _programs.Get(family, Defines(define));
            kernel = new Kernel(this, program, entry, _queue.DangerousGetHandle());
            _kernels.Add((family, entry, define), kernel);
        }
        return kernel;
    }

    private string Defines(string define)
    {
        string form = IsFat ? "-D FAT=1" : "-D FAT=0";
        return define.Length == 0 ? form : $"{form} -D {define}";
    }

    /// <summary>
    /// Host copies of what is being written, so that a write need not wait for the work before it.
    /// All of them are free again after any wait, because the queue runs in order.
    /// </summary>
    private sealed class Staging : IDisposable
    {
        private const int Room = 64 << 20;
        public const nuint Alignment = 64;

        private byte* _memory;
        private int _used;

        /// <summary>Bytes that may still be waited for.</summary>
        public int Used => _used;

        public bool TryCopy(ReadOnlySpan<byte> source, out byte* copy)
        {
            copy = null;
            if (source.Length > Room - _used)
            {
                return false;
            }
            if (_memory is null)
            {
                _memory = (byte*)NativeMemory.AlignedAlloc(Room, Alignment);
            }
            copy = _memory + _used;
            source.CopyTo(new Span<byte>(copy, source.Length));
            _used += (source.Length + (int)Alignment - 1) / (int)Alignment * (int)Alignment;
            return true;
        }

        public void Reuse() => _used = 0;

        /// <summary>
        /// What had been staged up to <paramref name="used"/> has been copied; a rest keeps all.
        /// </summary>
        public void ReuseUnlessAbove(int used) => _used = _used <= used ? 0 : _used;

        public void Dispose()
        {
            NativeMemory.AlignedFree(_memory);
            _memory = null;
        }
    }
}
