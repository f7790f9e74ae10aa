// Damages inputs the way disks, networks and adversaries do: bits, bytes and words with values at
// the edges of their types, ends cut off, parts doubled, removed, swapped with another input's.
// Everything follows from the generator that is handed in.
using System.Buffers.Binary;

namespace Dl.Tests.Fuzzing;

internal static class Mutator
{
    private const int MaxLength = 1 << 16;

    private static readonly byte[] Bytes = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];

    private static readonly uint[] Words =
        [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
            0xFFFFFFFE, 0xFFFFFFFF];

    /// <param name="seeds">Good inputs of one format.</param>
    /// <param name="tokens">Pieces of text that mean something in it; may be empty.</param>
    public static byte[] Mutate(
        IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> tokens, Random random)
    {
        byte[] input = (byte[])seeds[random.Next(seeds.Count)].Clone();
        // Mostly one or two changes: more of them hide each other.
        for (int left = 1 + (int)Math.Abs(random.NextDouble() * random.NextDouble() * 6);
            left > 0; left--)
        {
            input = Once(input, seeds, tokens, random);
        }
        return input.Length > MaxLength ? input[..MaxLength] : input;
    }

    private static byte[] Once(
        byte[] input, IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> tokens, Random random)
    {
        if (input.Length == 0)
        {
            return (byte[])seeds[random.Next(seeds.Count)].Clone();
        }
        // Half of the changes fall where headers are.
        int reach = random.Next(2) == 0 ? input.Length : Math.Min(input.Length, 64);
        int at = random.Next(reach);
        int length = Math.Min(input.Length - at, 1 << random.Next(8));
        // Text is changed as text more often: a damaged brace hides all that stands behind it.
        switch (random.Next(tokens.Count > 0 ? 14 : 9))
        {
            case 0:
                input[at] ^= (byte)(1 << random.Next(8));
                return input;
            case 1:
                input[at] = Bytes[random.Next(Bytes.Length)];
                return input;
            case 2:
                input[at] = (byte)random.Next(256);
                return input;
            case 3:
                return Word(input, at, random);
            case 4:
                return input[..at];
            case 5:
                return [.. input[..at], .. input[(at + length)..]];
            case 6:
                return [.. input[..(at + length)], .. input[at..]];
            case 7:
                byte[] other = seeds[random.Next(seeds.Count)];
                return [.. input[..at], .. other[random.Next(other.Length)..]];
            case 8 or 12 or 13:
                return Number(input, at, random);
            default:
                byte[] token = tokens[random.Next(tokens.Count)];
                int over = random.Next(2) == 0 ? 0 : Math.Min(length, token.Length);
                return [.. input[..at], .. token, .. input[(at + over)..]];
        }
    }

    /// <summary>
    /// A word of 2 or 4 bytes: an edge value, a length near the input's own, or a small change of
    /// what is there, which makes lengths lie by a little.
    /// </summary>
    private static byte[] Word(byte[] input, int at, Random random)
    {
        int size = random.Next(3) == 0 ? 2 : 4;
        if (at + size > input.Length)
        {
            return input;
        }
        Span<byte> place = input.AsSpan(at, size);
        bool little = random.Next(2) == 0;
        uint old = (size, little) switch
        {
            (2, true) => BinaryPrimitives.ReadUInt16LittleEndian(place),
            (2, false) => BinaryPrimitives.ReadUInt16BigEndian(place),
            (_, true) => BinaryPrimitives.ReadUInt32LittleEndian(place),
            _ => BinaryPrimitives.ReadUInt32BigEndian(place),
        };
        uint value = random.Next(4) switch
        {
            0 => (uint)(input.Length + random.Next(-8, 9)),
            1 => (uint)(old + random.Next(-4, 5)),
            _ => Words[random.Next(Words.Length)],
        };
        for (int i = 0; i < size; i++)
        {
            place[little ? i : size - 1 - i] = (byte)(value >> (8 * i));
        }
        return input;
    }

    /// <summary>The next number that is written in digits becomes another one.</summary>
    private static byte[] Number(byte[] input, int at, Random random)
    {
        int start = at;
        while (start < input.Length && !char.IsAsciiDigit((char)input[start]))
        {
            start++;
        }
        int end = start;
        while (end < input.Length && char.IsAsciiDigit((char)input[end]))
        {
            end++;
        }
        string[] numbers =
            ["0", "-1", "1", "65536", "2147483647", "2147483648", "4294967295",
                "9223372036854775807", "99999999999999999999", "1e309", "-0.5", "16777216"];
        return start == end ? input
            : [.. input[..start], .. Text(numbers[random.Next(numbers.Length)]), .. input[end..]];
    }

    private static byte[] Text(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
