// The innermost loops of Winograd's convolution. Data lie in transformed tiles as lines of 16
// channels, so rows of a product need no packing: a panel of 12 tiles is [depth / 16][12][16], and
// a row's elements are reached by a constant distance. For the gradient of the weights, depth is
// the tile, and both operands are rows of channels.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

internal static unsafe class WinogradKernel
{
    /// <summary>Tiles of a panel.</summary>
    public const int Tiles = 12;

    /// <summary>Filters of a panel of transformed weights.</summary>
    public const int Filters = 32;

    /// <summary>Channels of the left operand in the gradient of the weights.</summary>
    public const int Channels = 8;

    private const int PanelLine = Tiles * Lane.Count;

    /// <summary>m = a b for the first <paramref name="rows"/> of 12 tiles, or some more.</summary>
    /// <param name="a">A panel, [lines][12][16].</param>
    /// <param name="b">[16 lines][32].</param>
    /// <param name="m">12 rows of 32.</param>
    public static void Multiply(float* a, float* b, int lines, float* m, int rows, int columns)
    {
        if (columns <= Lane.Count)
        {
            Tile12x16(a, b, lines, m);
        }
        else if (rows <= 4)
        {
            Tile4x32(a, b, lines, m);
        }
        else if (rows <= 8)
        {
            Tile4x32(a, b, lines, m);
            Tile4x32(a + (4 * Lane.Count), b, lines, m + (4 * Filters));
        }
        else
        {
            Tile12x32(a, b, lines, m);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12x32(float* a, float* b, int lines, float* m)
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
        for (; lines > 0; lines--, a += PanelLine)
        {
            for (float* p = a; p < a + Lane.Count; p++, b += Filters)
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
        c0_0.Store(m + 0);
        c0_1.Store(m + 16);
        c1_0.Store(m + 32);
        c1_1.Store(m + 48);
        c2_0.Store(m + 64);
        c2_1.Store(m + 80);
        c3_0.Store(m + 96);
        c3_1.Store(m + 112);
        c4_0.Store(m + 128);
        c4_1.Store(m + 144);
        c5_0.Store(m + 160);
        c5_1.Store(m + 176);
        c6_0.Store(m + 192);
        c6_1.Store(m + 208);
        c7_0.Store(m + 224);
        c7_1.Store(m + 240);
        c8_0.Store(m + 256);
        c8_1.Store(m + 272);
        c9_0.Store(m + 288);
        c9_1.Store(m + 304);
        c10_0.Store(m + 320);
        c10_1.Store(m + 336);
        c11_0.Store(m + 352);
        c11_1.Store(m + 368);
    }

    /// <summary>For the last 16 filters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12x16(float* a, float* b, int lines, float* m)
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
        for (; lines > 0; lines--, a += PanelLine)
        {
            for (float* p = a; p < a + Lane.Count; p++, b += Filters)
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
        c0_0.Store(m + 0);
        c1_0.Store(m + 32);
        c2_0.Store(m + 64);
        c3_0.Store(m + 96);
        c4_0.Store(m + 128);
        c5_0.Store(m + 160);
        c6_0.Store(m + 192);
        c7_0.Store(m + 224);
        c8_0.Store(m + 256);
        c9_0.Store(m + 288);
        c10_0.Store(m + 320);
        c11_0.Store(m + 352);
    }

    /// <summary>For the last tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x32(float* a, float* b, int lines, float* m)
    {
        V c0_0 = V.Zero, c0_1 = V.Zero;
        V c1_0 = V.Zero, c1_1 = V.Zero;
        V c2_0 = V.Zero, c2_1 = V.Zero;
        V c3_0 = V.Zero, c3_1 = V.Zero;
        for (; lines > 0; lines--, a += PanelLine)
        {
            for (float* p = a; p < a + Lane.Count; p++, b += Filters)
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
        c0_0.Store(m + 0);
        c0_1.Store(m + 16);
        c1_0.Store(m + 32);
        c1_1.Store(m + 48);
        c2_0.Store(m + 64);
        c2_1.Store(m + 80);
        c3_0.Store(m + 96);
        c3_1.Store(m + 112);
    }

    /// <summary>m = a^T b, + m where add: 8 columns of a by 32 of b.</summary>
    /// <param name="m">8 rows of <paramref name="ldb"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOuter(
        float* a, int lda, float* b, int ldb, int rows, float* m, bool add)
    {
        V c0_0 = add ? Vector512.Load(m + (0 * ldb)) : V.Zero;
        V c0_1 = add ? Vector512.Load(m + (0 * ldb) + 16) : V.Zero;
        V c1_0 = add ? Vector512.Load(m + (1 * ldb)) : V.Zero;
        V c1_1 = add ? Vector512.Load(m + (1 * ldb) + 16) : V.Zero;
        V c2_0 = add ? Vector512.Load(m + (2 * ldb)) : V.Zero;
        V c2_1 = add ? Vector512.Load(m + (2 * ldb) + 16) : V.Zero;
        V c3_0 = add ? Vector512.Load(m + (3 * ldb)) : V.Zero;
        V c3_1 = add ? Vector512.Load(m + (3 * ldb) + 16) : V.Zero;
        V c4_0 = add ? Vector512.Load(m + (4 * ldb)) : V.Zero;
        V c4_1 = add ? Vector512.Load(m + (4 * ldb) + 16) : V.Zero;
        V c5_0 = add ? Vector512.Load(m + (5 * ldb)) : V.Zero;
        V c5_1 = add ? Vector512.Load(m + (5 * ldb) + 16) : V.Zero;
        V c6_0 = add ? Vector512.Load(m + (6 * ldb)) : V.Zero;
        V c6_1 = add ? Vector512.Load(m + (6 * ldb) + 16) : V.Zero;
        V c7_0 = add ? Vector512.Load(m + (7 * ldb)) : V.Zero;
        V c7_1 = add ? Vector512.Load(m + (7 * ldb) + 16) : V.Zero;
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
        c0_0.Store(m + (0 * ldb));
        c0_1.Store(m + (0 * ldb) + 16);
        c1_0.Store(m + (1 * ldb));
        c1_1.Store(m + (1 * ldb) + 16);
        c2_0.Store(m + (2 * ldb));
        c2_1.Store(m + (2 * ldb) + 16);
        c3_0.Store(m + (3 * ldb));
        c3_1.Store(m + (3 * ldb) + 16);
        c4_0.Store(m + (4 * ldb));
        c4_1.Store(m + (4 * ldb) + 16);
        c5_0.Store(m + (5 * ldb));
        c5_1.Store(m + (5 * ldb) + 16);
        c6_0.Store(m + (6 * ldb));
        c6_1.Store(m + (6 * ldb) + 16);
        c7_0.Store(m + (7 * ldb));
        c7_1.Store(m + (7 * ldb) + 16);
    }

    /// <summary>m = a^T b, + m where add: 8 columns of a by 16 of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOuterNarrow(
        float* a, int lda, float* b, int ldb, int rows, float* m, bool add)
    {
        V c0_0 = add ? Vector512.Load(m + (0 * ldb)) : V.Zero;
        V c1_0 = add ? Vector512.Load(m + (1 * ldb)) : V.Zero;
        V c2_0 = add ? Vector512.Load(m + (2 * ldb)) : V.Zero;
        V c3_0 = add ? Vector512.Load(m + (3 * ldb)) : V.Zero;
        V c4_0 = add ? Vector512.Load(m + (4 * ldb)) : V.Zero;
        V c5_0 = add ? Vector512.Load(m + (5 * ldb)) : V.Zero;
        V c6_0 = add ? Vector512.Load(m + (6 * ldb)) : V.Zero;
        V c7_0 = add ? Vector512.Load(m + (7 * ldb)) : V.Zero;
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
        c0_0.Store(m + (0 * ldb));
        c1_0.Store(m + (1 * ldb));
        c2_0.Store(m + (2 * ldb));
        c3_0.Store(m + (3 * ldb));
        c4_0.Store(m + (4 * ldb));
        c5_0.Store(m + (5 * ldb));
        c6_0.Store(m + (6 * ldb));
        c7_0.Store(m + (7 * ldb));
    }
}
