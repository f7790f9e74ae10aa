// A column chunk: pages one after the other, the first perhaps a dictionary. A page holds
// definition levels (where values may be missing) and the values that are there; those are decoded
// to the front of the page's rows and then spread, so that every row has its slot.
using Dl.Data.Images;

namespace Dl.Data.Formats.Parquet;

/// <summary>Reads one chunk of a column without repetition.</summary>
internal sealed class ChunkReader
{
    private readonly ParquetColumn _column;
    private readonly Codec _codec;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int _rows;
    private readonly bool[]? _valid;

    /// <summary>A slot for every row, or null while texts are indices of the dictionary.</summary>
    private Array? _values;
    private int[]? _codes;
    private Array? _dictionary;
    private int _position;
    private int _done;

    private ChunkReader(ParquetColumn column, Codec codec, ReadOnlyMemory<byte> bytes, int rows)
    {
        _column = column;
        _codec = codec;
        _bytes = bytes;
        _rows = rows;
        _valid = column.MaxDefinition > 0 ? new bool[rows] : null;
    }

    /// <param name="column">What is read.</param>
    /// <param name="codec">How its pages are compressed.</param>
    /// <param name="bytes">The chunk.</param>
    /// <param name="rows">Rows of the row group, nulls included.</param>
    public static ColumnValues Read(
        ParquetColumn column, Codec codec, ReadOnlyMemory<byte> bytes, int rows)
    {
        var reader = new ChunkReader(column, codec, bytes, rows);
        while (reader._done < rows)
        {
            reader.ReadPage();
        }
        bool complete = reader._valid is null || !reader._valid.AsSpan().Contains(false);
        bool[]? valid = complete ? null : reader._valid;
        return reader._codes is { } codes
            ? new ColumnValues(column, codes, (ReadOnlyMemory<byte>[])reader._dictionary!, valid)
            : new ColumnValues(column, reader.Values, valid);
    }

    /// <summary>The slots of all rows; those of pages of indices are filled.</summary>
    private Array Values
    {
        get
        {
            if (_values is null)
            {
                _values = ValueDecoder.NewArray(_column.Type, _rows);
                if (_codes is { } codes)
                {
                    ColumnValues.Gather(
                        codes.AsSpan(0, _done), (ReadOnlyMemory<byte>[])_dictionary!,
                        (ReadOnlyMemory<byte>[])_values);
                }
            }
            _codes = null;
            return _values;
        }
    }

    private void ReadPage()
    {
        if (_position >= _bytes.Length)
        {
            throw new InvalidDataException(
                $"its pages end after {_done} of {_rows} values");
        }
        PageHeader header = PageHeader.Read(_bytes.Span[_position..], out int length);
        _position += length;
        if (header.CompressedSize < 0 || header.CompressedSize > _bytes.Length - _position)
        {
            throw new InvalidDataException(
                $"a page of {header.CompressedSize} bytes, where "
                + $"{_bytes.Length - _position} are left");
        }
        ReadOnlyMemory<byte> page = _bytes.Slice(_position, header.CompressedSize);
        _position += header.CompressedSize;
        if (header.Checksum is { } sum && Crc32.Compute(page.Span) != (uint)sum)
        {
            throw new InvalidDataException("the checksum of a page does not fit its bytes");
        }
        switch (header.Kind)
        {
            case PageKind.Data:
                ReadDataPage(header, page);
                break;
            case PageKind.DataV2:
                ReadDataPageV2(header, page);
                break;
            case PageKind.Dictionary:
                ReadDictionary(header, page);
                break;
            case PageKind.Index:
                break;
            default:
                throw new NotSupportedException($"pages of kind {(int)header.Kind}");
        }
    }

