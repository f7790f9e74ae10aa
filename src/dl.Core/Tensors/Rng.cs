// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). The i-th number of a stream is a pure function of (seed, stream, i), so every
// device draws the same numbers and a resumed run needs no saved generator state.
using System.Runtime.CompilerServices;

namespace Dl.Tensors;

/// <summary>
/// A position in a random stream. Passed explicitly; there is no global generator.
/// </summary>
public sealed class Rng(ulong seed, ulong stream = 0, ulong position = 0)
{
    private uint _b0, _b1, _b2, _b3;
    private ulong _block = ulong.MaxValue;

    public ulong Seed { get; } = seed;

    /// <summary>
    /// Separate purposes (weights, shuffling, dropout) draw from separate streams.
    /// </summary>
    public ulong Stream { get; } = stream;

    /// <summary>Index of the next 32-bit number.</summary>
    public ulong Position { get; set; } = position;

    /// <summary>An independent generator for a named purpose.</summary>
    public Rng Fork(ulong stream) => new(Seed, Mix(Stream, stream));

    /// <summary>
    /// Takes <paramref name="count"/> numbers out of the stream for a device to draw.
    /// </summary>
    /// <returns>The key with which <see cref="Block"/> is to be called, aligned to blocks of
    /// four.</returns>
    public RngSpan Reserve(long count)
    {
        ulong start = (Position + 3) / 4;
        Position = checked((start * 4) + (ulong)count);
        return new RngSpan(Seed, Stream, start);
    }

    public uint NextUInt()
    {
        ulong block = Position >> 2;
        if (block != _block)
        {
            (_b0, _b1, _b2, _b3) = Block(Seed, Stream, block);
            _block = block;
        }
        uint value = (Position & 3) switch { 0 => _b0, 1 => _b1, 2 => _b2, _ => _b3 };
        Position++;
        return value;
    }

    /// <summary>Uniform in [0, 1) with 24 bits.</summary>
    public float NextFloat() => ToUniform(NextUInt());

    /// <summary>
    /// Uniform in [0, bound), without modulo bias (Lemire's multiplication with rejection).
    /// </summary>
    public int NextInt(int bound)
    {
        uint range = (uint)bound;
        uint threshold = (uint)(-(int)range) % range;
        while (true)
        {
            ulong product = (ulong)NextUInt() * range;
            if ((uint)product >= threshold)
            {
                return (int)(product >> 32);
            }
        }
    }

    /// <summary>Standard normal (Box-Muller, one of the pair).</summary>
    public float NextNormal()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1.0 - NextFloat()));
        return (float)(radius * Math.Cos(2 * Math.PI * NextFloat()));
    }

    /// <summary>Fisher-Yates.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    public static float ToUniform(uint bits) => (bits >> 8) * (1f / (1 << 24));

    /// <summary>The four numbers of one block: key = seed, counter = (block, stream).</summary>
    public static (uint, uint, uint, uint) Block(ulong seed, ulong stream, ulong block)
    {
        uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
        uint c0 = (uint)block, c1 = (uint)(block >> 32);
        uint c2 = (uint)stream, c3 = (uint)(stream >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)0xD2511F53 * c0;
            ulong p1 = (ulong)0xCD9E8D57 * c2;
            (c0, c1, c2, c3) =
                ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return (c0, c1, c2, c3);
    }

    /// <summary>SplitMix64's finaliser over both words.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Mix(ulong a, ulong b)
    {
        ulong z = (a * 0x9E3779B97F4A7C15) + b + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>
/// A reserved run of a stream: element i is word i%4 of block <c>FirstBlock + i/4</c>.
/// </summary>
public readonly record struct RngSpan(ulong Seed, ulong Stream, ulong FirstBlock);
