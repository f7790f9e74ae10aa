// Pages on their way out; the counterpart of Decompressor.
using System.IO.Compression;

namespace Dl.Data.Formats.Parquet;

/// <summary>Compresses page after page by one codec.</summary>
internal sealed class Compressor
{
    private readonly Codec _codec;
    private readonly SnappyCompressor _snappy = new();
    private byte[] _output = [];

    /// <exception cref="NotSupportedException">A codec that is not here.</exception>
    /// <exception cref="UsageException">The codec needs a library that is not there.</exception>
    public Compressor(Codec codec)
    {
        _codec = codec;
        if (codec is not (Codec.Uncompressed or Codec.Snappy or Codec.Gzip or Codec.Zstd))
        {
            throw new NotSupportedException($"writing with {codec} compression");
        }
        if (codec == Codec.Zstd)
        {
            ZstdCompressor.Require();
        }
    }

    /// <returns>Valid until the next call.</returns>
    public ReadOnlyMemory<byte> Compress(ReadOnlyMemory<byte> page)
    {
        switch (_codec)
        {
            case Codec.Snappy:
                Room(SnappyCompressor.MaxLength(page.Length));
                return _output.AsMemory(0, _snappy.Compress(page.Span, _output));
            case Codec.Zstd:
                Room(ZstdCompressor.MaxLength(page.Length));
                return _output.AsMemory(0, ZstdCompressor.Compress(page.Span, _output));
            case Codec.Gzip:
                return Gzip(page);
            default:
                return page;
        }
    }

    private static ReadOnlyMemory<byte> Gzip(ReadOnlyMemory<byte> page)
    {
        var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(page.Span);
        }
        return output.GetBuffer().AsMemory(0, (int)output.Length);
    }

    private void Room(int bytes)
    {
        if (_output.Length < bytes)
        {
            _output = new byte[bytes];
        }
    }
}
