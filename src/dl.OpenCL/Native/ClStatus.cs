// Constants and status codes of the OpenCL headers, and the one place where a status becomes an
// exception that says what to do.
namespace Dl.OpenCl.Native;

internal static class ClConst
{
    public const int DeviceNotFound = -1;
    public const int BuildProgramFailure = -11;
    public const int PlatformNotFound = -1001;

    public const ulong DeviceTypeCpu = 1 << 1;
    public const ulong DeviceTypeGpu = 1 << 2;
    public const ulong DeviceTypeAll = 0xFFFFFFFF;

    public const uint PlatformName = 0x0902;

    public const uint DeviceType = 0x1000;
    public const uint DeviceMaxComputeUnits = 0x1002;
    public const uint DeviceMaxWorkGroupSize = 0x1004;
    public const uint DeviceMaxMemAllocSize = 0x1010;
    public const uint DeviceMemBaseAddrAlign = 0x1019;
    public const uint DeviceGlobalMemSize = 0x101F;
    public const uint DeviceLocalMemSize = 0x1023;
    public const uint DeviceName = 0x102B;
    public const uint DriverVersion = 0x102D;
    public const uint DeviceVersion = 0x102F;

    public const nint DevicePartitionByCounts = 0x1087;

    public const ulong MemReadWrite = 1;
    public const uint BufferCreateTypeRegion = 0x1220;

    public const uint ProgramBinarySizes = 0x1165;
    public const uint ProgramBinaries = 0x1166;
    public const uint ProgramBuildLog = 0x1183;
}

internal static unsafe partial class Cl
{
    /// <summary>Throws where a call did not succeed.</summary>
    /// <param name="subject">What the call worked on, for the message.</param>
    /// <exception cref="DeviceException">Names call and status, says what to do.</exception>
    public static void Check(int status, string call, string? subject = null)
    {
        if (status != 0)
        {
            throw Failure(status, call, subject);
        }
    }

    public static DeviceException Failure(int status, string call, string? subject = null)
    {
        string on = subject is null ? "" : $" ({subject})";
        string message = $"opencl: {call}{on} returned {Name(status)} ({status}), expected "
            + $"CL_SUCCESS; {Advice(status)}";
        return status is MemObjectAllocationFailure or OutOfResources or OutOfHostMemory
                or InvalidBufferSize
            ? new DeviceMemoryException(message) : new DeviceException(message);
    }

    // Drivers that give memory at its first use report its lack by any of these, from any call.
    private const int MemObjectAllocationFailure = -4;
    private const int OutOfResources = -5;
    private const int OutOfHostMemory = -6;
    private const int InvalidBufferSize = -61;

    /// <summary>The header's name of a status.</summary>
    public static string Name(int status) => status switch
    {
        0 => "CL_SUCCESS",
        -1 => "CL_DEVICE_NOT_FOUND",
        -2 => "CL_DEVICE_NOT_AVAILABLE",
        -3 => "CL_COMPILER_NOT_AVAILABLE",
        -4 => "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        -5 => "CL_OUT_OF_RESOURCES",
        -6 => "CL_OUT_OF_HOST_MEMORY",
        -11 => "CL_BUILD_PROGRAM_FAILURE",
        -13 => "CL_MISALIGNED_SUB_BUFFER_OFFSET",
        -14 => "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
        -17 => "CL_LINK_PROGRAM_FAILURE",
        -18 => "CL_DEVICE_PARTITION_FAILED",
        -30 => "CL_INVALID_VALUE",
        -31 => "CL_INVALID_DEVICE_TYPE",
        -32 => "CL_INVALID_PLATFORM",
        -33 => "CL_INVALID_DEVICE",
        -34 => "CL_INVALID_CONTEXT",
        -36 => "CL_INVALID_COMMAND_QUEUE",
        -38 => "CL_INVALID_MEM_OBJECT",
        -42 => "CL_INVALID_BINARY",
        -43 => "CL_INVALID_BUILD_OPTIONS",
        -44 => "CL_INVALID_PROGRAM",
        -45 => "CL_INVALID_PROGRAM_EXECUTABLE",
        -46 => "CL_INVALID_KERNEL_NAME",
        -47 => "CL_INVALID_KERNEL_DEFINITION",
        -48 => "CL_INVALID_KERNEL",
        -49 => "CL_INVALID_ARG_INDEX",
        -50 => "CL_INVALID_ARG_VALUE",
        -51 => "CL_INVALID_ARG_SIZE",
        -52 => "CL_INVALID_KERNEL_ARGS",
        -53 => "CL_INVALID_WORK_DIMENSION",
        -54 => "CL_INVALID_WORK_GROUP_SIZE",
        -55 => "CL_INVALID_WORK_ITEM_SIZE",
        -56 => "CL_INVALID_GLOBAL_OFFSET",
        -59 => "CL_INVALID_OPERATION",
        -61 => "CL_INVALID_BUFFER_SIZE",
        -63 => "CL_INVALID_GLOBAL_WORK_SIZE",
        -64 => "CL_INVALID_PROPERTY",
        -68 => "CL_INVALID_DEVICE_PARTITION_COUNT",
        -1001 => "CL_PLATFORM_NOT_FOUND_KHR",
        _ => "an unknown status",
    };

    private static string Advice(int status) => status switch
    {
        -2 => "another process may hold the device, or its driver needs a restart",
        -3 => "this driver has no compiler; install the vendor's full OpenCL package",
        -4 or -5 or -6 or -61 => "use a smaller batch or model, or close other programs that use "
            + "the device",
        -14 or -36 => "an earlier kernel failed; run `dl check --selftest` on this device",
        -18 or -68 => "ask for fewer threads",
        -1 or -1001 => "install a driver (for the processor: pocl-opencl-icd), or use --device cpu",
        _ => "this is a fault of dl or of the driver: run `dl check --selftest`, or use "
            + "--device cpu",
    };
}
