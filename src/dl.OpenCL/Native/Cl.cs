// The OpenCL entry points that dl uses, named and shaped as in the Khronos headers (OpenCL 1.2, so
// every driver has them). Objects that live long travel as SafeHandles; buffers and kernels, which
// are touched on every launch, as plain handles that their owners free.
using System.Runtime.InteropServices;

namespace Dl.OpenCl.Native;

/// <summary>Raw OpenCL calls. Statuses go through <see cref="Check"/>.</summary>
internal static unsafe partial class Cl
{
    [LibraryImport(Library.Name)]
    public static partial int clGetPlatformIDs(uint count, nint* platforms, uint* found);

    [LibraryImport(Library.Name)]
    public static partial int clGetPlatformInfo(
        nint platform, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Library.Name)]
    public static partial int clGetDeviceIDs(
        nint platform, ulong type, uint count, nint* devices, uint* found);

    [LibraryImport(Library.Name)]
    public static partial int clGetDeviceInfo(
        nint device, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Library.Name)]
    public static partial int clCreateSubDevices(
        nint device, nint* properties, uint count, nint* devices, uint* found);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseDevice(nint device);

    [LibraryImport(Library.Name)]
    public static partial nint clCreateContext(
        nint* properties, uint count, nint* devices, nint notify, nint user, int* status);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseContext(nint context);

    [LibraryImport(Library.Name)]
    public static partial nint clCreateCommandQueue(
        ContextHandle context, nint device, ulong properties, int* status);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseCommandQueue(nint queue);

    [LibraryImport(Library.Name)]
    public static partial int clFlush(QueueHandle queue);

    [LibraryImport(Library.Name)]
    public static partial int clFinish(QueueHandle queue);

    [LibraryImport(Library.Name)]
    public static partial nint clCreateBuffer(
        ContextHandle context, ulong flags, nuint size, void* host, int* status);

    [LibraryImport(Library.Name)]
    public static partial nint clCreateSubBuffer(
        nint buffer, ulong flags, uint kind, nuint* region, int* status);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseMemObject(nint buffer);

    [LibraryImport(Library.Name)]
    public static partial int clEnqueueReadBuffer(
        QueueHandle queue, nint buffer, uint blocking, nuint offset, nuint size, void* host,
        uint waitCount, nint* waits, nint* done);

    [LibraryImport(Library.Name)]
    public static partial int clEnqueueWriteBuffer(
        QueueHandle queue, nint buffer, uint blocking, nuint offset, nuint size, void* host,
        uint waitCount, nint* waits, nint* done);

    [LibraryImport(Library.Name)]
    public static partial int clWaitForEvents(uint count, nint* events);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseEvent(nint done);

    [LibraryImport(Library.Name)]
    public static partial nint clCreateProgramWithSource(
        ContextHandle context, uint count, byte** strings, nuint* lengths, int* status);

    [LibraryImport(Library.Name)]
    public static partial nint clCreateProgramWithBinary(
        ContextHandle context, uint count, nint* devices, nuint* lengths, byte** binaries,
        int* binaryStatus, int* status);

    [LibraryImport(Library.Name, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int clBuildProgram(
        ProgramHandle program, uint count, nint* devices, string options, nint notify, nint user);

    [LibraryImport(Library.Name)]
    public static partial int clGetProgramInfo(
        ProgramHandle program, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Library.Name)]
    public static partial int clGetProgramBuildInfo(
        ProgramHandle program, nint device, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseProgram(nint program);

    [LibraryImport(Library.Name, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint clCreateKernel(ProgramHandle program, string name, int* status);

    [LibraryImport(Library.Name)]
    public static partial int clReleaseKernel(nint kernel);

    [LibraryImport(Library.Name)]
    public static partial int clSetKernelArg(nint kernel, uint index, nuint size, void* value);

    [LibraryImport(Library.Name)]
    public static partial int clEnqueueNDRangeKernel(
        nint queue, nint kernel, uint dimensions, nuint* offset, nuint* global, nuint* local,
        uint waitCount, nint* waits, nint* done);
}

internal sealed class ContextHandle() : SafeHandle(0, true)
{
    public override bool IsInvalid => handle == 0;

    public static ContextHandle Own(nint raw)
    {
        var owner = new ContextHandle();
        owner.SetHandle(raw);
        return owner;
    }

    protected override bool ReleaseHandle() => Cl.clReleaseContext(handle) == 0;
}

internal sealed class QueueHandle() : SafeHandle(0, true)
{
    public override bool IsInvalid => handle == 0;

    public static QueueHandle Own(nint raw)
    {
        var owner = new QueueHandle();
        owner.SetHandle(raw);
        return owner;
    }

    protected override bool ReleaseHandle() => Cl.clReleaseCommandQueue(handle) == 0;
}

internal sealed class ProgramHandle() : SafeHandle(0, true)
{
    public override bool IsInvalid => handle == 0;

    public static ProgramHandle Own(nint raw)
    {
        var owner = new ProgramHandle();
        owner.SetHandle(raw);
        return owner;
    }

    protected override bool ReleaseHandle() => Cl.clReleaseProgram(handle) == 0;
}

internal sealed class KernelHandle() : SafeHandle(0, true)
{
    public override bool IsInvalid => handle == 0;

    public static KernelHandle Own(nint raw)
    {
        var owner = new KernelHandle();
        owner.SetHandle(raw);
        return owner;
    }

    protected override bool ReleaseHandle() => Cl.clReleaseKernel(handle) == 0;
}