    private void ReadDictionary(PageHeader header, ReadOnlyMemory<byte> page)
    {
        if (_dictionary is not null || _done > 0)
        {
            throw new InvalidDataException("a dictionary behind other pages");
        }
        if (header.Encoding is not (PageEncoding.Plain or PageEncoding.PlainDictionary))
        {
            throw new NotSupportedException($"dictionaries in the encoding {header.Encoding}");
        }
        page = Decompressor.Decompress(_codec, page, header.Size);
        // A byte holds eight booleans at most; a value without bytes needs no dictionary.
        if (header.Values < 0 || header.Values > 8L * page.Length)
        {
            throw new InvalidDataException(
                $"a dictionary of {header.Values} values in {page.Length} bytes");
        }
        _dictionary = ValueDecoder.NewArray(_column.Type, header.Values);
        ValueDecoder.Decode(
            PageEncoding.Plain, page, _column, _dictionary, 0, header.Values);
    }

    /// <summary>Version 1: levels with their length before them, all of it compressed.</summary>
    private void ReadDataPage(PageHeader header, ReadOnlyMemory<byte> page)
    {
        CheckCount(header);
        page = Decompressor.Decompress(_codec, page, header.Size);
        int present = header.Values;
        if (_valid is not null)
        {
            if (header.DefinitionEncoding != PageEncoding.Rle)
            {
                throw new NotSupportedException(
                    $"definition levels in the encoding {header.DefinitionEncoding}");
            }
            int position = 0;
            int length = ValueDecoder.TakeLength(page.Span, ref position);
            present = ReadLevels(page.Span.Slice(position, length), header.Values);
            page = page[(position + length)..];
        }
        ReadValues(header, page, present);
    }

    /// <summary>Version 2: levels uncompressed, their lengths in the page's head.</summary>
    private void ReadDataPageV2(PageHeader header, ReadOnlyMemory<byte> page)
    {
        CheckCount(header);
        // Without repetition its levels say nothing; some writers put a run of zeros all the same.
        int repetition = header.RepetitionLength;
        long length = (long)repetition + header.DefinitionLength;
        if (repetition < 0 || header.DefinitionLength < 0
            || length > page.Length || length > header.Size)
        {
            throw new InvalidDataException(
                $"{length} bytes of levels in a page of {page.Length} bytes");
        }
        int present = header.Values;
        if (_valid is not null)
        {
            present = ReadLevels(page.Span[repetition..(int)length], header.Values);
        }
        page = page[(int)length..];
        // Where all is null some writers compress nothing, some leave it out.
        if (header.IsCompressed && page.Length > 0)
        {
            page = Decompressor.Decompress(_codec, page, header.Size - (int)length);
        }
        ReadValues(header, page, present);
    }

    private void CheckCount(PageHeader header)
    {
        if (header.Values < 0 || header.Values > _rows - _done)
        {
            throw new InvalidDataException(
                $"a page of {header.Values} values, where the row group has "
                + $"{_rows - _done} left");
        }
    }

    /// <summary>Marks the rows that have a value; returns how many they are.</summary>
    private int ReadLevels(ReadOnlySpan<byte> bytes, int count)
    {
        int width = 32 - int.LeadingZeroCount(_column.MaxDefinition);
        var decoder = new HybridDecoder(bytes, width);
        Span<int> levels = stackalloc int[256];
        int present = 0;
        for (int start = 0; start < count; start += levels.Length)
        {
            Span<int> some = levels[..Math.Min(levels.Length, count - start)];
            decoder.Read(some);
            for (int i = 0; i < some.Length; i++)
            {
                if ((uint)some[i] > (uint)_column.MaxDefinition)
                {
                    throw new InvalidDataException(
                        $"a definition level of {some[i]}, expected at most "
                        + $"{_column.MaxDefinition}");
                }
                bool valid = some[i] == _column.MaxDefinition;
                _valid![_done + start + i] = valid;
                present += valid ? 1 : 0;
            }
        }
        return present;
    }

