// LZ4 blocks (lz4/lz4, lz4_Block_format.md): a token with the lengths of a literal and a copy, each
// going on in bytes of 255, the literal, and an offset of two bytes. And Parquet's first use of
// LZ4, which meant Hadoop's frames to some writers and a bare block to others.
using System.Buffers.Binary;

namespace Dl.Data.Formats.Parquet;

/// <summary>Decompresses LZ4.</summary>
internal static class Lz4
{
    /// <returns>Bytes written; the caller knows how many there should be.</returns>
    public static int Decompress(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        int position = 0, done = 0;
        while (position < bytes.Length)
        {
            int token = bytes[position++];
            long literal = Length(bytes, ref position, token >> 4);
            if (literal > bytes.Length - position || literal > output.Length - done)
            {
                throw new InvalidDataException($"a literal of {literal} bytes does not fit");
            }
            bytes.Slice(position, (int)literal).CopyTo(output[done..]);
            position += (int)literal;
            done += (int)literal;
            if (position == bytes.Length)
            {
                // The last sequence is a literal alone.
                break;
            }
            if (bytes.Length - position < 2)
            {
                throw new InvalidDataException("LZ4 data are cut off");
            }
            int offset = BinaryPrimitives.ReadUInt16LittleEndian(bytes[position..]);
            position += 2;
            long count = Length(bytes, ref position, token & 15) + 4;
            BackReference.Copy(output, ref done, offset, count);
        }
        return done;
    }

    /// <summary>Hadoop's frames (two big-endian sizes before each block), or a block.</summary>
    public static int DecompressEither(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        try
        {
            int framed = DecompressFrames(bytes, output);
            if (framed == output.Length)
            {
                return framed;
            }
        }
        catch (InvalidDataException)
        {
            // Not frames then: nothing in the data says which of the two they are.
        }
        return Decompress(bytes, output);
    }

    private static int DecompressFrames(ReadOnlySpan<byte> bytes, Span<byte> output)
    {
        int position = 0, done = 0;
        while (bytes.Length - position >= 8)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]);
            uint compressed = BinaryPrimitives.ReadUInt32BigEndian(bytes[(position + 4)..]);
            position += 8;
            if (size > output.Length - done || compressed > bytes.Length - position)
            {
                throw new InvalidDataException("LZ4 frames larger than the page");
            }
            int written = Decompress(
                bytes.Slice(position, (int)compressed), output.Slice(done, (int)size));
            position += (int)compressed;
            done += written;
        }
        return position == bytes.Length ? done : -1;
    }

    private static long Length(ReadOnlySpan<byte> bytes, ref int position, int start)
    {
        long length = start;
        int more = start == 15 ? 255 : 0;
        while (more == 255)
        {
            if (position >= bytes.Length)
            {
                throw new InvalidDataException("LZ4 data are cut off");
            }
            more = bytes[position++];
            length += more;
        }
        return length;
    }
}
