// A pipe that says when its reader is about to wait. Whoever reads has by then given on every row
// of what has come, so those rows can be answered now, whatever the buffers between; where input is
// plentiful, a read brings a whole block, and nothing is cut up.
using System.IO.Compression;

namespace Dl.Data.Formats;

/// <summary>Forward reading only.</summary>
internal sealed class WaitingStream : FilterStream
{
    private readonly Action _waiting;

    private WaitingStream(Stream inner, Action waiting)
        : base(inner) => _waiting = waiting;

    /// <summary>Files never keep their reader waiting, packed or not: they stay as they are.
    /// </summary>
    /// <param name="waiting">Called by the reading thread; null: nobody wants to know.</param>
    public static Stream Around(Stream stream, Action? waiting) =>
        waiting is null || stream.CanSeek || stream is GZipStream or BrotliStream
            ? stream
            : new WaitingStream(stream, waiting);

    public override int Read(Span<byte> buffer)
    {
        _waiting();
        return Inner.Read(buffer);
    }
}
