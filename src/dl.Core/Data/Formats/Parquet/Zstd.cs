// libzstd, loaded when the first page that needs it comes. Only two functions, and the library
// keeps no state between them.
using System.Runtime.InteropServices;

namespace Dl.Data.Formats.Parquet;

/// <summary>Decompresses Zstandard.</summary>
internal static unsafe class Zstd
{
    private static readonly string[] Candidates =
    [
        "libzstd.so.1", "libzstd.so", "libzstd.1.dylib", "libzstd.dylib", "libzstd.dll",
        "zstd.dll",
    ];

    private static readonly Lazy<Functions> Library = new(LoadFunctions);

    /// <returns>Bytes written.</returns>
    /// <exception cref="NotSupportedException">The library is not installed.</exception>
    public static int Decompress(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        Functions library = Library.Value;
        // An address is wanted even for an output without bytes.
        byte nothing = 0;
        fixed (byte* source = bytes)
        fixed (byte* target = output)
        {
            nuint written = library.Decompress(
                output.IsEmpty ? &nothing : target, (nuint)output.Length, source,
                (nuint)bytes.Length);
            return library.IsError(written) == 0
                ? (int)written
                : throw new InvalidDataException("the zstd data are damaged");
        }
    }

    /// <summary>The library's handle, kept for as long as the process lives.</summary>
    /// <exception cref="NotSupportedException">The library is not installed.</exception>
    public static nint Load()
    {
        foreach (string candidate in Candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out nint library))
            {
                return library;
            }
        }
        throw new NotSupportedException(
            "zstd compression without the library libzstd; install it (Debian and Ubuntu: apt "
            + "install libzstd1; Fedora: dnf install libzstd; macOS: brew install zstd) or write "
            + "the file with snappy");
    }

    private static Functions LoadFunctions()
    {
        nint library = Load();
        return new Functions(
            (delegate* unmanaged<byte*, nuint, byte*, nuint, nuint>)
                NativeLibrary.GetExport(library, "ZSTD_decompress"),
            (delegate* unmanaged<nuint, uint>)
                NativeLibrary.GetExport(library, "ZSTD_isError"));
    }

    private sealed class Functions(
        delegate* unmanaged<byte*, nuint, byte*, nuint, nuint> decompress,
        delegate* unmanaged<nuint, uint> isError)
    {
        public nuint Decompress(byte* target, nuint capacity, byte* source, nuint size) =>
            decompress(target, capacity, source, size);

        public uint IsError(nuint code) => isError(code);
    }
}
