// Delimited text (CSV, TSV, and relatives): finds the delimiter, and hands out the rows of one
// block after the other. Quoted fields may hold delimiters, line ends and doubled quotes
// (RFC 4180).
using Dl.Data.Formats.Delimited;

namespace Dl.Data.Formats;

/// <summary>Rows of cells with the line each of them starts on.</summary>
internal sealed class DelimitedReader : IRowReader
{
    private readonly Stream _stream;
    private readonly BlockQueue _blocks;
    private DelimitedBlock _block;
    private bool _ended;

    /// <param name="stream">Bytes, decompressed; disposed with the reader.</param>
    /// <param name="name">File name for messages.</param>
    /// <param name="streaming">A pipe: look no further ahead than the first line.</param>
    /// <param name="decimalComma">Numbers are written `1,5`.</param>
    public DelimitedReader(
        Stream stream, string name, bool streaming, bool decimalComma = false)
    {
        (Name, _stream) = (name, stream);
        var feed = new BlockFeed(stream, name, streaming);
        _block = new DelimitedBlock(name);
        try
        {
            feed.Fill(_block);
            if (_block.Bytes.AsSpan(0, _block.Length).Contains((byte)0))
            {
                throw new DataException(
                    $"{name}: binary data, expected text in rows and columns (CSV or TSV); is it "
                    + "UTF-16 without a byte order mark? Convert it with iconv");
            }
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            stream.Dispose();
            throw InputFile.Damaged(name, 0, error);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
        byte delimiter = Sniffer.Find(_block, decimalComma, out bool isSaid);
        Delimiter = (char)delimiter;
        var dialect = new Dialect(delimiter, decimalComma);
        _block.Start();
        RowCutter.Cut(_block, dialect);
        // The line that says it is no row.
        _block.Row = isSaid ? 0 : -1;
        if (_block.RowCount > 0)
        {
            feed.ExpectRows(_block.Consumed / _block.RowCount);
        }
        int ahead = streaming || Environment.ProcessorCount == 1 ? 0 : Environment.ProcessorCount;
        _blocks = new BlockQueue(feed, name, dialect, Math.Min(ahead, 8));
    }

    public string Name { get; }

    public char Delimiter { get; }

    public IReadOnlyList<string>? Names => null;

    public bool Sparse => false;

    public DataException? Problem => _block.Problem;

    public string Cut => Delimiter == '\t' ? " (delimiter tab)" : $" (delimiter '{Delimiter}')";

    public int Count => _block.Count;

    public int Line => _block.Row < 0 ? _block.LinesBefore : _block.Line;

    public ReadOnlySpan<byte> Utf8(int field) => _block.Utf8(field);

    /// <summary>Goes to the next row; false at the end. Empty lines are passed over.</summary>
    /// <exception cref="DataException">A field is absurdly long: a quote is not closed.</exception>
    public bool Read()
    {
        do
        {
            if (_block.Row + 1 < _block.RowCount)
            {
                _block.Row++;
                return true;
            }
        }
        while (GoOn());
        return false;
    }

    public IRowBlock? NextBlock()
    {
        if (_block.Row + 1 < _block.RowCount)
        {
            return null;
        }
        _blocks.WantsNumbers = true;
        if (!GoOn())
        {
            return null;
        }
        // The cursor is the caller's, and stands behind the rows when they have been taken.
        return _block;
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _stream.Dispose();
    }

    /// <summary>Goes to the next block; it may hold the beginning of a row alone.</summary>
    private bool GoOn()
    {
        try
        {
            DelimitedBlock? next = _ended ? null : _blocks.Next(_block);
            _ended = next is null;
            _block = next ?? _block;
            return !_ended;
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            throw InputFile.Damaged(Name, _block.LinesBefore + _block.Lines, error);
        }
    }
}
