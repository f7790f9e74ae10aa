// Blocks of rows in a scratch file: the chunks of all columns, one after the other. What is kept in
// memory is where they end: 4 bytes for some thousands of cells.
using System.Buffers;

namespace Dl.Data.Tables.Storage;

/// <summary>Blocks of a table; read from any number of threads once all are written.</summary>
internal sealed class BlockStore(TableStorage settings) : IDisposable
{
    private readonly List<Block> _blocks = [];
    private readonly ScratchFile _file = new(settings.ScratchFolder);
    private byte[] _buffer = [];

    /// <param name="Ends">End of each chunk within the block.</param>
    private readonly record struct Block(int First, int Rows, long At, int[] Ends);

    public TableStorage Settings => settings;

    /// <summary>Rows in all blocks.</summary>
    public int Rows { get; private set; }

    public int Blocks => _blocks.Count;

    /// <summary>Bytes in the scratch file.</summary>
    public long Length => _file.Length;

    public string Folder => _file.Folder;

    public int FirstRow(int block) => _blocks[block].First;

    public int RowsOf(int block) => _blocks[block].Rows;

    /// <summary>Rows that a block of so many columns has.</summary>
    public int RowsFor(int columns) =>
        Math.Max(1, settings.BlockBytes / (sizeof(double) * Math.Max(1, columns)));

    /// <summary>The block that a row lies in.</summary>
    public int BlockOf(int row)
    {
        int low = 0, high = _blocks.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) >>> 1;
            if (_blocks[middle].First <= row)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }
        return low;
    }

    /// <summary>Writes a block.</summary>
    /// <param name="cells">Column to its cells, <paramref name="rows"/> of them.</param>
    /// <param name="share">Of the table that is then written; null: not known.</param>
    public void Append(int rows, int columns, Cells cells, double? share)
    {
        long room = (long)columns * ChunkCodec.MaxBytes(rows);
        if (_buffer.Length < room)
        {
            _buffer = new byte[checked((int)room)];
        }
        var ends = new int[columns];
        int end = 0;
        for (int column = 0; column < columns; column++)
        {
            end += ChunkCodec.Encode(cells(column), _buffer.AsSpan(end));
            ends[column] = end;
        }
        _blocks.Add(new Block(Rows, rows, _file.Length, ends));
        _file.Append(
            _buffer.AsSpan(0, end), share > 0 ? (long)((_file.Length + end) / share.Value) : null);
        Rows += rows;
    }

    /// <summary>Nothing more will be written.</summary>
    public void Complete() => _buffer = [];

    /// <summary>Reads a block as it lies; give it back with <see cref="Return"/>.</summary>
    public byte[] Rent(int block)
    {
        Block b = _blocks[block];
        int length = b.Ends.Length == 0 ? 0 : b.Ends[^1];
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length + ChunkCodec.Padding);
        _file.Read(bytes.AsSpan(0, length), b.At);
        return bytes;
    }

    public static void Return(byte[] bytes) => ArrayPool<byte>.Shared.Return(bytes);

    /// <summary>Cells of a column in a rented block, from a row of the block on.</summary>
    public void Decode(byte[] bytes, int block, int column, int from, Span<double> cells)
    {
        int[] ends = _blocks[block].Ends;
        if (column >= ends.Length)
        {
            // The column came up later: it is missing in all rows before.
            cells.Fill(double.NaN);
            return;
        }
        ChunkCodec.Decode(bytes.AsSpan(column == 0 ? 0 : ends[column - 1]), from, cells);
    }

    /// <summary>All cells of one column in a block; the others are not read.</summary>
    public void ReadColumn(int block, int column, Span<double> cells)
    {
        Block b = _blocks[block];
        if (column >= b.Ends.Length)
        {
            cells.Fill(double.NaN);
            return;
        }
        int start = column == 0 ? 0 : b.Ends[column - 1];
        int length = b.Ends[column] - start;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length + ChunkCodec.Padding);
        _file.Read(bytes.AsSpan(0, length), b.At + start);
        ChunkCodec.Decode(bytes, 0, cells);
        Return(bytes);
    }

    public void Dispose() => _file.Dispose();

    internal delegate ReadOnlySpan<double> Cells(int column);
}
