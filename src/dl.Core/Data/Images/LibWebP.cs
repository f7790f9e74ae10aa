// libwebp's simple decoding interface (webp/decode.h, the same since version 0.1), loaded when the
// first WebP comes. Names are the library's own.
using System.Runtime.InteropServices;

namespace Dl.Data.Images;

/// <summary>The few functions that decoding needs.</summary>
internal static unsafe partial class LibWebP
{
    private const string Library = NativeLibraries.WebP;

    static LibWebP() => NativeLibraries.Register();

    /// <returns>Not 0 where the header is right.</returns>
    [LibraryImport(Library, EntryPoint = "WebPGetInfo")]
    public static partial int GetInfo(byte* data, nuint size, out int width, out int height);

    /// <returns>The buffer; null where the picture is damaged or the buffer too small.</returns>
    [LibraryImport(Library, EntryPoint = "WebPDecodeRGBInto")]
    public static partial byte* DecodeRgb(
        byte* data, nuint size, byte* pixels, nuint capacity, int stride);

    [LibraryImport(Library, EntryPoint = "WebPDecodeRGBAInto")]
    public static partial byte* DecodeRgba(
        byte* data, nuint size, byte* pixels, nuint capacity, int stride);
}
