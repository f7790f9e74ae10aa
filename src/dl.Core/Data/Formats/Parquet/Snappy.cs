// Snappy, the raw format (google/snappy, format_description.txt): the length of the content, then
// literals and copies of what lies up to 4 GB before.
namespace Dl.Data.Formats.Parquet;

/// <summary>Decompresses Snappy.</summary>
internal static class Snappy
{
    /// <exception cref="InvalidDataException">Damaged, or of another length.</exception>
    public static void Decompress(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        int position = 0;
        ulong length = Varint.Read(bytes, ref position);
        if (length != (ulong)output.Length)
        {
            throw new InvalidDataException(
                $"snappy data of {length} bytes, expected {output.Length}");
        }
        int done = 0;
        while (position < bytes.Length)
        {
            int tag = bytes[position++];
            if ((tag & 3) == 0)
            {
                done += Literal(bytes, ref position, tag >> 2, output[done..]);
                continue;
            }
            int extra = (tag & 3) switch { 1 => 1, 2 => 2, _ => 4 };
            long offset = Number(bytes, ref position, extra);
            int count = (tag >> 2) + 1;
            if (extra == 1)
            {
                offset |= (long)(tag >> 5) << 8;
                count = (tag >> 2 & 7) + 4;
            }
            BackReference.Copy(output, ref done, offset, count);
        }
        if (done != output.Length)
        {
            throw new InvalidDataException($"snappy data end {output.Length - done} bytes early");
        }
    }

    /// <summary>Lengths of up to 60 stand in the tag, longer ones in 1 to 4 bytes.</summary>
    private static int Literal(
        ReadOnlySpan<byte> bytes, ref int position, int length, Span<byte> output)
    {
        long count = length < 60 ? length : Number(bytes, ref position, length - 59);
        count++;
        if (count > bytes.Length - position || count > output.Length)
        {
            throw new InvalidDataException($"a literal of {count} bytes does not fit");
        }
        bytes.Slice(position, (int)count).CopyTo(output);
        position += (int)count;
        return (int)count;
    }

    private static long Number(ReadOnlySpan<byte> bytes, ref int position, int size)
    {
        if (size > bytes.Length - position)
        {
            throw new InvalidDataException("snappy data are cut off");
        }
        long value = 0;
        for (int i = 0; i < size; i++)
        {
            value |= (long)bytes[position++] << (8 * i);
        }
        return value;
    }
}

/// <summary>What Snappy and LZ4 share.</summary>
internal static class BackReference
{
    /// <summary>Repeats what was written; source and target may overlap.</summary>
    public static void Copy(Span<byte> output, ref int done, long offset, long count)
    {
        if (offset <= 0 || offset > done || count > output.Length - done)
        {
            throw new InvalidDataException(
                $"a copy of {count} bytes from {offset} before byte {done} of {output.Length}");
        }
        int from = done - (int)offset;
        if (offset >= count)
        {
            output.Slice(from, (int)count).CopyTo(output[done..]);
        }
        else
        {
            for (int i = 0; i < count; i++)
            {
                output[done + i] = output[from + i];
            }
        }
        done += (int)count;
    }
}
