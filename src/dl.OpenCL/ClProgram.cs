// A built program: from source, from a binary, and back to a binary.
using System.Text;
using Dl.OpenCl.Native;

namespace Dl.OpenCl;

/// <summary>The kernels' text inside the program.</summary>
internal static class KernelSource
{
    /// <summary>common.cl and the family's file, with names for the compiler's messages.</summary>
    public static byte[] Read(string family)
    {
        var text = new StringBuilder();
        Append(text, "common");
        if (family is "random" or "attention")
        {
            Append(text, "philox");
        }
        if (family is "matmul" or "convolution" or "winograd" or "attention"
            || BuildsOnConvolution(family))
        {
            Append(text, "tile");
        }
        if (family is "attention")
        {
            Append(text, "attention_tile");
        }
        if (BuildsOnConvolution(family))
        {
            Append(text, "convolution");
        }
        Append(text, family);
        if (family is "attention")
        {
            Append(text, "attention_gpu");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Uses the shapes of convolution.cl.</summary>
    private static bool BuildsOnConvolution(string family) =>
        family is "convolution_few" or "convolution_phases" or "convolution_weights"
            or "depthwise";

    private static void Append(StringBuilder text, string name)
    {
        string resource = $"kernels/{name}.cl";
        using var stream = typeof(KernelSource).Assembly.GetManifestResourceStream(resource)
            ?? throw new DlException($"{resource}: not in the program; build it again");
        using var reader = new StreamReader(stream);
        text.Append("#line 1 \"").Append(resource).Append("\"\n").Append(reader.ReadToEnd());
    }
}

/// <summary>A program and what its saved binary already contains.</summary>
internal sealed unsafe class ClProgram(
    string name, string path, ProgramHandle handle, SortedSet<string> launches)
{
    private const int LogLines = 12;

    public string Name { get; } = name;

    /// <summary>Its entry in the cache.</summary>
    public string Path { get; } = path;

    public ProgramHandle Handle { get; } = handle;

    /// <summary>`kernel/local size/grid` of every launch, earlier processes included.</summary>
    public SortedSet<string> Launches { get; } = launches;

    /// <summary>Something was launched that the saved binary was not made for.</summary>
    public bool IsDirty { get; set; }

    public void Launched(string launch) => IsDirty |= Launches.Add(launch);

    /// <exception cref="DeviceException">Names file, defines, device, log's start.</exception>
    public static ProgramHandle Build(
        ContextHandle context, ClDevice device, string deviceName, string family, byte[] source,
        string defines)
    {
        int status;
        ProgramHandle program;
        fixed (byte* p = source)
        {
            nuint length = (nuint)source.Length;
            byte* text = p;
            program = ProgramHandle.Own(
                Cl.clCreateProgramWithSource(context, 1, &text, &length, &status));
        }
        Cl.Check(status, "clCreateProgramWithSource", $"kernels/{family}.cl");
        nint id = device.Id;
        status = Cl.clBuildProgram(program, 1, &id, $"-cl-std=CL1.2 {defines}", 0, 0);
        if (status != 0)
        {
            string text = Log(program, id);
            program.Dispose();
            throw new DeviceException(
                $"kernels/{family}.cl: does not build with {defines} on {deviceName} "
                + $"({device.Name}, {device.Driver}): {Cl.Name(status)}; use --device cpu and "
                + $"report this log:\n{text}");
        }
        return program;
    }

    /// <summary>Null where the driver does not take the binary.</summary>
    public static ProgramHandle? TryLoad(
        ContextHandle context, ClDevice device, ReadOnlySpan<byte> binary)
    {
        nint id = device.Id;
        int status, binaryStatus;
        nint raw;
        fixed (byte* p = binary)
        {
            nuint length = (nuint)binary.Length;
            byte* data = p;
            raw = Cl.clCreateProgramWithBinary(
                context, 1, &id, &length, &data, &binaryStatus, &status);
        }
        if (status != 0 || binaryStatus != 0)
        {
            return null;
        }
        var program = ProgramHandle.Own(raw);
        if (Cl.clBuildProgram(program, 1, &id, "", 0, 0) != 0)
        {
            program.Dispose();
            return null;
        }
        return program;
    }

    /// <summary>The binary with all that was specialised; null where there is none.</summary>
    public byte[]? Binary()
    {
        nuint size;
        int status = Cl.clGetProgramInfo(
            Handle, ClConst.ProgramBinarySizes, (nuint)sizeof(nuint), &size, null);
        if (status != 0 || size == 0)
        {
            return null;
        }
        var binary = new byte[(int)size];
        fixed (byte* p = binary)
        {
            byte* target = p;
            status = Cl.clGetProgramInfo(
                Handle, ClConst.ProgramBinaries, (nuint)sizeof(byte*), &target, null);
        }
        return status == 0 ? binary : null;
    }

    private static string Log(ProgramHandle program, nint device)
    {
        nuint size;
        int status = Cl.clGetProgramBuildInfo(
            program, device, ClConst.ProgramBuildLog, 0, null, &size);
        if (status != 0 || size <= 1)
        {
            return "(no log)";
        }
        var bytes = new byte[(int)size];
        fixed (byte* p = bytes)
        {
            _ = Cl.clGetProgramBuildInfo(
                program, device, ClConst.ProgramBuildLog, size, p, null);
        }
        string[] lines = Encoding.UTF8.GetString(bytes).TrimEnd('\0', '\n').Split('\n');
        return string.Join('\n', lines.AsSpan(0, Math.Min(LogLines, lines.Length)).ToArray());
    }
}
