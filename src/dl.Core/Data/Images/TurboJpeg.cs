// libjpeg-turbo's TurboJPEG interface (turbojpeg.h, version 2; version 3 still has these
// functions), loaded when the first JPEG comes. Names are the library's own.
using System.Collections.Concurrent;
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
    public const int SpaceYCbCr = 1, SpaceGray = 2, SpaceCmyk = 3, SpaceYcck = 4;

    /// <summary>
    /// The slow but exact inverse transform, and no more than 500 progressive scans.
    /// </summary>
    public const int Flags = 4096 | 32768;

    private const string Library = NativeLibraries.TurboJpeg;

    private static readonly ConcurrentBag<TurboJpegHandle> Idle = [];

    static TurboJpeg() => NativeLibraries.Register();

    /// <summary>An instance for one picture at a time, to be given back.</summary>
    public static TurboJpegHandle Borrow() =>
        Idle.TryTake(out TurboJpegHandle? handle) ? handle : InitDecompress();

    /// <param name="handle">As borrowed.</param>
    /// <param name="well">
    /// An instance that met an error is not trusted with another picture.
    /// </param>
    public static void GiveBack(TurboJpegHandle handle, bool well)
    {
        if (well)
        {
            Idle.Add(handle);
        }
        else
        {
            handle.Dispose();
        }
    }

    /// <summary>
    /// The last error or warning; null where it bothers only callers that want to keep the
    /// subsampling.
    /// </summary>
    public static string? Error(TurboJpegHandle handle)
    {
        string text = Marshal.PtrToStringUTF8((nint)ErrorText(handle)) ?? "";
        return text.Contains("determine subsampling", StringComparison.Ordinal) ? null : text;
    }

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
