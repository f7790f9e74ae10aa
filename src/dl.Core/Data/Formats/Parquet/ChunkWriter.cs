// A column of a row group on its way into the file: a dictionary page where one pays, then data
// pages of version 1, which every reader knows: definition levels (where values may be missing) and
// values, compressed together.
using System.Buffers.Binary;
using Dl.Data.Images;

namespace Dl.Data.Formats.Parquet;

/// <summary>What the footer has to say about a chunk.</summary>
/// <param name="Start">First byte in the file, of the dictionary where there is one.</param>
/// <param name="DataStart">First byte of the first data page.</param>
/// <param name="Length">Bytes in the file, heads of pages included.</param>
/// <param name="PlainLength">The same before compression.</param>
internal sealed record WrittenChunk(
    long Rows, long Start, long DataStart, long Length, long PlainLength,
    ValueStatistics Statistics)
{
    public bool HasDictionary => DataStart > Start;
}

/// <summary>Writes chunks; keeps its buffers from one to the next.</summary>
internal sealed class ChunkWriter(CountingStream output, ParquetOptions options)
{
    /// <summary>
    /// Rows and bytes of a page, as other writers have them. A page without bytes of its own
    /// still has a head, so the rows of a file stay in proportion to its length, which is what
    /// careful readers ask for.
    /// </summary>
    private const int PageRows = 20_000, PageBytes = 1 << 20;

    private readonly Compressor _compressor = new(options.Codec);
    private readonly DictionaryIndex _dictionary = new();
    private readonly ThriftWriter _head = new();
    private byte[] _page = [];
    private int _filled;
    private long _plainLength;

    public WrittenChunk Write(ColumnBuffer column)
    {
        long start = output.Position;
        _plainLength = 0;
        bool coded = column.Field.Type != FieldType.Boolean && column.Count > 0
            && _dictionary.TryBuild(column);
        if (coded)
        {
            WriteDictionary(column);
        }
        long data = output.Position;
        int row = 0, value = 0;
        while (row < column.Rows)
        {
            (int rows, int values) = NextPage(column, row, value);
            WriteData(column, row, rows, value, values, coded);
            row += rows;
            value += values;
        }
        return new WrittenChunk(
            column.Rows, start, data, output.Position - start, _plainLength,
            ValueStatistics.Of(column, 0, column.Count, column.Rows));
    }

    /// <summary>As many rows, and values in them, as a page takes; one row at least.</summary>
    private static (int Rows, int Values) NextPage(ColumnBuffer column, int row, int value)
    {
        int rows = 0, values = 0;
        long bytes = 0;
        ReadOnlySpan<int> present =
            column.Present(row, Math.Min(PageRows, column.Rows - row));
        int most = Math.Min(PageRows, column.Rows - row);
        while (rows < most)
        {
            int there = present.IsEmpty ? 1 : present[rows];
            bytes += there == 0 ? 0 : column.Value(value + values).Length;
            if (bytes > PageBytes && rows > 0)
            {
                break;
            }
            rows++;
            values += there;
        }
        return (rows, values);
    }

    private void WriteDictionary(ColumnBuffer column)
    {
        _filled = 0;
        foreach (int index in _dictionary.First)
        {
            AppendPlain(column, index, 1);
        }
        WritePage(PageKind.Dictionary, () =>
        {
            _head.Begin(7);
            _head.Int32(1, _dictionary.First.Length);
            _head.Int32(2, (int)PageEncoding.Plain);
            _head.End();
        });
    }

    private void WriteData(
        ColumnBuffer column, int row, int rows, int value, int values, bool coded)
    {
        _filled = 0;
        if (column.Field.Optional)
        {
            AppendLevels(column.Present(row, rows));
        }
        if (coded)
        {
            Room(1 + HybridEncoder.MaxLength(values, _dictionary.Width));
            _page[_filled++] = (byte)_dictionary.Width;
            _filled += HybridEncoder.Encode(
                _dictionary.Codes(value, values), _dictionary.Width, _page.AsSpan(_filled));
        }
        else
        {
            AppendPlain(column, value, values);
        }
        var statistics = ValueStatistics.Of(column, value, values, rows);
        WritePage(PageKind.Data, () =>
        {
            _head.Begin(5);
            _head.Int32(1, rows);
            _head.Int32(2, (int)(coded ? PageEncoding.RleDictionary : PageEncoding.Plain));
            _head.Int32(3, (int)PageEncoding.Rle);
            _head.Int32(4, (int)PageEncoding.Rle);
            statistics.Write(_head, 5);
            _head.End();
        });
    }

    /// <summary>Levels of one bit behind the count of their bytes.</summary>
    private void AppendLevels(ReadOnlySpan<int> present)
    {
        Room(sizeof(int) + HybridEncoder.MaxLength(present.Length, 1));
        int length = HybridEncoder.Encode(present, 1, _page.AsSpan(_filled + sizeof(int)));
        BinaryPrimitives.WriteInt32LittleEndian(_page.AsSpan(_filled), length);
        _filled += sizeof(int) + length;
    }

    private void AppendPlain(ColumnBuffer column, int start, int count)
    {
        ReadOnlySpan<byte> values = column.Values(start, count);
        switch (column.Field.Physical)
        {
            case PhysicalType.Boolean:
                Room(count + 1);
                PackBooleans(values);
                break;
            case PhysicalType.ByteArray:
                Room(checked(values.Length + (sizeof(int) * count)));
                for (int i = start; i < start + count; i++)
                {
                    ReadOnlySpan<byte> text = column.Value(i);
                    BinaryPrimitives.WriteInt32LittleEndian(_page.AsSpan(_filled), text.Length);
                    text.CopyTo(_page.AsSpan(_filled + sizeof(int)));
                    _filled += sizeof(int) + text.Length;
                }
                break;
            default:
                Room(values.Length);
                values.CopyTo(_page.AsSpan(_filled));
                _filled += values.Length;
                break;
        }
    }

    /// <summary>A bit each, the first one lowest.</summary>
    private void PackBooleans(ReadOnlySpan<byte> values)
    {
        for (int i = 0; i < values.Length; i += 8)
        {
            int bits = 0;
            for (int k = 0; k < Math.Min(8, values.Length - i); k++)
            {
                bits |= values[i + k] << k;
            }
            _page[_filled++] = (byte)bits;
        }
    }

    private void WritePage(PageKind kind, Action members)
    {
        ReadOnlySpan<byte> bytes = _compressor.Compress(_page.AsMemory(0, _filled)).Span;
        _head.Clear();
        _head.Begin();
        _head.Int32(1, (int)kind);
        _head.Int32(2, _filled);
        _head.Int32(3, bytes.Length);
        if (options.Checksums)
        {
            _head.Int32(4, (int)Crc32.Compute(bytes));
        }
        members();
        _head.End();
        output.Write(_head.Bytes);
        output.Write(bytes);
        _plainLength += _head.Bytes.Length + _filled;
    }

    private void Room(int bytes)
    {
        if (bytes > _page.Length - _filled)
        {
            Array.Resize(ref _page, Math.Max(checked(_filled + bytes), 2 * _page.Length));
        }
    }
}

/// <summary>A place in an output that cannot tell its own.</summary>
internal sealed class CountingStream(Stream inner)
{
    public long Position { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        inner.Write(bytes);
        Position += bytes.Length;
    }

    public void Flush() => inner.Flush();
}
