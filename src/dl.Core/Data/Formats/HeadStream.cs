// A stream whose first bytes can be looked at before it is read, which a pipe by itself cannot.
namespace Dl.Data.Formats;

/// <summary>Forward reading only. Looks no further ahead than it must.</summary>
internal sealed class HeadStream(Stream inner) : FilterStream(inner)
{
    private const int HeadSize = 4096;

    private readonly byte[] _head = new byte[HeadSize];
    private int _taken;
    private int _held;

    /// <summary>
    /// What came with the first byte that is not blank, a byte order mark and blanks before it
    /// left out; empty at the end of the stream.
    /// </summary>
    public ReadOnlySpan<byte> Peek()
    {
        int read = 1;
        while (read > 0 && _held < HeadSize && Content().Length == 0)
        {
            read = Inner.Read(_head, _held, HeadSize - _held);
            _held += read;
        }
        return Content();
    }

    public override int Read(Span<byte> buffer)
    {
        if (_taken == _held)
        {
            return Inner.Read(buffer);
        }
        int count = Math.Min(buffer.Length, _held - _taken);
        _head.AsSpan(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    private ReadOnlySpan<byte> Content()
    {
        ReadOnlySpan<byte> head = _head.AsSpan(0, _held);
        return (head.StartsWith("\uFEFF"u8) ? head[3..] : head).TrimStart(" \t\r\n"u8);
    }
}
