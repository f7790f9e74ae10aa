// Compressing to Snappy's raw format (google/snappy, format_description.txt). Content is taken in
// blocks of 64 KiB, so that every distance fits into two bytes. In a block, a table remembers where
// each hash of four bytes was last seen; where the four bytes are really the same, the match is
// taken as far as it goes. The longer nothing matches, the wider the steps: what cannot be
// compressed costs little time.
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dl.Data.Formats.Parquet;

/// <summary>Compresses; one object serves any number of pages.</summary>
internal sealed class SnappyCompressor
{
    private const int BlockSize = 1 << 16;
    private const int TableBits = 14;

    /// <summary>Shorter matches would not be shorter than what they stand for.</summary>
    private const int MinMatch = 4;

    /// <summary>One copy says 64 bytes at most.</summary>
    private const int MaxCopy = 64;

    /// <summary>A copy in two bytes: up to 11 bytes from less than 2048 before.</summary>
    private const int ShortCopy = 11, ShortDistance = 1 << 11;

    /// <summary>Steps widen by one after so many misses (as a shift).</summary>
    private const int PatienceBits = 5;

    private readonly ushort[] _table = new ushort[1 << TableBits];

    /// <summary>
    /// Room that the output needs: a literal takes three bytes beside its own for a block, the
    /// length five; and at worst a copy of three bytes and a literal's tag stand for four bytes.
    /// </summary>
    public static int MaxLength(int length) => checked(length + (length / 6) + 32);

    /// <param name="output">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Compress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        int done = Varint.Write((ulong)input.Length, output);
        for (int start = 0; start < input.Length; start += BlockSize)
        {
            ReadOnlySpan<byte> block = input[start..Math.Min(input.Length, start + BlockSize)];
            done = Block(block, output, done);
        }
        return done;
    }

    private int Block(ReadOnlySpan<byte> block, Span<byte> output, int done)
    {
        Array.Clear(_table);
        // The last place at which four bytes can be read, and where the literal at hand began.
        int last = block.Length - MinMatch, literal = 0;
        // Place 0 is what an empty slot says, so matching begins behind it.
        int at = 1, misses = 1 << PatienceBits;
        while (at <= last)
        {
            uint four = Four(block, at);
            ref ushort slot = ref _table[(four * 0x9E37_79B1u) >> (32 - TableBits)];
            int before = slot;
            slot = (ushort)at;
            if (Four(block, before) != four)
            {
                at += misses++ >> PatienceBits;
                continue;
            }
            int length = MinMatch + Same(block, before + MinMatch, at + MinMatch);
            done = Literal(block[literal..at], output, done);
            done = Copy(at - before, length, output, done);
            at += length;
            literal = at;
            misses = 1 << PatienceBits;
            if (at <= last)
            {
                // The last place of the match is as good a start as any of the skipped ones.
                _table[(Four(block, at - 1) * 0x9E37_79B1u) >> (32 - TableBits)] =
                    (ushort)(at - 1);
            }
        }
        return Literal(block[literal..], output, done);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Four(ReadOnlySpan<byte> block, int at) =>
        BinaryPrimitives.ReadUInt32LittleEndian(block.Slice(at, MinMatch));

    /// <summary>How many bytes from two places on are the same.</summary>
    private static int Same(ReadOnlySpan<byte> block, int before, int at)
    {
        int length = 0;
        while (at + length + sizeof(ulong) <= block.Length)
        {
            ulong difference = MemoryMarshal.Read<ulong>(block[(before + length)..])
                ^ MemoryMarshal.Read<ulong>(block[(at + length)..]);
            if (difference != 0)
            {
                return length + (BitOperations.TrailingZeroCount(
                    BitConverter.IsLittleEndian ? difference
                        : BinaryPrimitives.ReverseEndianness(difference)) / 8);
            }
            length += sizeof(ulong);
        }
        while (at + length < block.Length && block[before + length] == block[at + length])
        {
            length++;
        }
        return length;
    }

    /// <summary>Lengths up to 60 stand in the tag, those of a block in two bytes at most.</summary>
    private static int Literal(ReadOnlySpan<byte> bytes, Span<byte> output, int done)
    {
        if (bytes.IsEmpty)
        {
            return done;
        }
        int length = bytes.Length - 1;
        if (length < 60)
        {
            output[done++] = (byte)(length << 2);
        }
        else if (length < 256)
        {
            output[done++] = 60 << 2;
            output[done++] = (byte)length;
        }
        else
        {
            output[done++] = 61 << 2;
            output[done++] = (byte)length;
            output[done++] = (byte)(length >> 8);
        }
        bytes.CopyTo(output[done..]);
        return done + bytes.Length;
    }

    private static int Copy(int distance, int length, Span<byte> output, int done)
    {
        while (length > 0)
        {
            // What is left behind a full copy must not be shorter than a short copy can say.
            int now = length <= MaxCopy ? length
                : length < MaxCopy + MinMatch ? MaxCopy - MinMatch : MaxCopy;
            if (now is >= MinMatch and <= ShortCopy && distance < ShortDistance)
            {
                output[done++] = (byte)(1 | ((now - MinMatch) << 2) | ((distance >> 8) << 5));
                output[done++] = (byte)distance;
            }
            else
            {
                output[done++] = (byte)(2 | ((now - 1) << 2));
                output[done++] = (byte)distance;
                output[done++] = (byte)(distance >> 8);
            }
            length -= now;
        }
        return done;
    }
}
