// Loads and stores of fewer than 16 floats, for the ends of rows: never a byte beyond them.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

internal static unsafe class Lane
{
    public const int Count = 16;

    /// <summary>The first <paramref name="count"/> of 0 to 16 floats, 0 in the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* p, int count) => Load(p, count, V.Zero);

    /// <summary>As <see cref="Load(float*, int)"/> with the others taken from rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* p, int count, V rest)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.MaskLoad(p, Mask(count), rest);
        }
        return count >= Count ? Vector512.Load(p) : LoadSlow(p, count, rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, V value, int count)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(p, Mask(count), value);
        }
        else if (count >= Count)
        {
            value.Store(p);
        }
        else
        {
            StoreSlow(p, value, count);
        }
    }

    /// <summary>All bits set in the first <paramref name="count"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Mask(int count) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    private static V LoadSlow(float* p, int count, V rest)
    {
        float* buffer = stackalloc float[Count];
        rest.Store(buffer);
        for (int i = 0; i < count; i++)
        {
            buffer[i] = p[i];
        }
        return Vector512.Load(buffer);
    }

    private static void StoreSlow(float* p, V value, int count)
    {
        float* buffer = stackalloc float[Count];
        value.Store(buffer);
        for (int i = 0; i < count; i++)
        {
            p[i] = buffer[i];
        }
    }
}
