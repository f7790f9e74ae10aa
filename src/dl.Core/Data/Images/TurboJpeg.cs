// libjpeg-turbo's TurboJPEG interface (turbojpeg.h, version 2; version 3 still has these
// functions), loaded when the first JPEG comes. Names are the library's own.
using System.Reflection;
using System.Runtime.InteropServices;

namespace Dl.Data.Images;

/// <summary>A decompressor instance.</summary>
internal sealed class TurboJpegHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => TurboJpeg.Destroy(handle) == 0;
}

/// <summary>The few functions that decoding needs.</summary>
internal static unsafe partial class TurboJpeg
{
    public const int PixelRgb = 0, PixelGray = 6, PixelCmyk = 11;
    public const int SpaceGray = 2, SpaceCmyk = 3, SpaceYcck = 4;

    /// <summary>
    /// The slow but exact inverse transform, and no more than 500 progressive scans.
    /// </summary>
    public const int Flags = 4096 | 32768;

    private const string Library = "turbojpeg";

    private static readonly string[] Candidates =
    [
        "libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.0.dylib", "libturbojpeg.dylib",
        "turbojpeg.dll", "libturbojpeg.dll",
    ];

    static TurboJpeg() =>
        NativeLibrary.SetDllImportResolver(typeof(TurboJpeg).Assembly, Resolve);

    [LibraryImport(Library, EntryPoint = "tjInitDecompress")]
    public static partial TurboJpegHandle InitDecompress();

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    public static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "tjDecompressHeader3")]
    public static partial int DecompressHeader(
        TurboJpegHandle handle, byte* jpeg, CULong size, out int width, out int height,
        out int subsampling, out int colorSpace);

    [LibraryImport(Library, EntryPoint = "tjDecompress2")]
    public static partial int Decompress(
        TurboJpegHandle handle, byte* jpeg, CULong size, byte* pixels, int width, int pitch,
        int height, int pixelFormat, int flags);

    [LibraryImport(Library, EntryPoint = "tjGetErrorStr2")]
    public static partial byte* ErrorText(TurboJpegHandle handle);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
        {
            return 0;
        }
        foreach (string candidate in Candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out nint library))
            {
                return library;
            }
        }
        throw new DllNotFoundException(
            "JPEG pictures need libjpeg-turbo's library libturbojpeg, which is not installed; "
            + "install it (Debian and Ubuntu: apt install libturbojpeg0; Fedora: dnf install "
            + "turbojpeg; macOS: brew install jpeg-turbo) or convert the pictures to PNG");
    }
}
