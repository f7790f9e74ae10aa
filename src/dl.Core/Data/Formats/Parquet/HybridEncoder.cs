// The hybrid of run lengths and bit packing (apache/parquet-format, Encodings.md), written: runs of
// at least eight equal numbers as length and value, all else packed in groups of eight. The reader
// is HybridDecoder.
namespace Dl.Data.Formats.Parquet;

/// <summary>Encodes whole pages of numbers of one width.</summary>
internal static class HybridEncoder
{
    private const int Group = 8;

    /// <summary>Groups that one head of packed numbers counts, so that it stays a byte.</summary>
    private const int MaxGroups = 63;

    /// <summary>Room that so many numbers need at most.</summary>
    public static int MaxLength(int count, int width) => checked(
        // Packed: a head for every 63 groups at least, and a last group that is not full. A run
        // (head of 5 bytes at most, value of 4) stands for eight numbers or more.
        (((count / Group) + 1) * (Math.Max(width, 9) + 1)) + Varint.MaxBytes);

    /// <param name="values">Each of at most <paramref name="width"/> bits.</param>
    /// <param name="width">0 to 32 bits.</param>
    /// <returns>Bytes written.</returns>
    public static int Encode(ReadOnlySpan<int> values, int width, Span<byte> output)
    {
        int done = 0, at = 0;
        while (at < values.Length)
        {
            int run = Run(values, at);
            if (run >= Group)
            {
                done += Varint.Write((ulong)run << 1, output[done..]);
                for (int i = 0; i < (width + 7) / 8; i++)
                {
                    output[done++] = (byte)(values[at] >> (8 * i));
                }
                at += run;
            }
            else
            {
                int count = Packed(values, at);
                int groups = (count + Group - 1) / Group;
                done += Varint.Write(((ulong)groups << 1) | 1, output[done..]);
                done += Pack(values.Slice(at, count), width, output[done..]);
                at += count;
            }
        }
        return done;
    }

    /// <summary>Bits, lowest first: booleans are stored so, without any head.</summary>
    /// <returns>Bytes written: a whole number of groups of eight.</returns>
    public static int Pack(ReadOnlySpan<int> values, int width, Span<byte> output)
    {
        ulong bits = 0;
        int held = 0, done = 0;
        int padded = (values.Length + Group - 1) / Group * Group;
        for (int i = 0; i < padded; i++)
        {
            bits |= (ulong)(i < values.Length ? (uint)values[i] : 0) << held;
            for (held += width; held >= 8; held -= 8)
            {
                output[done++] = (byte)bits;
                bits >>= 8;
            }
        }
        return done;
    }

    private static int Run(ReadOnlySpan<int> values, int start)
    {
        int end = values[start..].IndexOfAnyExcept(values[start]);
        return end < 0 ? values.Length - start : end;
    }

    /// <summary>
    /// Numbers to pack: whole groups, up to where a run begins, or all that are left.
    /// </summary>
    private static int Packed(ReadOnlySpan<int> values, int start)
    {
        int count = Group;
        while (count < MaxGroups * Group && start + count < values.Length
            && (start + count + Group > values.Length
                || Run(values.Slice(start + count, Group), 0) < Group))
        {
            count += Group;
        }
        return Math.Min(count, values.Length - start);
    }
}
