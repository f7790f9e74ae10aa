// The checksum of a model file, kept in its own header: `"checksum":"crc32c:1234abcd"` as the first
// key of `__metadata__`. It is over every byte of the file with its eight digits read as zeros, so
// damage anywhere shows, in a weight as in a label. Files of older versions have none, nor have
// those of other programs; they load as before. It guards against damage, not against forgery.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Dl.Files;

internal static class Seal
{
    /// <summary>The key in the header's `__metadata__`.</summary>
    public const string Key = "checksum";

    private const string Kind = "crc32c:";
    private const int Digits = 8;

    /// <summary>Bytes checked at a time; spans count in ints.</summary>
    private const int Run = 1 << 28;

    private static readonly byte[] Zeros = Encoding.ASCII.GetBytes(new string('0', Digits));

    /// <summary>What stands in the header until the checksum is known.</summary>
    public static string Blank { get; } = Kind + new string('0', Digits);

    /// <summary>Writes the checksum into a header that holds <see cref="Blank"/>.</summary>
    /// <param name="tensors">What will be written behind it; they are asked twice.</param>
    public static void Put(Span<byte> header, IReadOnlyList<TensorSource> tensors)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        using var sum = new Sum();
        sum.Write(length);
        sum.Write(header);
        foreach (var tensor in tensors)
        {
            tensor.Write(sum);
        }
        string value = $"\"{Key}\":\"{Kind}";
        // It is the first key: no text that comes from elsewhere stands before it.
        int at = header.IndexOf(Encoding.ASCII.GetBytes(value)) + value.Length;
        Encoding.ASCII.GetBytes(Text(sum.Value), header.Slice(at, Digits));
    }

    /// <summary>Holds a file to the checksum that its header states.</summary>
    /// <param name="stated">The value of <see cref="Key"/>.</param>
    /// <param name="at">Where it stands as text, behind its quote, from the start of the file.
    /// </param>
    /// <exception cref="DataException">It is of another content, or no checksum.</exception>
    public static unsafe void Check(byte* file, long length, string stated, long at, string path)
    {
        bool known = stated.Length == Kind.Length + Digits
            && stated.StartsWith(Kind, StringComparison.Ordinal)
            && Matches(new ReadOnlySpan<byte>(file + at, stated.Length), stated)
            && uint.TryParse(
                stated.AsSpan(Kind.Length), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out _);
        if (!known)
        {
            throw new DataException(
                $"{path}: states the checksum '{stated}', expected {Kind} and {Digits} digits; "
                + "it is damaged or of a newer dl");
        }
        long digits = at + Kind.Length;
        uint sum = Crc32c.Append(Of(0, file, digits), Zeros);
        sum = Of(sum, file + digits + Digits, length - digits - Digits);
        // As text: a digit that became its other case was damaged, too.
        if (stated.AsSpan(Kind.Length) is var found && !found.SequenceEqual(Text(sum)))
        {
            throw new DataException(
                $"{path}: its checksum is {found}, its bytes give {Text(sum)}: it was damaged or "
                + "changed after dl wrote it; copy it again or train again (a program that changes "
                + $"model files on purpose has to leave '{Key}' out of __metadata__)");
        }
    }

    /// <summary>Without escapes, so that its digits lie where they seem to.</summary>
    private static bool Matches(ReadOnlySpan<byte> raw, string stated) =>
        Encoding.UTF8.GetString(raw) == stated;

    private static unsafe uint Of(uint sum, byte* from, long length)
    {
        for (long done = 0; done < length; done += Run)
        {
            int run = (int)Math.Min(Run, length - done);
            sum = Crc32c.Append(sum, new ReadOnlySpan<byte>(from + done, run));
        }
        return sum;
    }

    private static string Text(uint sum) => sum.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>Sums up what is written to it.</summary>
    private sealed class Sum : MemoryStream
    {
        public uint Value { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer) =>
            Value = Crc32c.Append(Value, buffer);

        public override void Write(byte[] buffer, int offset, int count) =>
            Write(buffer.AsSpan(offset, count));

        public override void WriteByte(byte value) => Write([value]);
    }
}
