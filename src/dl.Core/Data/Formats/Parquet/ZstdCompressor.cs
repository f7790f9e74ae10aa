// libzstd for writing; reading, and where the library is found, is in Zstd.cs.
using System.Runtime.InteropServices;

namespace Dl.Data.Formats.Parquet;

/// <summary>Compresses to Zstandard.</summary>
internal static unsafe class ZstdCompressor
{
    /// <summary>The library's own default: about as fast as Snappy, and much smaller.</summary>
    private const int Level = 3;

    private static readonly Lazy<Functions> Library = new(Load);

    /// <exception cref="UsageException">The library is not installed.</exception>
    public static void Require()
    {
        try
        {
            _ = Library.Value;
        }
        catch (NotSupportedException missing)
        {
            throw new UsageException($"zstd: {missing.Message}", missing);
        }
    }

    public static int MaxLength(int length) =>
        checked((int)Library.Value.Bound((nuint)length));

    /// <param name="output">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Compress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        // An address is wanted even for an input without bytes.
        byte nothing = 0;
        fixed (byte* source = input)
        fixed (byte* target = output)
        {
            nuint written = Library.Value.Compress(
                target, (nuint)output.Length, input.IsEmpty ? &nothing : source,
                (nuint)input.Length);
            return written <= (nuint)output.Length
                ? (int)written
                : throw new IOException("zstd: the library could not compress a page");
        }
    }

    private static Functions Load()
    {
        nint library = Zstd.Load();
        return new Functions(
            (delegate* unmanaged<byte*, nuint, byte*, nuint, int, nuint>)
                NativeLibrary.GetExport(library, "ZSTD_compress"),
            (delegate* unmanaged<nuint, nuint>)
                NativeLibrary.GetExport(library, "ZSTD_compressBound"));
    }

    private sealed class Functions(
        delegate* unmanaged<byte*, nuint, byte*, nuint, int, nuint> compress,
        delegate* unmanaged<nuint, nuint> bound)
    {
        /// <summary>An error is a code at the very end of the range of sizes.</summary>
        public nuint Compress(byte* target, nuint capacity, byte* source, nuint size) =>
            compress(target, capacity, source, size, Level);

        public nuint Bound(nuint size) => bound(size);
    }
}
