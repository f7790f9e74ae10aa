// What is there: platforms and their devices, with the properties that choose kernel forms.
using System.Text;

namespace Dl.OpenCl.Native;

/// <summary>A device and what it says of itself.</summary>
internal sealed record ClDevice(
    nint Id, string Platform, string Name, string Driver, string Version, ulong Type,
    int ComputeUnits, long MemoryBytes, long MaxAllocation, long LocalBytes, int MaxGroup,
    int AlignmentBytes)
{
    public bool IsGpu => (Type & ClConst.DeviceTypeGpu) != 0;

    public bool IsCpu => (Type & ClConst.DeviceTypeCpu) != 0;

    public static unsafe ClDevice Describe(nint id, string platform) => new(
        id, platform, Text(id, ClConst.DeviceName), Text(id, ClConst.DriverVersion),
        Text(id, ClConst.DeviceVersion), Number<ulong>(id, ClConst.DeviceType),
        (int)Number<uint>(id, ClConst.DeviceMaxComputeUnits),
        (long)Number<ulong>(id, ClConst.DeviceGlobalMemSize),
        (long)Number<ulong>(id, ClConst.DeviceMaxMemAllocSize),
        (long)Number<ulong>(id, ClConst.DeviceLocalMemSize),
        (int)Number<nuint>(id, ClConst.DeviceMaxWorkGroupSize),
        (int)Number<uint>(id, ClConst.DeviceMemBaseAddrAlign) / 8);

    private static unsafe T Number<T>(nint id, uint what)
        where T : unmanaged
    {
        T value = default;
        Cl.Check(Cl.clGetDeviceInfo(id, what, (nuint)sizeof(T), &value, null), "clGetDeviceInfo");
        return value;
    }

    private static unsafe string Text(nint id, uint what)
    {
        nuint size;
        Cl.Check(Cl.clGetDeviceInfo(id, what, 0, null, &size), "clGetDeviceInfo");
        var bytes = new byte[(int)size];
        fixed (byte* p = bytes)
        {
            Cl.Check(Cl.clGetDeviceInfo(id, what, size, p, null), "clGetDeviceInfo");
        }
        return Encoding.UTF8.GetString(bytes).TrimEnd('\0').Trim();
    }
}

/// <summary>Enumeration over all platforms.</summary>
internal static class ClDevices
{
    /// <summary>Every device of every platform, in the loader's order.</summary>
    public static unsafe List<ClDevice> All()
    {
        var result = new List<ClDevice>();
        uint count;
        int status = Cl.clGetPlatformIDs(0, null, &count);
        if (status == ClConst.PlatformNotFound || count == 0)
        {
            return result;
        }
        Cl.Check(status, "clGetPlatformIDs");
        var platforms = new nint[count];
        fixed (nint* p = platforms)
        {
            Cl.Check(Cl.clGetPlatformIDs(count, p, null), "clGetPlatformIDs");
        }
        foreach (nint platform in platforms)
        {
            Append(result, platform);
        }
        return result;
    }

    /// <summary>The first <paramref name="units"/> units as a device of their own.</summary>
    public static unsafe ClDevice Part(ClDevice whole, int units)
    {
        nint* properties = stackalloc nint[] { ClConst.DevicePartitionByCounts, units, 0, 0 };
        nint part;
        uint found;
        Cl.Check(
            Cl.clCreateSubDevices(whole.Id, properties, 1, &part, &found), "clCreateSubDevices",
            $"{units} threads of {whole.ComputeUnits}");
        return ClDevice.Describe(part, whole.Platform);
    }

    private static unsafe void Append(List<ClDevice> result, nint platform)
    {
        uint count;
        int status = Cl.clGetDeviceIDs(platform, ClConst.DeviceTypeAll, 0, null, &count);
        if (status == ClConst.DeviceNotFound || count == 0)
        {
            return;
        }
        Cl.Check(status, "clGetDeviceIDs");
        var ids = new nint[count];
        fixed (nint* p = ids)
        {
            Cl.Check(
                Cl.clGetDeviceIDs(platform, ClConst.DeviceTypeAll, count, p, null),
                "clGetDeviceIDs");
        }
        byte* name = stackalloc byte[256];
        nuint size;
        status = Cl.clGetPlatformInfo(platform, ClConst.PlatformName, 256, name, &size);
        string text = status == 0
            ? Encoding.UTF8.GetString(name, (int)size).TrimEnd('\0').Trim() : "unknown platform";
        foreach (nint id in ids)
        {
            result.Add(ClDevice.Describe(id, text));
        }
    }
}
