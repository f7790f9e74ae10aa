// Strings in a dictionary that is asked with UTF-8: both sides are hashed as UTF-8, so a text is
// found without a string being made of it.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Dl.Data.Tables;

/// <summary>Ordinal equality; for keys that are valid UTF-16, asked with valid UTF-8.</summary>
internal sealed class Utf8Comparer
    : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<byte>, string>
{
    private const int OnStack = 256;
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    public static readonly Utf8Comparer Instance = new();

    /// <summary>Another one in each run: no file can hold texts that collide on purpose.</summary>
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64();

    public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

    public bool Equals(ReadOnlySpan<byte> alternate, string other)
    {
        // A character takes one byte where it is ASCII, and more where it is not.
        if (alternate.Length <= other.Length)
        {
            return alternate.Length == other.Length && Ascii.Equals(alternate, other);
        }
        Span<char> chars = alternate.Length <= OnStack
            ? stackalloc char[OnStack]
            : new char[alternate.Length];
        int count = Encoding.UTF8.GetChars(alternate, chars);
        return chars[..count].SequenceEqual(other);
    }

    public string Create(ReadOnlySpan<byte> alternate) => Encoding.UTF8.GetString(alternate);

    public int GetHashCode(string obj)
    {
        int most = Encoding.UTF8.GetMaxByteCount(obj.Length);
        Span<byte> bytes = most <= OnStack ? stackalloc byte[OnStack] : new byte[most];
        int count = Encoding.UTF8.GetBytes(obj, bytes);
        return GetHashCode(bytes[..count]);
    }

    /// <summary>Products of 64 bits folded together, eight bytes at a time.</summary>
    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        ulong hash = _seed + (ulong)alternate.Length;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(alternate))
        {
            hash = Mix(hash ^ word);
        }
        hash = Mix(hash ^ Tail(alternate[(alternate.Length & ~7)..]));
        return (int)(hash ^ (hash >> 32));
    }

    /// <summary>Up to seven bytes as one number.</summary>
    private static ulong Tail(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 4)
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(bytes)
                | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) << 32);
        }
        return bytes.IsEmpty
            ? 0
            : bytes[0] | ((ulong)bytes[bytes.Length / 2] << 8) | ((ulong)bytes[^1] << 16);
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, Multiplier, out ulong low);
        return high ^ low;
    }
}
