// Text from a stream, never asking the stream for more than one block at a time. A pipe hands over
// what has been written so far, so a row can be used as soon as its line has arrived; StreamReader
// may read on and wait when a block happens to fill its buffer.
using System.Text;

namespace Dl.Data.Formats;

/// <summary>
/// UTF-8 (with or without a byte order mark) or UTF-16 with one; bad bytes become U+FFFD.
/// </summary>
internal sealed class BlockReader(Stream stream) : TextReader
{
    private readonly byte[] _bytes = new byte[1 << 16];
    private readonly char[] _decoded = new char[(1 << 16) + 2];
    private Decoder? _decoder;
    private int _start;
    private int _end;
    private bool _finished;
    private string _ahead = "";

    /// <summary>
    /// Reads until a whole line is there, or <paramref name="wanted"/> characters where they come
    /// without waiting for a second line; returns it without taking it from the text.
    /// </summary>
    public string LookAhead(bool greedy, int wanted = 1 << 16)
    {
        var text = new StringBuilder();
        while (text.Length < wanted && Fill())
        {
            text.Append(_decoded, _start, _end - _start);
            _start = _end;
            if (!greedy && EndsALine(text))
            {
                break;
            }
        }
        _ahead = text.ToString();
        return _ahead;
    }

    public override int Read(char[] buffer, int index, int count) =>
        Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        if (_ahead.Length > 0)
        {
            int taken = Math.Min(buffer.Length, _ahead.Length);
            _ahead.AsSpan(0, taken).CopyTo(buffer);
            _ahead = _ahead[taken..];
            return taken;
        }
        if (_start == _end && !Fill())
        {
            return 0;
        }
        int count = Math.Min(buffer.Length, _end - _start);
        _decoded.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override int Read()
    {
        Span<char> one = stackalloc char[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
        }
        base.Dispose(disposing);
    }

    private static bool EndsALine(StringBuilder text)
    {
        foreach (ReadOnlyMemory<char> chunk in text.GetChunks())
        {
            if (chunk.Span.IndexOfAny('\n', '\r') >= 0)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>One read of the stream; more only while no whole character has come.</summary>
    private bool Fill()
    {
        _start = _end = 0;
        while (_end == 0 && !_finished)
        {
            int read = stream.Read(_bytes);
            _finished = read == 0;
            ReadOnlySpan<byte> bytes = _bytes.AsSpan(0, read);
            if (_decoder is null)
            {
                // A first block of one byte may cut a mark in two; such pipes do not occur.
                (Encoding encoding, int mark) = Detect(bytes);
                _decoder = encoding.GetDecoder();
                bytes = bytes[mark..];
            }
            _end = _decoder.GetChars(bytes, _decoded, flush: _finished);
        }
        return _end > 0;
    }

    private static (Encoding Encoding, int MarkLength) Detect(ReadOnlySpan<byte> bytes) =>
        bytes switch
        {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding.UTF8, 3),
            [0xFF, 0xFE, ..] => (Encoding.Unicode, 2),
            [0xFE, 0xFF, ..] => (Encoding.BigEndianUnicode, 2),
            _ => (Encoding.UTF8, 0),
        };
}
