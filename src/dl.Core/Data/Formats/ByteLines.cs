// Lines of bytes from a stream, never asking for more than has come: on a pipe a line is there as
// soon as its newline is. The buffer grows to the longest line, and is never larger than the limit.
namespace Dl.Data.Formats;

/// <summary>Cuts a stream at its newlines; the last line may end without one.</summary>
internal sealed class ByteLines(Stream stream, string name) : IDisposable
{
    public const int MaxLength = 1 << 24;

    private byte[] _bytes = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _finished;

    /// <summary>1-based number of the line read last.</summary>
    public int Line { get; private set; }

    /// <param name="line">Without its newline; good until the next call.</param>
    /// <exception cref="DataException">Longer than the limit, or not to be unpacked.</exception>
    public bool Next(out ReadOnlySpan<byte> line)
    {
        int searched = 0;
        while (true)
        {
            ReadOnlySpan<byte> held = _bytes.AsSpan(_start, _end - _start);
            int at = held[searched..].IndexOf((byte)'\n');
            if (at >= 0 || _finished)
            {
                int length = at >= 0 ? searched + at : held.Length;
                bool any = at >= 0 || length > 0;
                line = held[..length];
                _start += Math.Min(length + 1, held.Length);
                Line += any ? 1 : 0;
                return any;
            }
            searched = held.Length;
            Fill();
        }
    }

    public void Dispose() => stream.Dispose();

    private void Fill()
    {
        int held = _end - _start;
        if (held > MaxLength)
        {
            throw new DataException(
                $"{name}:{Line + 1}: a line of more than {MaxLength} bytes, expected one row a "
                + "line");
        }
        byte[] target = held > _bytes.Length / 2 ? new byte[_bytes.Length * 2] : _bytes;
        Buffer.BlockCopy(_bytes, _start, target, 0, held);
        (_bytes, _start, _end) = (target, 0, held);
        try
        {
            int read = stream.Read(_bytes, _end, _bytes.Length - _end);
            _end += read;
            _finished = read == 0;
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            throw InputFile.Damaged(name, Line, error);
        }
    }
}
