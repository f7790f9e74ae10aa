// Looks at the bytes of a text on their way to its reader: what is no UTF-8, and zero bytes. A
// reader would put U+FFFD in their place and say nothing.
using System.Text.Unicode;
using Dl.Data.Formats;

namespace Dl.Data.Checks;

/// <summary>Hands on what it reads, and reports lines with bad bytes.</summary>
/// <param name="inner">Decompressed bytes; disposed with this.</param>
internal sealed class ByteWatch(Stream inner, string name, Findings findings) : FilterStream(inner)
{
    public static readonly CheckKind NotUtf8 = new(
        "not-utf8", Severity.Error, "bytes that are no UTF-8 text",
        "convert the file (iconv -f LATIN1 -t UTF-8), or let --fix do it")
    {
        Mends = true,
    };

    public static readonly CheckKind Nul = new(
        "nul-byte", Severity.Error, "zero bytes in a text", "remove them, or let --fix do it")
    {
        Mends = true,
    };

    /// <summary>Bytes of a character that the last block cut in two; 3 at most.</summary>
    private readonly byte[] _rest = new byte[4];
    private int _restLength;
    private long _offset;
    private int _line = 1;
    private int _reported;
    private bool _started;
    private bool _skip;

    /// <summary>Whether something was no UTF-8.</summary>
    public bool Found { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        int read = Inner.Read(buffer);
        ReadOnlySpan<byte> bytes = buffer[..read];
        if (!_started && read > 0)
        {
            _started = true;
            // UTF-16 with a mark is text too, full of zeros.
            _skip = bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..];
        }
        if (!_skip)
        {
            Look(bytes, last: read == 0 && buffer.Length > 0);
        }
        return read;
    }

    private void Look(ReadOnlySpan<byte> bytes, bool last)
    {
        // The first bytes of this block may complete the character that the last one began.
        if (_restLength > 0)
        {
            int need = SequenceLength(_rest[0]) - _restLength;
            int taken = Math.Min(need, bytes.Length);
            Span<byte> joined = stackalloc byte[4];
            _rest.AsSpan(0, _restLength).CopyTo(joined);
            bytes[..taken].CopyTo(joined[_restLength..]);
            if (taken < need && !last)
            {
                bytes.CopyTo(_rest.AsSpan(_restLength));
                _restLength += taken;
                return;
            }
            if (taken < need || !Utf8.IsValid(joined[..(_restLength + taken)]))
            {
                Report(NotUtf8, _rest[0], _offset);
                _offset += _restLength;
            }
            else
            {
                _offset += _restLength + taken;
                bytes = bytes[taken..];
            }
            _restLength = 0;
        }
        ReadOnlySpan<byte> whole = bytes[..^TailLength(bytes)];
        if (Utf8.IsValid(whole) && !whole.Contains((byte)0))
        {
            _line += whole.Count((byte)'\n');
        }
        else
        {
            LookClosely(whole);
        }
        _offset += whole.Length;
        _restLength = bytes.Length - whole.Length;
        bytes[whole.Length..].CopyTo(_rest);
    }

    private void LookClosely(ReadOnlySpan<byte> bytes)
    {
        for (int at = 0; at < bytes.Length;)
        {
            byte first = bytes[at];
            int length = Math.Min(SequenceLength(first), bytes.Length - at);
            if (first == 0)
            {
                Report(Nul, first, _offset + at);
                length = 1;
            }
            else if (first >= 0x80 && !Utf8.IsValid(bytes.Slice(at, length)))
            {
                Report(NotUtf8, first, _offset + at);
                length = 1;
            }
            _line += first == '\n' ? 1 : 0;
            at += length;
        }
    }

    /// <summary>One finding a line and kind is enough.</summary>
    private void Report(CheckKind kind, byte value, long offset)
    {
        Found |= kind == NotUtf8;
        if (_reported == _line)
        {
            return;
        }
        _reported = _line;
        findings.Add(kind, $"{name}:{_line}", kind == Nul
            ? $"byte {offset + 1} is zero, expected text; remove it"
            : $"byte {offset + 1} is 0x{value:X2}, which is no UTF-8 (is it Latin-1?); convert "
                + "the file, for example with iconv -f LATIN1 -t UTF-8");
    }

    /// <summary>Bytes of the character that a first byte opens; 1 for what opens none.</summary>
    internal static int SequenceLength(byte first) => first switch
    {
        >= 0xC2 and <= 0xDF => 2,
        >= 0xE0 and <= 0xEF => 3,
        >= 0xF0 and <= 0xF4 => 4,
        _ => 1,
    };

    /// <summary>Bytes at the end that begin a character and do not complete it.</summary>
    internal static int TailLength(ReadOnlySpan<byte> bytes)
    {
        for (int back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            byte value = bytes[^back];
            if (value < 0x80)
            {
                return 0;
            }
            if (value >= 0xC0)
            {
                return SequenceLength(value) > back ? back : 0;
            }
        }
        return 0;
    }
}
