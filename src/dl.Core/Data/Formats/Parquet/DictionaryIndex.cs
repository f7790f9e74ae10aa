// The distinct values of a column, numbered as they come: pages then hold numbers of few bits. It
// is given up as soon as it would not pay, or would be too large for readers to hold.
using System.Numerics;
using System.Runtime.InteropServices;

namespace Dl.Data.Formats.Parquet;

/// <summary>Open addressing over the values of a buffer, which stay where they are.</summary>
internal sealed class DictionaryIndex
{
    /// <summary>Bytes of distinct values, with the lengths of texts.</summary>
    private const int MaxBytes = 1 << 20;

    private readonly List<int> _first = [];
    private int[] _slots = new int[1 << 10];
    private int[] _codes = [];

    /// <summary>For each distinct value the index of its first.</summary>
    public ReadOnlySpan<int> First => CollectionsMarshal.AsSpan(_first);

    /// <summary>Bits of a code; readers are not used to none.</summary>
    public int Width => Math.Max(1, 32 - BitOperations.LeadingZeroCount((uint)First.Length - 1));

    /// <summary>The number of the distinct value, for each value.</summary>
    public ReadOnlySpan<int> Codes(int start, int count) => _codes.AsSpan(start, count);

    /// <summary>False: the column is better off without.</summary>
    public bool TryBuild(ColumnBuffer column)
    {
        _first.Clear();
        Array.Clear(_slots);
        if (_codes.Length < column.Count)
        {
            _codes = new int[column.Count];
        }
        bool texts = column.Field.Width == 0;
        long distinct = 0;
        for (int i = 0; i < column.Count; i++)
        {
            ReadOnlySpan<byte> value = column.Value(i);
            int known = _first.Count;
            _codes[i] = Find(column, value, i);
            if (_first.Count > known)
            {
                distinct += value.Length + (texts ? sizeof(int) : 0);
                if (distinct > MaxBytes)
                {
                    return false;
                }
            }
        }
        long plain = column.Values(0, column.Count).Length
            + (texts ? (long)sizeof(int) * column.Count : 0);
        return distinct + BitPacking.Bytes(column.Count, Width) < plain;
    }

    private int Find(ColumnBuffer column, ReadOnlySpan<byte> value, int index)
    {
        int mask = _slots.Length - 1;
        int slot = Hash(value) & mask;
        while (_slots[slot] is > 0 and int code)
        {
            if (column.Value(_first[code - 1]).SequenceEqual(value))
            {
                return code - 1;
            }
            slot = (slot + 1) & mask;
        }
        _first.Add(index);
        _slots[slot] = _first.Count;
        if (_first.Count > _slots.Length / 2)
        {
            Grow(column);
        }
        return _first.Count - 1;
    }

    private void Grow(ColumnBuffer column)
    {
        _slots = new int[2 * _slots.Length];
        int mask = _slots.Length - 1;
        for (int code = 0; code < _first.Count; code++)
        {
            int slot = Hash(column.Value(_first[code])) & mask;
            while (_slots[slot] > 0)
            {
                slot = (slot + 1) & mask;
            }
            _slots[slot] = code + 1;
        }
    }

    /// <summary>Seeded by the process, so that no data can make all values meet.</summary>
    private static int Hash(ReadOnlySpan<byte> value)
    {
        switch (value.Length)
        {
            case sizeof(int):
                return HashCode.Combine(MemoryMarshal.Read<int>(value));
            case sizeof(long):
                return HashCode.Combine(MemoryMarshal.Read<long>(value));
        }
        var hash = new HashCode();
        hash.AddBytes(value);
        return hash.ToHashCode();
    }
}
