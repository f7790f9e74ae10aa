// The streams that a long pipe is read through.
using System.Security.Cryptography;
using Dl.Data.Formats;

namespace Dl.Data.Tables.Storage;

/// <summary>Bytes that were read ahead, and then the rest.</summary>
internal sealed class ChainedStream(byte[] head, Stream rest) : ForwardStream
{
    private byte[]? _head = head;
    private int _at;

    public override int Read(Span<byte> buffer)
    {
        if (_head is null)
        {
            return rest.Read(buffer);
        }
        int count = Math.Min(buffer.Length, _head.Length - _at);
        _head.AsSpan(_at, count).CopyTo(buffer);
        _at += count;
        // Let go: it is large.
        _head = _at == _head.Length ? null : _head;
        return count == 0 && buffer.Length > 0 ? rest.Read(buffer) : count;
    }
}

/// <summary>Passes bytes on, and sums them up.</summary>
internal sealed class HashingStream(Stream inner) : ForwardStream
{
    private readonly IncrementalHash _sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[]? _digest;
    private long _length;

    /// <summary>SHA-256 of all bytes so far; no more are to be read.</summary>
    public byte[] Digest() => _digest ??= _sum.GetHashAndReset();

    /// <summary>Bytes so far.</summary>
    public override long Length => _length;

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        _sum.AppendData(buffer[..read]);
        _length += read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        // Its reader closes it before the digest is asked for. The inner one is another's.
        Digest();
        _sum.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A scratch file from its start, to be read at any place.</summary>
internal sealed class ScratchStream(ScratchFile file) : ForwardStream
{
    public override bool CanSeek => true;

    public override long Length => file.Length;

    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Length - Position, 0, buffer.Length);
        file.Read(buffer[..count], Position);
        Position += count;
        return count;
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
    {
        SeekOrigin.Begin => 0,
        SeekOrigin.Current => Position,
        _ => Length,
    };

    protected override void Dispose(bool disposing)
    {
        file.Dispose();
        base.Dispose(disposing);
    }
}
