// The innermost loops over lines of 16 channels or taps: a row of the left operand is [line][16],
// so rows need no packing, and those of a tile are reached by constant distances. For gradients
// of weights, the sum runs over rows, and both operands are rows of channels.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

internal static unsafe class LineKernel
{
    /// <summary>Rows of a tile of c.</summary>
    public const int Rows = 12;

    /// <summary>Columns of a tile of c, and of a panel of b.</summary>
    public const int Columns = 32;

    /// <summary>Rows of c that <see cref="AddOuter"/> computes.</summary>
    public const int OuterRows = 8;

    /// <summary>
    /// c = a b, + c where add, for the first <paramref name="rows"/> of 12 or some more, and 32
    /// columns or 16.
    /// </summary>
    /// <param name="a">12 rows of 16, the next line of them <paramref name="step"/> on.</param>
    /// <param name="b">[16 lines][32].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(
        float* a, long step, float* b, int lines, float* c, int ldc, bool add, int rows,
        int columns)
    {
        if (columns <= Lane.Count)
        {
            Tile12x16(a, step, b, lines, c, ldc, add);
        }
        else if (rows <= 4)
        {
            Tile4x32(a, step, b, lines, c, ldc, add);
        }
        else if (rows <= 8)
        {
            Tile4x32(a, step, b, lines, c, ldc, add);
            Tile4x32(a + (4 * Lane.Count), step, b, lines, c + (4L * ldc), ldc, add);
        }
        else
        {
            Tile12x32(a, step, b, lines, c, ldc, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12x32(
        float* a, long step, float* b, int lines, float* c, int ldc, bool add)
    {
        V c0_0 = V.Zero, c0_1 = V.Zero;
        V c1_0 = V.Zero, c1_1 = V.Zero;
        V c2_0 = V.Zero, c2_1 = V.Zero;
        V c3_0 = V.Zero, c3_1 = V.Zero;
        V c4_0 = V.Zero, c4_1 = V.Zero;
        V c5_0 = V.Zero, c5_1 = V.Zero;
        V c6_0 = V.Zero, c6_1 = V.Zero;
        V c7_0 = V.Zero, c7_1 = V.Zero;
        V c8_0 = V.Zero, c8_1 = V.Zero;
        V c9_0 = V.Zero, c9_1 = V.Zero;
        V c10_0 = V.Zero, c10_1 = V.Zero;
        V c11_0 = V.Zero, c11_1 = V.Zero;
        for (; lines > 0; lines--, a += step)
        {
            for (float* p = a; p < a + Lane.Count; p++, b += Columns)
            {
                V b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
                V x;
                x = Vector512.Create(p[0]);
                c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
                c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
                x = Vector512.Create(p[16]);
                c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
                c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
                x = Vector512.Create(p[32]);
                c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
                c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
                x = Vector512.Create(p[48]);
                c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
                c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
                x = Vector512.Create(p[64]);
                c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
                c4_1 = Vector512.FusedMultiplyAdd(x, b1, c4_1);
                x = Vector512.Create(p[80]);
                c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
                c5_1 = Vector512.FusedMultiplyAdd(x, b1, c5_1);
                x = Vector512.Create(p[96]);
                c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
                c6_1 = Vector512.FusedMultiplyAdd(x, b1, c6_1);
                x = Vector512.Create(p[112]);
                c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
                c7_1 = Vector512.FusedMultiplyAdd(x, b1, c7_1);
                x = Vector512.Create(p[128]);
                c8_0 = Vector512.FusedMultiplyAdd(x, b0, c8_0);
                c8_1 = Vector512.FusedMultiplyAdd(x, b1, c8_1);
                x = Vector512.Create(p[144]);
                c9_0 = Vector512.FusedMultiplyAdd(x, b0, c9_0);
                c9_1 = Vector512.FusedMultiplyAdd(x, b1, c9_1);
                x = Vector512.Create(p[160]);
                c10_0 = Vector512.FusedMultiplyAdd(x, b0, c10_0);
                c10_1 = Vector512.FusedMultiplyAdd(x, b1, c10_1);
                x = Vector512.Create(p[176]);
                c11_0 = Vector512.FusedMultiplyAdd(x, b0, c11_0);
                c11_1 = Vector512.FusedMultiplyAdd(x, b1, c11_1);
            }
        }
        Put(c, c0_0, add);
        Put(c + 16, c0_1, add);
        Put(c + (1L * ldc), c1_0, add);
        Put(c + (1L * ldc) + 16, c1_1, add);
        Put(c + (2L * ldc), c2_0, add);
        Put(c + (2L * ldc) + 16, c2_1, add);
        Put(c + (3L * ldc), c3_0, add);
        Put(c + (3L * ldc) + 16, c3_1, add);
        Put(c + (4L * ldc), c4_0, add);
        Put(c + (4L * ldc) + 16, c4_1, add);
        Put(c + (5L * ldc), c5_0, add);
        Put(c + (5L * ldc) + 16, c5_1, add);
        Put(c + (6L * ldc), c6_0, add);
        Put(c + (6L * ldc) + 16, c6_1, add);
        Put(c + (7L * ldc), c7_0, add);
        Put(c + (7L * ldc) + 16, c7_1, add);
        Put(c + (8L * ldc), c8_0, add);
        Put(c + (8L * ldc) + 16, c8_1, add);
        Put(c + (9L * ldc), c9_0, add);
        Put(c + (9L * ldc) + 16, c9_1, add);
        Put(c + (10L * ldc), c10_0, add);
        Put(c + (10L * ldc) + 16, c10_1, add);
        Put(c + (11L * ldc), c11_0, add);
        Put(c + (11L * ldc) + 16, c11_1, add);
    }

    /// <summary>For the last 16 filters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12x16(
        float* a, long step, float* b, int lines, float* c, int ldc, bool add)
    {
        V c0_0 = V.Zero;
        V c1_0 = V.Zero;
        V c2_0 = V.Zero;
        V c3_0 = V.Zero;
        V c4_0 = V.Zero;
        V c5_0 = V.Zero;
        V c6_0 = V.Zero;
        V c7_0 = V.Zero;
        V c8_0 = V.Zero;
        V c9_0 = V.Zero;
        V c10_0 = V.Zero;
        V c11_0 = V.Zero;
        for (; lines > 0; lines--, a += step)
        {
            for (float* p = a; p < a + Lane.Count; p++, b += Columns)
            {
                V b0 = Vector512.Load(b);
                V x;
                x = Vector512.Create(p[0]);
                c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
                x = Vector512.Create(p[16]);
                c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
                x = Vector512.Create(p[32]);
                c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
                x = Vector512.Create(p[48]);
                c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
                x = Vector512.Create(p[64]);
                c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
                x = Vector512.Create(p[80]);
                c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
                x = Vector512.Create(p[96]);
                c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
                x = Vector512.Create(p[112]);
                c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
                x = Vector512.Create(p[128]);
                c8_0 = Vector512.FusedMultiplyAdd(x, b0, c8_0);
                x = Vector512.Create(p[144]);
                c9_0 = Vector512.FusedMultiplyAdd(x, b0, c9_0);
                x = Vector512.Create(p[160]);
                c10_0 = Vector512.FusedMultiplyAdd(x, b0, c10_0);
                x = Vector512.Create(p[176]);
                c11_0 = Vector512.FusedMultiplyAdd(x, b0, c11_0);
            }
        }
        Put(c, c0_0, add);
        Put(c + (1L * ldc), c1_0, add);
        Put(c + (2L * ldc), c2_0, add);
        Put(c + (3L * ldc), c3_0, add);
        Put(c + (4L * ldc), c4_0, add);
        Put(c + (5L * ldc), c5_0, add);
        Put(c + (6L * ldc), c6_0, add);
        Put(c + (7L * ldc), c7_0, add);
        Put(c + (8L * ldc), c8_0, add);
        Put(c + (9L * ldc), c9_0, add);
        Put(c + (10L * ldc), c10_0, add);
        Put(c + (11L * ldc), c11_0, add);
    }

    /// <summary>For the last tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x32(
        float* a, long step, float* b, int lines, float* c, int ldc, bool add)
    {
        V c0_0 = V.Zero, c0_1 = V.Zero;
        V c1_0 = V.Zero, c1_1 = V.Zero;
        V c2_0 = V.Zero, c2_1 = V.Zero;
        V c3_0 = V.Zero, c3_1 = V.Zero;
        for (; lines > 0; lines--, a += step)
        {
            for (float* p = a; p < a + Lane.Count; p++, b += Columns)
            {
                V b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
                V x;
                x = Vector512.Create(p[0]);
                c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
                c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
                x = Vector512.Create(p[16]);
                c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
                c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
                x = Vector512.Create(p[32]);
                c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
                c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
                x = Vector512.Create(p[48]);
                c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
                c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
            }
        }
        Put(c, c0_0, add);
        Put(c + 16, c0_1, add);
        Put(c + (1L * ldc), c1_0, add);
        Put(c + (1L * ldc) + 16, c1_1, add);
        Put(c + (2L * ldc), c2_0, add);
        Put(c + (2L * ldc) + 16, c2_1, add);
        Put(c + (3L * ldc), c3_0, add);
        Put(c + (3L * ldc) + 16, c3_1, add);
    }

    /// <summary>c = a^T b, + c where add: 8 columns of a by 32 of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOuter(
        float* a, int lda, float* b, int ldb, int rows, float* c, int ldc, bool add)
    {
        V c0_0 = add ? Vector512.Load(c + (0 * ldc)) : V.Zero;
        V c0_1 = add ? Vector512.Load(c + (0 * ldc) + 16) : V.Zero;
        V c1_0 = add ? Vector512.Load(c + (1 * ldc)) : V.Zero;
        V c1_1 = add ? Vector512.Load(c + (1 * ldc) + 16) : V.Zero;
        V c2_0 = add ? Vector512.Load(c + (2 * ldc)) : V.Zero;
        V c2_1 = add ? Vector512.Load(c + (2 * ldc) + 16) : V.Zero;
        V c3_0 = add ? Vector512.Load(c + (3 * ldc)) : V.Zero;
        V c3_1 = add ? Vector512.Load(c + (3 * ldc) + 16) : V.Zero;
        V c4_0 = add ? Vector512.Load(c + (4 * ldc)) : V.Zero;
        V c4_1 = add ? Vector512.Load(c + (4 * ldc) + 16) : V.Zero;
        V c5_0 = add ? Vector512.Load(c + (5 * ldc)) : V.Zero;
        V c5_1 = add ? Vector512.Load(c + (5 * ldc) + 16) : V.Zero;
        V c6_0 = add ? Vector512.Load(c + (6 * ldc)) : V.Zero;
        V c6_1 = add ? Vector512.Load(c + (6 * ldc) + 16) : V.Zero;
        V c7_0 = add ? Vector512.Load(c + (7 * ldc)) : V.Zero;
        V c7_1 = add ? Vector512.Load(c + (7 * ldc) + 16) : V.Zero;
        for (; rows > 0; rows--, a += lda, b += ldb)
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
        }
        c0_0.Store(c + (0 * ldc));
        c0_1.Store(c + (0 * ldc) + 16);
        c1_0.Store(c + (1 * ldc));
        c1_1.Store(c + (1 * ldc) + 16);
        c2_0.Store(c + (2 * ldc));
        c2_1.Store(c + (2 * ldc) + 16);
        c3_0.Store(c + (3 * ldc));
        c3_1.Store(c + (3 * ldc) + 16);
        c4_0.Store(c + (4 * ldc));
        c4_1.Store(c + (4 * ldc) + 16);
        c5_0.Store(c + (5 * ldc));
        c5_1.Store(c + (5 * ldc) + 16);
        c6_0.Store(c + (6 * ldc));
        c6_1.Store(c + (6 * ldc) + 16);
        c7_0.Store(c + (7 * ldc));
        c7_1.Store(c + (7 * ldc) + 16);
    }

    /// <summary>c = a^T b, + c where add: 8 columns of a by 16 of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOuterNarrow(
        float* a, int lda, float* b, int ldb, int rows, float* c, int ldc, bool add)
    {
        V c0_0 = add ? Vector512.Load(c + (0 * ldc)) : V.Zero;
        V c1_0 = add ? Vector512.Load(c + (1 * ldc)) : V.Zero;
        V c2_0 = add ? Vector512.Load(c + (2 * ldc)) : V.Zero;
        V c3_0 = add ? Vector512.Load(c + (3 * ldc)) : V.Zero;
        V c4_0 = add ? Vector512.Load(c + (4 * ldc)) : V.Zero;
        V c5_0 = add ? Vector512.Load(c + (5 * ldc)) : V.Zero;
        V c6_0 = add ? Vector512.Load(c + (6 * ldc)) : V.Zero;
        V c7_0 = add ? Vector512.Load(c + (7 * ldc)) : V.Zero;
        for (; rows > 0; rows--, a += lda, b += ldb)
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
        }
        c0_0.Store(c + (0 * ldc));
        c1_0.Store(c + (1 * ldc));
        c2_0.Store(c + (2 * ldc));
        c3_0.Store(c + (3 * ldc));
        c4_0.Store(c + (4 * ldc));
        c5_0.Store(c + (5 * ldc));
        c6_0.Store(c + (6 * ldc));
        c7_0.Store(c + (7 * ldc));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, V value, bool add)
    {
        if (add)
        {
            value += Vector512.Load(c);
        }
        value.Store(c);
    }
}
