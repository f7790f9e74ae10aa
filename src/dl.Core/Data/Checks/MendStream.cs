// Text on its way to a reader, mended byte by byte: what is no UTF-8 is taken for Windows-1252 (of
// which Latin-1 is the printable part), and zero bytes are left out. Good UTF-8 passes unchanged,
// so a file that mixes both comes out right.
using System.Text;
using System.Text.Unicode;
using Dl.Data.Formats;

namespace Dl.Data.Checks;

/// <param name="inner">Decompressed bytes; disposed with this.</param>
internal sealed class MendStream(Stream inner) : FilterStream(inner)
{
    /// <summary>Windows-1252 from 0x80 to 0x9F; the rest is Latin-1.</summary>
    private const string HighControls =
        "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D"
        + "\u008F\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153"
        + "\u009D\u017E\u0178";

    private const int BlockSize = 1 << 16;

    /// <summary>A byte becomes three at most.</summary>
    private readonly byte[] _mended = new byte[3 * BlockSize];
    private readonly byte[] _block = new byte[BlockSize];
    private int _held;
    private int _from;
    private int _to;
    private bool _started;
    private bool _finished;
    private bool _asItIs;

    public override int Read(Span<byte> buffer)
    {
        if (_asItIs && _from == _to)
        {
            return Inner.Read(buffer);
        }
        while (_from == _to && !_finished)
        {
            Fill();
        }
        int count = Math.Min(buffer.Length, _to - _from);
        _mended.AsSpan(_from, count).CopyTo(buffer);
        _from += count;
        return count;
    }

    private void Fill()
    {
        int read = Inner.Read(_block, _held, BlockSize - _held);
        _finished = read == 0;
        ReadOnlySpan<byte> bytes = _block.AsSpan(0, _held + read);
        (_from, _to) = (0, 0);
        if (!_started && read > 0)
        {
            _started = true;
            _asItIs = bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..];
        }
        // A character that the block cuts in two waits for its other half, if there is one.
        int tail = _finished || _asItIs ? 0 : ByteWatch.TailLength(bytes);
        ReadOnlySpan<byte> whole = bytes[..^tail];
        if (_asItIs || (Utf8.IsValid(whole) && !whole.Contains((byte)0)))
        {
            whole.CopyTo(_mended);
            _to = whole.Length;
        }
        else
        {
            Mend(whole);
        }
        bytes[whole.Length..].CopyTo(_block);
        _held = tail;
    }

    private void Mend(ReadOnlySpan<byte> bytes)
    {
        for (int at = 0; at < bytes.Length;)
        {
            byte first = bytes[at];
            int length = Math.Min(ByteWatch.SequenceLength(first), bytes.Length - at);
            if (first < 0x80 || Utf8.IsValid(bytes.Slice(at, length)))
            {
                if (first != 0)
                {
                    bytes.Slice(at, length).CopyTo(_mended.AsSpan(_to));
                    _to += length;
                }
                at += length;
                continue;
            }
            char letter = first < 0xA0 ? HighControls[first - 0x80] : (char)first;
            _to += Encoding.UTF8.GetBytes([letter], _mended.AsSpan(_to));
            at++;
        }
    }
}
