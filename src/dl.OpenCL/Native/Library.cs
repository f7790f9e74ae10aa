// Finds the OpenCL loader at run time: dl works without it, and says what to install when it is
// asked for. Settings that drivers read from the environment are made here, before the first call,
// through the C library: .NET's own copy of the environment does not reach native code on Unix.
using System.Reflection;
using System.Runtime.InteropServices;

namespace Dl.OpenCl.Native;

internal static partial class Library
{
    /// <summary>The name in every LibraryImport; <see cref="Resolve"/> maps it.</summary>
    public const string Name = "OpenCL";

    private static readonly Lock Gate = new();
    private static nint _handle;
    private static bool _resolving, _prepared;

    /// <summary>What the loader is called on this system, most usual first.</summary>
    public static IReadOnlyList<string> Names { get; } =
        OperatingSystem.IsWindows() ? ["OpenCL.dll"]
        : OperatingSystem.IsMacOS()
            ? ["/System/Library/Frameworks/OpenCL.framework/OpenCL"]
            : ["libOpenCL.so.1", "libOpenCL.so"];

    /// <summary>How to get OpenCL on this system.</summary>
    public static string HowToInstall =>
        OperatingSystem.IsLinux()
            ? "install a driver: for the processor `apt install pocl-opencl-icd "
              + "ocl-icd-libopencl1`, for a GPU its vendor's package"
            : "install the OpenCL driver of the GPU's vendor, or PoCL for the processor";

    /// <summary>Loads the first of <paramref name="names"/> that is there.</summary>
    public static bool TryLoad(IReadOnlyList<string> names)
    {
        lock (Gate)
        {
            nint found = 0;
            foreach (string name in names)
            {
                if (NativeLibrary.TryLoad(name, out found))
                {
                    break;
                }
            }
            if (found == 0)
            {
                return false;
            }
            _handle = _handle == 0 ? found : _handle;
            if (!_resolving)
            {
                NativeLibrary.SetDllImportResolver(typeof(Library).Assembly, Resolve);
                _resolving = true;
            }
            return true;
        }
    }

    /// <summary>
    /// Settings for the first platform call of the process. Without affinity PoCL often runs both
    /// workers on one core. Returns false where the call came too late to set the threads.
    /// </summary>
    public static bool Prepare(int? threads)
    {
        lock (Gate)
        {
            if (_prepared)
            {
                return false;
            }
            _prepared = true;
            SetVariable("POCL_AFFINITY", "1", overwrite: false);
            if (threads is { } count)
            {
                SetVariable("POCL_MAX_PTHREAD_COUNT", count.ToString(), overwrite: true);
            }
            return true;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == Name ? _handle : 0;

    private static void SetVariable(string name, string value, bool overwrite)
    {
        if (OperatingSystem.IsWindows())
        {
            if (overwrite || Environment.GetEnvironmentVariable(name) is null)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
            return;
        }
        _ = setenv(name, value, overwrite ? 1 : 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