    private void ReadValues(PageHeader header, ReadOnlyMemory<byte> page, int present)
    {
        // Where the meaning of PLAIN_DICTIONARY moved to RLE_DICTIONARY, the bytes stayed.
        if (header.Encoding is PageEncoding.PlainDictionary or PageEncoding.RleDictionary)
        {
            ReadIndices(page.Span, present);
        }
        else
        {
            ValueDecoder.Decode(header.Encoding, page, _column, Values, _done, present);
        }
        if (present < header.Values)
        {
            Spread(present, header.Values);
        }
        _done += header.Values;
    }

    /// <summary>A byte with the width of an index, then runs of indices.</summary>
    private void ReadIndices(ReadOnlySpan<byte> page, int present)
    {
        if (present == 0)
        {
            return;
        }
        if (_dictionary is null || page.IsEmpty)
        {
            throw new InvalidDataException(
                _dictionary is null
                    ? "a page of dictionary indices without a dictionary"
                    : "a page of dictionary indices is empty");
        }
        var indices = new HybridDecoder(page[1..], page[0]);
        if (_dictionary is ReadOnlyMemory<byte>[] texts && _values is null)
        {
            _codes ??= new int[_rows];
            ReadCodes(ref indices, texts.Length, _codes.AsSpan(_done, present));
            return;
        }
        switch (Values)
        {
            case bool[] values:
                Gather(ref indices, (bool[])_dictionary, values.AsSpan(_done, present));
                break;
            case int[] values:
                Gather(ref indices, (int[])_dictionary, values.AsSpan(_done, present));
                break;
            case long[] values:
                Gather(ref indices, (long[])_dictionary, values.AsSpan(_done, present));
                break;
            case float[] values:
                Gather(ref indices, (float[])_dictionary, values.AsSpan(_done, present));
                break;
            case double[] values:
                Gather(ref indices, (double[])_dictionary, values.AsSpan(_done, present));
                break;
            case ReadOnlyMemory<byte>[] values:
                Gather(
                    ref indices, (ReadOnlyMemory<byte>[])_dictionary,
                    values.AsSpan(_done, present));
                break;
        }
    }

    private static void ReadCodes(ref HybridDecoder indices, int count, Span<int> codes)
    {
        indices.Read(codes);
        foreach (int code in codes)
        {
            CheckIndex(code, count);
        }
    }

    private static void CheckIndex(int index, int count)
    {
        if ((uint)index >= (uint)count)
        {
            throw new InvalidDataException(
                $"the index {(uint)index} of a dictionary of {count}");
        }
    }

    private static void Gather<T>(ref HybridDecoder indices, T[] dictionary, Span<T> values)
    {
        Span<int> some = stackalloc int[256];
        while (values.Length > 0)
        {
            Span<int> now = some[..Math.Min(some.Length, values.Length)];
            indices.Read(now);
            for (int i = 0; i < now.Length; i++)
            {
                CheckIndex(now[i], dictionary.Length);
                values[i] = dictionary[now[i]];
            }
            values = values[now.Length..];
        }
    }

    private void Spread(int present, int count)
    {
        if (_codes is not null)
        {
            Spread(_codes.AsSpan(_done, count), present);
            return;
        }
        switch (Values)
        {
            case bool[] values:
                Spread(values.AsSpan(_done, count), present);
                break;
            case int[] values:
                Spread(values.AsSpan(_done, count), present);
                break;
            case long[] values:
                Spread(values.AsSpan(_done, count), present);
                break;
            case float[] values:
                Spread(values.AsSpan(_done, count), present);
                break;
            case double[] values:
                Spread(values.AsSpan(_done, count), present);
                break;
            case ReadOnlyMemory<byte>[] values:
                Spread(values.AsSpan(_done, count), present);
                break;
        }
    }

    /// <summary>From the end, so that nothing is overwritten before it is moved.</summary>
    private void Spread<T>(Span<T> values, int present)
    {
        ReadOnlySpan<bool> valid = _valid.AsSpan(_done, values.Length);
        for (int i = values.Length - 1; i >= 0; i--)
        {
            values[i] = valid[i] ? values[--present] : default!;
        }
    }
}
