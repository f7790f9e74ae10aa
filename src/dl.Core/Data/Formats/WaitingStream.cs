// A pipe that says when its reader is about to wait. Whoever reads has by then given on every row
// of what has come, so those rows can be answered now, whatever the buffers between; where input is
// plentiful, a read brings a whole block, and nothing is cut up.
using System.IO.Compression;

namespace Dl.Data.Formats;

/// <summary>Forward reading only.</summary>
internal sealed class WaitingStream : Stream
{
    private readonly Stream _inner;
    private readonly Action _waiting;

    private WaitingStream(Stream inner, Action waiting) =>
        (_inner, _waiting) = (inner, waiting);

    /// <summary>Files never keep their reader waiting, packed or not: they stay as they are.
    /// </summary>
    /// <param name="waiting">Called by the reading thread; null: nobody wants to know.</param>
    public static Stream Around(Stream stream, Action? waiting) =>
        waiting is null || stream.CanSeek || stream is GZipStream or BrotliStream
            ? stream
            : new WaitingStream(stream, waiting);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        _waiting();
        return _inner.Read(buffer);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }
        base.Dispose(disposing);
    }
}
