// UTF-16 as Windows programs write it, for a parser that reads UTF-8.
using System.Text;

namespace Dl.Data.Formats.Delimited;

/// <summary>A stream in UTF-16 as bytes in UTF-8.</summary>
internal sealed class Utf16Bytes
{
    private const int Block = 1 << 14;

    private readonly Stream _stream;
    private readonly string _name;
    private readonly Decoder _decoder;
    private readonly byte[] _raw = new byte[Block];

    /// <summary>One more than bytes bring: half a character may have been left over.</summary>
    private readonly char[] _chars = new char[Block + 1];
    private readonly byte[] _utf8 = new byte[3 * (Block + 1)];
    private ReadOnlyMemory<byte> _first;
    private int _start;
    private int _end;
    private bool _finished;

    /// <param name="stream">The text behind what was read.</param>
    /// <param name="name">File name for messages.</param>
    /// <param name="first">What was read behind the byte order mark.</param>
    /// <param name="isBigEndian">The high byte of a character comes first.</param>
    public Utf16Bytes(Stream stream, string name, ReadOnlySpan<byte> first, bool isBigEndian)
    {
        (_stream, _name, _first) = (stream, name, first.ToArray());
        _decoder = new UnicodeEncoding(isBigEndian, false, throwOnInvalidBytes: true).GetDecoder();
    }

    /// <returns>Bytes written; 0 at the end.</returns>
    /// <exception cref="DataException">No UTF-16.</exception>
    public int Read(Span<byte> target)
    {
        while (_start == _end && !_finished)
        {
            int read = ReadRaw();
            _finished = read == 0;
            try
            {
                int count = _decoder.GetChars(_raw.AsSpan(0, read), _chars, flush: _finished);
                (_start, _end) = (0, Encoding.UTF8.GetBytes(_chars.AsSpan(0, count), _utf8));
            }
            catch (DecoderFallbackException error)
            {
                throw new DataException(
                    $"{_name}: the text is not UTF-16 as its byte order mark says, or is cut off; "
                    + "write it again, best in UTF-8", error);
            }
        }
        int taken = Math.Min(target.Length, _end - _start);
        _utf8.AsSpan(_start, taken).CopyTo(target);
        _start += taken;
        return taken;
    }

    private int ReadRaw()
    {
        if (_first.IsEmpty)
        {
            return _stream.Read(_raw);
        }
        int taken = Math.Min(_first.Length, _raw.Length);
        _first.Span[..taken].CopyTo(_raw);
        _first = _first[taken..];
        return taken;
    }
}
