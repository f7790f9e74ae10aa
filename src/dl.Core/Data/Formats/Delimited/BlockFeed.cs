// Text from a stream in blocks that end where a line ends. From a pipe a block is what has come, as
// soon as there is a line end in it; from a file it is large. UTF-16 with a byte order mark becomes
// UTF-8 here, and a mark of UTF-8 goes.
namespace Dl.Data.Formats.Delimited;

/// <summary>Reads forwards; one block at a time.</summary>
/// <param name="stream">Bytes, decompressed.</param>
/// <param name="name">File name for messages.</param>
/// <param name="isPipe">Ask the stream for no more than a line needs.</param>
internal sealed class BlockFeed(Stream stream, string name, bool isPipe)
{
    /// <summary>Bytes of the first block, which is looked at closely.</summary>
    private const int FirstBlock = 1 << 16;

    /// <summary>Bytes of a row; arrays and places are numbers of 32 bits.</summary>
    private const int MaxRow = 1 << 28;

    /// <summary>Rows that a block should hold, however wide: columns are taken together.</summary>
    private const int RowsWanted = 128;

    private const int LeastBlock = 1 << 20, MostBlock = 1 << 22;

    private byte[] _rest = [];
    private int _restLength;
    private int _blockLength = FirstBlock;
    private bool _started;
    private bool _finished;
    private bool _endedWithReturn;
    private Utf16Bytes? _converter;

    /// <summary>Fills a block with what comes next; false at the end.</summary>
    /// <exception cref="DataException">A row of more than 256 MB, or damaged data.</exception>
    public bool Fill(DelimitedBlock block)
    {
        if (_finished && _restLength == 0)
        {
            return false;
        }
        int wanted = Math.Max(_blockLength, 2 * _restLength);
        byte[] bytes = block.Reserve(wanted);
        _rest.AsSpan(0, _restLength).CopyTo(bytes);
        int length = _restLength;
        int end = 0;
        while (!_finished && (end == 0 || (!isPipe && length < wanted)))
        {
            if (length == wanted)
            {
                wanted = 2 * wanted <= MaxRow ? 2 * wanted : throw TooLong();
                bytes = block.Reserve(wanted, kept: length);
            }
            int read = Read(bytes.AsSpan(length, wanted - length));
            _finished = read == 0;
            int found = LineEnd(bytes.AsSpan(length, read));
            end = found > 0 ? length + found : end;
            length += read;
        }
        end = _finished ? length : end;
        Keep(bytes.AsSpan(end, length - end));
        block.Take(end, _finished, _endedWithReturn);
        _endedWithReturn = end > 0 && bytes[end - 1] == '\r';
        return end > 0;
    }

    /// <summary>How long the next blocks should be for rows like those of the first.</summary>
    public void ExpectRows(int bytesOfRow) =>
        _blockLength = isPipe
            ? FirstBlock
            : (int)Math.Clamp((long)RowsWanted * bytesOfRow, LeastBlock, MostBlock);

    private void Keep(ReadOnlySpan<byte> rest)
    {
        _rest = _rest.Length < rest.Length ? new byte[Math.Max(rest.Length, 4096)] : _rest;
        rest.CopyTo(_rest);
        _restLength = rest.Length;
    }

    /// <summary>The first byte behind the last line end; 0: there is none.</summary>
    private static int LineEnd(ReadOnlySpan<byte> text) =>
        text.LastIndexOfAny((byte)'\n', (byte)'\r') + 1;

    private int Read(Span<byte> target)
    {
        if (_started)
        {
            return _converter is null ? stream.Read(target) : _converter.Read(target);
        }
        _started = true;
        int length = 0;
        int read;
        do
        {
            read = stream.Read(target[length..]);
            length += read;
        }
        while (read > 0 && length < 3 && MayBeMark(target[..length]));
        Span<byte> text = target[..length];
        if (text is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            _converter = new Utf16Bytes(stream, name, text[2..], isBigEndian: text[0] == 0xFE);
            return _converter.Read(target);
        }
        if (text.StartsWith("\uFEFF"u8))
        {
            text[3..].CopyTo(target);
            length -= 3;
            return length > 0 ? length : stream.Read(target);
        }
        return length;
    }

    private static bool MayBeMark(ReadOnlySpan<byte> text) =>
        text[0] is 0xEF or 0xFE or 0xFF;

    private DataException TooLong() => new(
        $"{name}: a row longer than {MaxRow} bytes, expected rows and columns; is a quote not "
        + "closed, or is it no table?");
}
