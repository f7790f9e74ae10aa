using Dl.OpenCl.Native;
using Dl.Tensors;

namespace Dl.OpenCl;

/// <summary>A buffer, or a part of one. The device frees it; there is no finalizer.</summary>
internal sealed class OpenClStorage(
    OpenClDevice device, nint handle, long capacity, OpenClStorage? arena = null, long start = 0)
    : Storage(device, capacity)
{
    // Sub-buffers by start and size: asking twice for one slice costs one handle.
    private Dictionary<(long, long), nint>? _parts;

    public nint Handle { get; } = handle;

    /// <summary>The buffer that owns the memory: parts of parts are not allowed.</summary>
    public OpenClStorage Root => arena ?? this;

    /// <summary>Bytes from the start of <see cref="Root"/>.</summary>
    public long Start { get; } = start;

    /// <summary>A handle to bytes [start, start + bytes) of this root buffer.</summary>
    public unsafe nint Part(long start, long bytes)
    {
        _parts ??= [];
        if (!_parts.TryGetValue((start, bytes), out nint part))
        {
            nuint* region = stackalloc nuint[] { (nuint)start, (nuint)bytes };
            int status;
            part = Cl.clCreateSubBuffer(
                Handle, ClConst.MemReadWrite, ClConst.BufferCreateTypeRegion, region, &status);
            Cl.Check(status, "clCreateSubBuffer", $"{bytes} bytes at {start} of {Capacity}");
            _parts.Add((start, bytes), part);
        }
        return part;
    }

    /// <summary>Frees the memory and every part of it.</summary>
    public void Release()
    {
        if (_parts is not null)
        {
            foreach (nint part in _parts.Values)
            {
                Cl.Check(Cl.clReleaseMemObject(part), "clReleaseMemObject");
            }
            _parts = null;
        }
        Cl.Check(Cl.clReleaseMemObject(Handle), "clReleaseMemObject");
    }
}
