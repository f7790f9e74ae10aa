// Libraries of the system that decoders use. An assembly can have one resolver only, so all of
// them are found here: the first name that the loader knows, or a message that says what to
// install.
using System.Reflection;
using System.Runtime.InteropServices;

namespace Dl.Data;

/// <summary>Finds native libraries when they are first called.</summary>
internal static class NativeLibraries
{
    /// <summary>The names by which imports call the libraries.</summary>
    public const string TurboJpeg = "turbojpeg", WebP = "webp";

    /// <param name="Name">As in the imports.</param>
    /// <param name="Files">What the library is called on Linux, macOS and Windows.</param>
    /// <param name="Missing">The message where none of them is there.</param>
    private sealed record Entry(string Name, string[] Files, string Missing);

    private static readonly Entry[] Entries =
    [
        new(
            TurboJpeg,
            [
                "libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.0.dylib",
                "libturbojpeg.dylib", "turbojpeg.dll", "libturbojpeg.dll",
            ],
            "JPEG pictures need libjpeg-turbo's library libturbojpeg, which is not installed; "
                + "install it (Debian and Ubuntu: apt install libturbojpeg0; Fedora: dnf install "
                + "turbojpeg; macOS: brew install jpeg-turbo) or convert the pictures to PNG"),
        new(
            WebP,
            [
                "libwebp.so.7", "libwebp.so", "libwebp.7.dylib", "libwebp.dylib", "libwebp.dll",
                "webp.dll",
            ],
            "WebP pictures need the library libwebp, which is not installed; install it (Debian "
                + "and Ubuntu: apt install libwebp7; Fedora: dnf install libwebp; macOS: brew "
                + "install webp) or convert the pictures to PNG"),
    ];

    static NativeLibraries() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>Called by a class of imports before its first import.</summary>
    public static void Register()
    {
        // The static constructor has done it.
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        Entry? entry = Array.Find(Entries, e => e.Name == name);
        if (entry is null)
        {
            return 0;
        }
        foreach (string file in entry.Files)
        {
            if (NativeLibrary.TryLoad(file, out nint library))
            {
                return library;
            }
        }
        throw new DllNotFoundException(entry.Missing);
    }
}
