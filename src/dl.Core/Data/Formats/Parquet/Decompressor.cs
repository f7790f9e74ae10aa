// Pages as they were before compression. The size that a page's header states is checked against
// what its bytes can become before anything is allocated, and has to be met exactly.
using System.IO.Compression;

namespace Dl.Data.Formats.Parquet;

/// <summary>One function for all codecs.</summary>
internal static class Decompressor
{
    /// <exception cref="InvalidDataException">Damaged, or of another size.</exception>
    /// <exception cref="NotSupportedException">A codec that is not here.</exception>
    public static ReadOnlyMemory<byte> Decompress(
        Codec codec, ReadOnlyMemory<byte> bytes, int size)
    {
        if (codec == Codec.Uncompressed)
        {
            return bytes.Length == size
                ? bytes
                : throw new InvalidDataException(
                    $"an uncompressed page of {bytes.Length} bytes is said to have {size}");
        }
        if (size < 0 || size > Limits.Expanded(bytes.Length))
        {
            throw new InvalidDataException(
                $"a page of {bytes.Length} bytes is said to become {size}");
        }
        var output = new byte[size];
        int written = codec switch
        {
            Codec.Snappy => FromSnappy(bytes.Span, output),
            Codec.Gzip => FromGzip(bytes, output),
            Codec.Brotli => FromBrotli(bytes.Span, output),
            Codec.Lz4Raw => Lz4.Decompress(bytes.Span, output),
            Codec.Lz4 => Lz4.DecompressEither(bytes.Span, output),
            Codec.Zstd => Zstd.Decompress(bytes.Span, output),
            _ => throw new NotSupportedException(
                Enum.IsDefined(codec) ? $"{codec} compression" : $"compression {(int)codec}"),
        };
        return written == size
            ? output
            : throw new InvalidDataException($"a page became {written} bytes, expected {size}");
    }

    private static int FromSnappy(ReadOnlySpan<byte> bytes, byte[] output)
    {
        Snappy.Decompress(bytes, output);
        return output.Length;
    }

    private static int FromGzip(ReadOnlyMemory<byte> bytes, byte[] output)
    {
        using var stream = new MemoryStream(bytes.ToArray());
        using var gzip = new GZipStream(stream, CompressionMode.Decompress);
        try
        {
            int read = gzip.ReadAtLeast(output, output.Length, throwOnEndOfStream: false);
            // Reading to the end makes it check the checksum, too; a byte more is one too many.
            return gzip.ReadByte() < 0 ? read : read + 1;
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException("the gzip data are damaged", error);
        }
    }

    private static int FromBrotli(ReadOnlySpan<byte> bytes, byte[] output) =>
        BrotliDecoder.TryDecompress(bytes, output, out int written)
            ? written
            : throw new InvalidDataException("the brotli data are damaged");
}
