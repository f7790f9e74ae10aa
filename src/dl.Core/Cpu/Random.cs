// Philox4x32-10 (Tensors/Rng.cs) eight blocks at a time: 32-bit words in 64-bit lanes, so that one
// multiplication gives both halves of a product. The numbers are bit for bit Rng.Block's.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Dl.Tensors;
using U = System.Runtime.Intrinsics.Vector512<ulong>;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void FillUniform(Storage y, int n, float low, float high, RngSpan span) =>
        SplitDraws(n, new UniformRange(Floats(y), n, low, high, span));

    public override void FillNormal(
        Storage y, int n, float mean, float deviation, RngSpan span) =>
        SplitDraws(n, new NormalRange(Floats(y), n, mean, deviation, span));

    public override void Dropout(
        Storage x, Storage y, int n, float rate, RngSpan span, float beta) =>
        SplitDraws(n, new DropoutRange(Floats(x), Floats(y), n, rate, span, beta));

    /// <summary>Cuts between groups of <see cref="Philox.Words"/> numbers.</summary>
    private void SplitDraws<T>(int n, T range)
        where T : struct, IRange =>
        SplitRows((int)(((long)n + Philox.Words - 1) / Philox.Words), 4 * Philox.Words, range);

    /// <summary>
    /// kept[i] = number 32 row + i of the span survives ? 1 / (1 - rate) : 0, for i &lt; 32.
    /// </summary>
    internal static void Keep(float* kept, RngSpan span, long row, float rate)
    {
        uint* words = stackalloc uint[Philox.Words];
        Philox.Draw(words, span with { FirstBlock = span.FirstBlock + ((ulong)row * 8) }, 0);
        V limit = Vector512.Create(rate), scale = Vector512.Create(1 / (1 - rate));
        for (int i = 0; i < Philox.Words; i += Lane.Count)
        {
            V keep = Vector512.GreaterThanOrEqual(Philox.Uniform(words + i), limit);
            (scale & keep).Store(kept + i);
        }
    }

    private readonly struct UniformRange(float* y, int n, float low, float high, RngSpan span)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            uint* words = stackalloc uint[Philox.Words];
            V start = Vector512.Create(low), width = Vector512.Create(high - low);
            for (int group = from; group < to; group++)
            {
                int at = group * Philox.Words;
                Philox.Draw(words, span, group);
                for (int i = 0; i < Philox.Words && at + i < n; i += Lane.Count)
                {
                    V value = start + (width * Philox.Uniform(words + i));
                    Lane.Store(y + at + i, value, Math.Min(Lane.Count, n - at - i));
                }
            }
        }
    }

    private readonly struct NormalRange(float* y, int n, float mean, float deviation, RngSpan span)
        : IRange
    {
        public void Run(int from, int to)
        {
            uint* words = stackalloc uint[Philox.Words];
            for (int group = from; group < to; group++)
            {
                int at = group * Philox.Words;
                Philox.Draw(words, span, group);
                for (int i = 0; i < Philox.Words && at + i < n; i += 2)
                {
                    double radius = Math.Sqrt(-2 * Math.Log(1.0 - Rng.ToUniform(words[i])));
                    var (sin, cos) = Math.SinCos(2 * Math.PI * Rng.ToUniform(words[i + 1]));
                    y[at + i] = (float)(mean + (deviation * radius * cos));
                    if (at + i + 1 < n)
                    {
                        y[at + i + 1] = (float)(mean + (deviation * radius * sin));
                    }
                }
            }
        }
    }

    private readonly struct DropoutRange(
        float* x, float* y, int n, float rate, RngSpan span, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            uint* words = stackalloc uint[Philox.Words];
            V limit = Vector512.Create(rate), kept = Vector512.Create(1 - rate);
            V old = Vector512.Create(beta);
            for (int group = from; group < to; group++)
            {
                int at = group * Philox.Words;
                Philox.Draw(words, span, group);
                for (int i = 0; i < Philox.Words && at + i < n; i += Lane.Count)
                {
                    int count = Math.Min(Lane.Count, n - at - i);
                    V keep = Vector512.GreaterThanOrEqual(Philox.Uniform(words + i), limit);
                    V value = Vector512.ConditionalSelect(
                        keep, Lane.Load(x + at + i, count) / kept, V.Zero);
                    value = beta == 0 ? value : value + (old * Lane.Load(y + at + i, count));
                    Lane.Store(y + at + i, value, count);
                }
            }
        }
    }

    private static class Philox
    {
        /// <summary>Numbers drawn at a time.</summary>
        public const int Words = 32;

        /// <summary>Numbers [32 * group, 32 * group + 32) of a span.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Draw(uint* words, RngSpan span, int group)
        {
            U low = Vector512.Create(0xFFFFFFFFUL);
            U block = Vector512.Create(span.FirstBlock + ((ulong)group * 8)) + U.Indices;
            U c0 = block & low, c1 = block >>> 32;
            U c2 = Vector512.Create(span.Stream & 0xFFFFFFFF);
            U c3 = Vector512.Create(span.Stream >> 32);
            uint k0 = (uint)span.Seed, k1 = (uint)(span.Seed >> 32);
            for (int round = 0; round < 10; round++)
            {
                U p0 = Product(c0, 0xD2511F53);
                U p1 = Product(c2, 0xCD9E8D57);
                c0 = (p1 >>> 32) ^ c1 ^ Vector512.Create((ulong)k0);
                c2 = (p0 >>> 32) ^ c3 ^ Vector512.Create((ulong)k1);
                c1 = p1 & low;
                c3 = p0 & low;
                k0 += 0x9E3779B9;
                k1 += 0xBB67AE85;
            }
            ulong* first = stackalloc ulong[16];
            (c0 | (c1 << 32)).Store(first);
            (c2 | (c3 << 32)).Store(first + 8);
            for (int i = 0; i < 8; i++)
            {
                ((ulong*)words)[2 * i] = first[i];
                ((ulong*)words)[(2 * i) + 1] = first[i + 8];
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Uniform(uint* words) => Vector512.ConvertToSingle(
            Vector512.ShiftRightLogical(Vector512.Load(words), 8).AsInt32())
            * Vector512.Create(1f / (1 << 24));

        /// <summary>64-bit products of 32-bit numbers in 64-bit lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static U Product(U a, uint b) => Avx512F.IsSupported
            ? Avx512F.Multiply(a.AsUInt32(), Vector512.Create((ulong)b).AsUInt32())
            : a * Vector512.Create((ulong)b);
    }
}
