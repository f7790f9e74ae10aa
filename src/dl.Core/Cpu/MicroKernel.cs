// The innermost loops of every matrix product: a tile of c is kept in registers while k runs over
// packed panels, a as [k][12] and b as [k][32]. Each accumulator is a variable of its own, because
// an array would live in memory. 12 x 32 fills 24 of the 32 registers of AVX-512; 4 x 16 suits the
// 16 registers of AVX2, where the runtime splits each vector into two.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

internal static unsafe class MicroKernel
{
    /// <summary>Rows of a panel of a.</summary>
    public const int Rows = 12;

    /// <summary>Columns of a panel of b.</summary>
    public const int Columns = 32;

    private const int FewRows = 4;

    /// <summary>
    /// t = a b + bias, + t where <paramref name="add"/>: all of a 12 x 32 tile, or at least its
    /// first rows and columns.
    /// </summary>
    /// <param name="bias">32 values, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile(
        float* a, float* b, int k, float* bias, float* t, int ldt, bool add, int rows, int columns)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            for (int i = 0; i < rows; i += FewRows)
            {
                for (int j = 0; j < columns; j += Lane.Count)
                {
                    Tile4x16(a + i, b + j, k, bias == null ? null : bias + j,
                        t + ((long)i * ldt) + j, ldt, add);
                }
            }
        }
        else if (columns <= Lane.Count)
        {
            Tile12x16(a, b, k, bias, t, ldt, add);
        }
        else if (rows > 2 * FewRows)
        {
            Tile12x32(a, b, k, bias, t, ldt, add);
        }
        else
        {
            for (int i = 0; i < rows; i += FewRows)
            {
                Tile4x32(a + i, b, k, bias, t + ((long)i * ldt), ldt, add);
            }
        }
    }

    /// <summary>24 accumulators: the form for full tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12x32(
        float* a, float* b, int k, float* bias, float* t, int ldt, bool add)
    {
        V s0 = bias == null ? V.Zero : Vector512.Load(bias + 0);
        V s1 = bias == null ? V.Zero : Vector512.Load(bias + 16);
        V c0_0 = s0, c0_1 = s1;
        V c1_0 = s0, c1_1 = s1;
        V c2_0 = s0, c2_1 = s1;
        V c3_0 = s0, c3_1 = s1;
        V c4_0 = s0, c4_1 = s1;
        V c5_0 = s0, c5_1 = s1;
        V c6_0 = s0, c6_1 = s1;
        V c7_0 = s0, c7_1 = s1;
        V c8_0 = s0, c8_1 = s1;
        V c9_0 = s0, c9_1 = s1;
        V c10_0 = s0, c10_1 = s1;
        V c11_0 = s0, c11_1 = s1;
        Fetch(t, ldt);
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            V b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
            V x;
            x = Vector512.Create(a[0]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
            x = Vector512.Create(a[1]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
            x = Vector512.Create(a[2]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
            x = Vector512.Create(a[3]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
            x = Vector512.Create(a[4]);
            c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
            c4_1 = Vector512.FusedMultiplyAdd(x, b1, c4_1);
            x = Vector512.Create(a[5]);
            c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
            c5_1 = Vector512.FusedMultiplyAdd(x, b1, c5_1);
            x = Vector512.Create(a[6]);
            c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
            c6_1 = Vector512.FusedMultiplyAdd(x, b1, c6_1);
            x = Vector512.Create(a[7]);
            c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
            c7_1 = Vector512.FusedMultiplyAdd(x, b1, c7_1);
            x = Vector512.Create(a[8]);
            c8_0 = Vector512.FusedMultiplyAdd(x, b0, c8_0);
            c8_1 = Vector512.FusedMultiplyAdd(x, b1, c8_1);
            x = Vector512.Create(a[9]);
            c9_0 = Vector512.FusedMultiplyAdd(x, b0, c9_0);
            c9_1 = Vector512.FusedMultiplyAdd(x, b1, c9_1);
            x = Vector512.Create(a[10]);
            c10_0 = Vector512.FusedMultiplyAdd(x, b0, c10_0);
            c10_1 = Vector512.FusedMultiplyAdd(x, b1, c10_1);
            x = Vector512.Create(a[11]);
            c11_0 = Vector512.FusedMultiplyAdd(x, b0, c11_0);
            c11_1 = Vector512.FusedMultiplyAdd(x, b1, c11_1);
        }
        Put2(t, c0_0, c0_1, add);
        Put2(t + (1L * ldt), c1_0, c1_1, add);
        Put2(t + (2L * ldt), c2_0, c2_1, add);
        Put2(t + (3L * ldt), c3_0, c3_1, add);
        Put2(t + (4L * ldt), c4_0, c4_1, add);
        Put2(t + (5L * ldt), c5_0, c5_1, add);
        Put2(t + (6L * ldt), c6_0, c6_1, add);
        Put2(t + (7L * ldt), c7_0, c7_1, add);
        Put2(t + (8L * ldt), c8_0, c8_1, add);
        Put2(t + (9L * ldt), c9_0, c9_1, add);
        Put2(t + (10L * ldt), c10_0, c10_1, add);
        Put2(t + (11L * ldt), c11_0, c11_1, add);
    }

    /// <summary>For the last columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12x16(
        float* a, float* b, int k, float* bias, float* t, int ldt, bool add)
    {
        V s0 = bias == null ? V.Zero : Vector512.Load(bias + 0);
        V c0_0 = s0;
        V c1_0 = s0;
        V c2_0 = s0;
        V c3_0 = s0;
        V c4_0 = s0;
        V c5_0 = s0;
        V c6_0 = s0;
        V c7_0 = s0;
        V c8_0 = s0;
        V c9_0 = s0;
        V c10_0 = s0;
        V c11_0 = s0;
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            V b0 = Vector512.Load(b);
            V x;
            x = Vector512.Create(a[0]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            x = Vector512.Create(a[1]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            x = Vector512.Create(a[2]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            x = Vector512.Create(a[3]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            x = Vector512.Create(a[4]);
            c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
            x = Vector512.Create(a[5]);
            c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
            x = Vector512.Create(a[6]);
            c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
            x = Vector512.Create(a[7]);
            c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
            x = Vector512.Create(a[8]);
            c8_0 = Vector512.FusedMultiplyAdd(x, b0, c8_0);
            x = Vector512.Create(a[9]);
            c9_0 = Vector512.FusedMultiplyAdd(x, b0, c9_0);
            x = Vector512.Create(a[10]);
            c10_0 = Vector512.FusedMultiplyAdd(x, b0, c10_0);
            x = Vector512.Create(a[11]);
            c11_0 = Vector512.FusedMultiplyAdd(x, b0, c11_0);
        }
        Put1(t, c0_0, add);
        Put1(t + (1L * ldt), c1_0, add);
        Put1(t + (2L * ldt), c2_0, add);
        Put1(t + (3L * ldt), c3_0, add);
        Put1(t + (4L * ldt), c4_0, add);
        Put1(t + (5L * ldt), c5_0, add);
        Put1(t + (6L * ldt), c6_0, add);
        Put1(t + (7L * ldt), c7_0, add);
        Put1(t + (8L * ldt), c8_0, add);
        Put1(t + (9L * ldt), c9_0, add);
        Put1(t + (10L * ldt), c10_0, add);
        Put1(t + (11L * ldt), c11_0, add);
    }

    /// <summary>For the last rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x32(
        float* a, float* b, int k, float* bias, float* t, int ldt, bool add)
    {
        V s0 = bias == null ? V.Zero : Vector512.Load(bias + 0);
        V s1 = bias == null ? V.Zero : Vector512.Load(bias + 16);
        V c0_0 = s0, c0_1 = s1;
        V c1_0 = s0, c1_1 = s1;
        V c2_0 = s0, c2_1 = s1;
        V c3_0 = s0, c3_1 = s1;
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            V b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
            V x;
            x = Vector512.Create(a[0]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
            x = Vector512.Create(a[1]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
            x = Vector512.Create(a[2]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
            x = Vector512.Create(a[3]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
        }
        Put2(t, c0_0, c0_1, add);
        Put2(t + (1L * ldt), c1_0, c1_1, add);
        Put2(t + (2L * ldt), c2_0, c2_1, add);
        Put2(t + (3L * ldt), c3_0, c3_1, add);
    }

    /// <summary>8 registers of 256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x16(
        float* a, float* b, int k, float* bias, float* t, int ldt, bool add)
    {
        V s0 = bias == null ? V.Zero : Vector512.Load(bias + 0);
        V c0_0 = s0;
        V c1_0 = s0;
        V c2_0 = s0;
        V c3_0 = s0;
        for (; k > 0; k--, a += Rows, b += Columns)
        {
            V b0 = Vector512.Load(b);
            V x;
            x = Vector512.Create(a[0]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            x = Vector512.Create(a[1]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            x = Vector512.Create(a[2]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            x = Vector512.Create(a[3]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
        }
        Put1(t, c0_0, add);
        Put1(t + (1L * ldt), c1_0, add);
        Put1(t + (2L * ldt), c2_0, add);
        Put1(t + (3L * ldt), c3_0, add);
    }

    /// <summary>
    /// Brings in the lines of c while the tile is computed: its rows lie far apart, so the
    /// processor would wait for all of them at the end.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(float* t, int ldt)
    {
        if (Sse.IsSupported)
        {
            for (int i = 0; i < Rows; i++, t += ldt)
            {
                Sse.Prefetch0(t);
                Sse.Prefetch0(t + Lane.Count);
                // Rows need not start at a line.
                Sse.Prefetch0(t + Columns - 1);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put2(float* t, V first, V second, bool add)
    {
        Put1(t, first, add);
        Put1(t + Lane.Count, second, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put1(float* t, V value, bool add)
    {
        if (add)
        {
            value += Vector512.Load(t);
        }
        value.Store(t);
    }
}
