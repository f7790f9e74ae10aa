// Where fields end: the places of delimiters and line ends, found 64 bytes at a time and handed out
// one by one (the way of Langdale and Lemire 2019, "Parsing gigabytes of JSON per second").
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dl.Data.Formats.Delimited;

/// <summary>Walks over the separators of a text.</summary>
/// <param name="bytes">The text, and <see cref="Slack"/> bytes of anything behind it.</param>
/// <param name="length">Bytes of the text.</param>
/// <param name="delimiter">Divides fields; `\n` and `\r` divide rows.</param>
internal ref struct Separators(ReadOnlySpan<byte> bytes, int length, byte delimiter)
{
    /// <summary>Bytes that are looked at together.</summary>
    public const int Slack = 64;

    private readonly ref readonly byte _bytes = ref MemoryMarshal.GetReference(bytes);
    private readonly int _length = Math.Min(length, bytes.Length - Slack);
    private readonly Vector256<byte> _delimiter = Vector256.Create(delimiter);

    /// <summary>A bit for each separator among the 64 bytes from the base that is still to come.
    /// </summary>
    private ulong _found;
    private int _base = -Slack;

    /// <summary>The next separator will be the first one from here on.</summary>
    public void Seek(int at)
    {
        _base = at;
        _found = at < _length ? Find(at) : 0;
    }

    /// <summary>The next separator's place; the length of the text where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next()
    {
        while (_found == 0)
        {
            if (_base >= _length - Slack)
            {
                return _length;
            }
            _base += Slack;
            _found = Find(_base);
        }
        int at = _base + BitOperations.TrailingZeroCount(_found);
        _found &= _found - 1;
        return at;
    }

    private readonly ulong Find(int at)
    {
        ulong found = Find32(at) | ((ulong)Find32(at + 32) << 32);
        int left = _length - at;
        return left >= Slack ? found : found & ((1UL << left) - 1);
    }

    private readonly uint Find32(int at)
    {
        Vector256<byte> some = Vector256.LoadUnsafe(in _bytes, (nuint)at);
        return (Vector256.Equals(some, _delimiter)
            | Vector256.Equals(some, Vector256.Create((byte)'\n'))
            | Vector256.Equals(some, Vector256.Create((byte)'\r'))).ExtractMostSignificantBits();
    }
}
