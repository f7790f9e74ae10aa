// libjpeg-turbo's TurboJPEG interface (turbojpeg.h, version 2; version 3 still has these
// functions), loaded when the first JPEG comes. Names are the library's own.
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

    private const string Library = NativeLibraries.TurboJpeg;

    static TurboJpeg() => NativeLibraries.Register();

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
}
