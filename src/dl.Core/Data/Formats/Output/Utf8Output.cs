// Text on its way out, as UTF-8 from the start. Whole lines leave the buffer: what is interrupted
// leaves no half of a line, and a pipe is not woken for every field.
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dl.Data.Formats.Output;

/// <summary>Appends fields to a buffer that is written line by line to a stream.</summary>
/// <param name="output">Not closed.</param>
internal sealed class Utf8Output(Stream output)
{
    /// <summary>
    /// Bytes after which lines are written: what a pipe takes at once on Linux, for there is
    /// nothing to be won by asking it twice.
    /// </summary>
    private const int BlockSize = 1 << 16;

    /// <summary>What any number takes.</summary>
    private const int LongestNumber = 40;

    private byte[] _bytes = new byte[BlockSize + (1 << 12)];
    private int _length;
    private int _line;

    public void Append(byte value) => Room(1)[_length++] = value;

    public void Append(ReadOnlySpan<byte> utf8)
    {
        Room(utf8.Length);
        utf8.CopyTo(_bytes.AsSpan(_length));
        _length += utf8.Length;
    }

    public void Append(ReadOnlySpan<char> text)
    {
        Room(Encoding.UTF8.GetMaxByteCount(text.Length));
        _length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_length));
    }

    public void Append(long value)
    {
        Room(LongestNumber);
        Utf8Formatter.TryFormat(value, _bytes.AsSpan(_length), out int written);
        _length += written;
    }

    /// <summary>Seven digits: a float holds that and a bit; more would be noise.</summary>
    public void Append(float value)
    {
        Room(LongestNumber);
        _length += ShortNumber.Format(value, _bytes.AsSpan(_length));
    }

    /// <summary>As many digits as tell it from every other number.</summary>
    public void Append(double value)
    {
        Room(LongestNumber);
        _length += ShortNumber.Format(value, _bytes.AsSpan(_length));
    }

    /// <summary>A text of JSON, in quotes.</summary>
    public void AppendJson(ReadOnlySpan<byte> utf8)
    {
        Append((byte)'"');
        if (utf8.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0
            && utf8.IndexOfAny((byte)'"', (byte)'\\') < 0)
        {
            Append(utf8);
        }
        else
        {
            Append(JsonEncodedText.Encode(utf8, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)
                .EncodedUtf8Bytes);
        }
        Append((byte)'"');
    }

    /// <summary>A number of JSON; null where it is none.</summary>
    public void AppendJson(float value)
    {
        if (float.IsFinite(value))
        {
            Append(value);
        }
        else
        {
            Append("null"u8);
        }
    }

    /// <summary>Ends the line; writes when a block is full.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public void EndLine()
    {
        Append((byte)'\n');
        _line = _length;
        if (_length >= BlockSize)
        {
            Flush();
        }
    }

    /// <summary>Writes the lines that are whole.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public void Flush()
    {
        if (_line == 0)
        {
            return;
        }
        int whole = _line;
        // Before it is tried: what was written in part must not be written again at the end.
        (_line, _length) = (0, _length - whole);
        output.Write(_bytes, 0, whole);
        output.Flush();
        Buffer.BlockCopy(_bytes, whole, _bytes, 0, _length);
    }

    private byte[] Room(int count)
    {
        if (count > _bytes.Length - _length)
        {
            Array.Resize(ref _bytes, Math.Max(checked(_length + count), 2 * _bytes.Length));
        }
        return _bytes;
    }
}
