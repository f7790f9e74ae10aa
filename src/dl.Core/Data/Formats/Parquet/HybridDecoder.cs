// The RLE / bit-packing hybrid of levels, dictionary indices and booleans: runs, each with a head
// whose lowest bit tells the kind: 0 = one value, repeated head/2 times; 1 = head/2 groups of eight
// bit-packed values.
namespace Dl.Data.Formats.Parquet;

/// <summary>Reads runs one after the other.</summary>
internal ref struct HybridDecoder
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _width;
    private int _position;
    private int _left;
    private bool _packed;
    private int _repeated;
    private long _bit;

    /// <param name="bytes">Runs to the end, or what is left of the page.</param>
    /// <param name="width">Bits of a value, 0 to 32.</param>
    public HybridDecoder(ReadOnlySpan<byte> bytes, int width)
    {
        if (width is < 0 or > 32)
        {
            throw new InvalidDataException($"values of {width} bits, expected at most 32");
        }
        _bytes = bytes;
        _width = width;
    }

    /// <summary>Fills the span.</summary>
    /// <exception cref="InvalidDataException">There are not so many values.</exception>
    public void Read(scoped Span<int> values)
    {
        while (values.Length > 0)
        {
            if (_left == 0)
            {
                NextRun(values.Length);
                continue;
            }
            int count = Math.Min(_left, values.Length);
            if (_packed)
            {
                for (int i = 0; i < count; i++, _bit += _width)
                {
                    values[i] = (int)BitPacking.Read(_bytes, _bit, _width);
                }
            }
            else
            {
                values[..count].Fill(_repeated);
            }
            _left -= count;
            values = values[count..];
        }
    }

    private void NextRun(int wanted)
    {
        if (_position >= _bytes.Length)
        {
            throw new InvalidDataException($"a run-length encoding ends {wanted} values too early");
        }
        ulong head = Varint.Read(_bytes, ref _position);
        ulong count = head >> 1;
        _packed = (head & 1) != 0;
        if (_packed)
        {
            // The last groups may be cut after the last value that is needed.
            long there = _width == 0
                ? long.MaxValue
                : (long)(_bytes.Length - _position) * 8 / _width;
            ulong values = Math.Min(count, int.MaxValue / 8) * 8;
            _left = (int)Math.Min((ulong)there, values);
            _bit = (long)_position * 8;
            _position += (int)Math.Min(
                _bytes.Length - _position, BitPacking.Bytes((long)values, _width));
            return;
        }
        int size = (_width + 7) / 8;
        if (size > _bytes.Length - _position)
        {
            throw new InvalidDataException("a run ends before its value");
        }
        _repeated = (int)BitPacking.Read(_bytes, (long)_position * 8, size * 8);
        _position += size;
        _left = (int)Math.Min(count, int.MaxValue);
    }
}
