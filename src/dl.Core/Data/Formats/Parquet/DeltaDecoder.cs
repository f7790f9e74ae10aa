// DELTA_BINARY_PACKED: a head (block size, miniblocks in a block, count, first value), then blocks:
// the least delta, a bit width for each miniblock, and the miniblocks, bit-packed deltas above the
// least. And the two encodings of texts whose lengths are stored so: DELTA_LENGTH_BYTE_ARRAY, and
// DELTA_BYTE_ARRAY, where a value begins with some of the one before it.
namespace Dl.Data.Formats.Parquet;

/// <summary>Decodes pages of differences.</summary>
internal static class DeltaDecoder
{
    /// <summary>Deltas and sums wrap, as the format says.</summary>
    /// <param name="bytes">The encoded values; more may follow.</param>
    /// <param name="values">Exactly as many as are expected.</param>
    /// <returns>Bytes taken.</returns>
    public static int Read(ReadOnlySpan<byte> bytes, Span<long> values)
    {
        int position = 0;
        int block = Varint.ReadCount(bytes, ref position, 1 << 24, "the size of delta blocks");
        int minis = Varint.ReadCount(bytes, ref position, 1 << 16, "the number of miniblocks");
        if (minis == 0 || block == 0 || block % minis != 0 || block / minis % 8 != 0)
        {
            throw new InvalidDataException($"delta blocks of {block} values in {minis} miniblocks");
        }
        ulong count = Varint.Read(bytes, ref position);
        if (count != (ulong)values.Length)
        {
            throw new InvalidDataException(
                $"{count} delta encoded values, expected {values.Length}");
        }
        long value = Varint.ReadZigZag(bytes, ref position);
        if (values.Length == 0)
        {
            return position;
        }
        values[0] = value;
        values = values[1..];
        while (values.Length > 0)
        {
            long least = Varint.ReadZigZag(bytes, ref position);
            if (minis > bytes.Length - position)
            {
                throw new InvalidDataException("it ends in the middle of a delta block");
            }
            ReadOnlySpan<byte> widths = bytes.Slice(position, minis);
            position += minis;
            for (int mini = 0; mini < minis && values.Length > 0; mini++)
            {
                int taken = ReadMini(
                    bytes[position..], widths[mini], block / minis, values, least, ref value);
                position += taken;
                values = values[Math.Min(values.Length, block / minis)..];
            }
        }
        return position;
    }

    /// <summary>DELTA_LENGTH_BYTE_ARRAY: lengths, then all bytes.</summary>
    public static void ReadBytes(
        ReadOnlyMemory<byte> bytes, Span<ReadOnlyMemory<byte>> values)
    {
        var lengths = new long[values.Length];
        int position = Read(bytes.Span, lengths);
        for (int i = 0; i < values.Length; i++)
        {
            if (lengths[i] < 0 || lengths[i] > bytes.Length - position)
            {
                throw new InvalidDataException(
                    $"a value of {lengths[i]} bytes, where {bytes.Length - position} are left");
            }
            values[i] = bytes.Slice(position, (int)lengths[i]);
            position += (int)lengths[i];
        }
    }

    /// <summary>DELTA_BYTE_ARRAY: lengths of common beginnings, then the ends.</summary>
    /// <param name="bytes">The page.</param>
    /// <param name="values">As many as are expected.</param>
    /// <param name="limit">Most bytes that the values may come to.</param>
    public static void ReadPrefixed(
        ReadOnlyMemory<byte> bytes, Span<ReadOnlyMemory<byte>> values, long limit)
    {
        var prefixes = new long[values.Length];
        int position = Read(bytes.Span, prefixes);
        ReadBytes(bytes[position..], values);
        long total = 0;
        foreach (ReadOnlyMemory<byte> suffix in values)
        {
            total += suffix.Length;
        }
        int before = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (prefixes[i] < 0 || prefixes[i] > before)
            {
                throw new InvalidDataException(
                    $"a value begins with {prefixes[i]} bytes of one that has {before}");
            }
            total += prefixes[i];
            before = (int)prefixes[i] + values[i].Length;
        }
        if (total > limit)
        {
            throw new InvalidDataException(
                $"a page of {bytes.Length} bytes becomes {total} bytes of text");
        }
        var text = new byte[total];
        int start = 0, end = 0;
        for (int i = 0; i < values.Length; i++)
        {
            int prefix = (int)prefixes[i];
            text.AsSpan(start, prefix).CopyTo(text.AsSpan(end));
            values[i].Span.CopyTo(text.AsSpan(end + prefix));
            start = end;
            end += prefix + values[i].Length;
            values[i] = text.AsMemory(start, end - start);
        }
    }

    private static int ReadMini(
        ReadOnlySpan<byte> bytes, int width, int count, Span<long> values, long least,
        ref long value)
    {
        long size = BitPacking.Bytes(count, width);
        int wanted = Math.Min(count, values.Length);
        // Behind the last value that is needed the padding may be left out.
        if (width > 64 || BitPacking.Bytes(wanted, width) > bytes.Length)
        {
            throw new InvalidDataException(
                $"a miniblock of {count} values of {width} bits in {bytes.Length} bytes");
        }
        for (int i = 0; i < wanted; i++)
        {
            ulong delta = BitPacking.Read(bytes, (long)i * width, width);
            value = unchecked(value + least + (long)delta);
            values[i] = value;
        }
        return (int)Math.Min(size, bytes.Length);
    }
}
