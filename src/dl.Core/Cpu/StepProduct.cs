// The product that every step of a recurrence repeats: a few rows that change times weights that do
// not. The weights are packed once, in blocks of k and panels of 32 columns. The rows are copied
// side by side: where they come from they are a multiple of a page apart, and would push each other
// out of the first cache. Eight of them times a panel fill 16 accumulators, which is enough to hide
// the latency of a multiplication and leaves no row over where a batch is cut in multiples of 8.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>z (rows x Padded) = a (rows x depth) b, b packed.</summary>
/// <param name="packed">Memory of <see cref="Floats"/> elements for b.</param>
[SkipLocalsInit]
internal readonly unsafe struct StepProduct(float* packed, int depth, int columns)
{
    private const int ManyRows = 8;

    private const int FewRows = 4;

    /// <summary>Columns of z: whole panels.</summary>
    public int Padded => Pad(columns, MicroKernel.Columns);

    /// <summary>Equal blocks of k; a panel of b and the rows share the first cache.</summary>
    private int Block
    {
        get
        {
            int blocks = Math.Max(1, (depth + CpuDevice.BlockDepth - 1) / CpuDevice.BlockDepth);
            return Pad((depth + blocks - 1) / blocks, 4);
        }
    }

    public static long Floats(int depth, int columns) =>
        (long)depth * Pad(columns, MicroKernel.Columns);

    /// <summary>Memory for the copies of that many rows.</summary>
    public static long RowFloats(int rows, int depth) => (long)Pad(rows, FewRows) * depth;

    /// <summary>Memory for z: whole tiles.</summary>
    public static long ResultFloats(int rows, int columns) =>
        (long)Pad(rows, FewRows) * Pad(columns, MicroKernel.Columns);

    public void Pack(RightMatrix b)
    {
        for (int at = 0; at < depth; at += Block)
        {
            b.Pack(packed + ((long)at * Padded), 0, at, Math.Min(Block, depth - at), 0, columns);
        }
    }

    /// <param name="rows">Where each row of a starts; <paramref name="count"/> of them.</param>
    /// <param name="copies">Memory of <see cref="RowFloats"/> elements.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(float** rows, int count, float* copies, float* z)
    {
        int high = Pad(count, FewRows), padded = Padded, block = Block;
        for (int r = 0; r < high; r++)
        {
            // Beyond the last row any will do: nobody reads what becomes of it.
            float* row = rows[Math.Min(r, count - 1)];
            new ReadOnlySpan<float>(row, depth)
                .CopyTo(new Span<float>(copies + ((long)r * depth), depth));
        }
        for (int at = 0; at < depth; at += block)
        {
            int deep = Math.Min(block, depth - at);
            float* b = packed + ((long)at * padded);
            for (int j = 0; j < columns; j += MicroKernel.Columns, b += deep * MicroKernel.Columns)
            {
                Panel(copies + at, high, b, deep, z + j, at > 0);
            }
        }
    }

    /// <summary>All rows times a panel of b.</summary>
    private void Panel(float* a, int rows, float* b, int deep, float* z, bool add)
    {
        int padded = Padded, r = 0;
        if (!Vector512.IsHardwareAccelerated)
        {
            for (; r < rows; r += FewRows, a += FewRows * depth, z += FewRows * padded)
            {
                Tile4x16(a, depth, b, deep, z, padded, add);
                Tile4x16(a, depth, b + Lane.Count, deep, z + Lane.Count, padded, add);
            }
            return;
        }
        for (; r <= rows - ManyRows; r += ManyRows, a += ManyRows * depth, z += ManyRows * padded)
        {
            Tile8x32(a, depth, b, deep, z, padded, add);
        }
        if (r < rows)
        {
            Tile4x32(a, depth, b, deep, z, padded, add);
        }
    }

    /// <summary>t (+)= 8 rows of a times a panel of b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x32(float* a, int lda, float* b, int k, float* t, int ldt, bool add)
    {
        float* a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda,
            a6 = a5 + lda, a7 = a6 + lda;
        V c0_0 = V.Zero, c0_1 = V.Zero;
        V c1_0 = V.Zero, c1_1 = V.Zero;
        V c2_0 = V.Zero, c2_1 = V.Zero;
        V c3_0 = V.Zero, c3_1 = V.Zero;
        V c4_0 = V.Zero, c4_1 = V.Zero;
        V c5_0 = V.Zero, c5_1 = V.Zero;
        V c6_0 = V.Zero, c6_1 = V.Zero;
        V c7_0 = V.Zero, c7_1 = V.Zero;
        for (int i = 0; i < k; i++, b += MicroKernel.Columns)
        {
            V b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lane.Count), x;
            x = Vector512.Create(a[i]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
            x = Vector512.Create(a1[i]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
            x = Vector512.Create(a2[i]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
            x = Vector512.Create(a3[i]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
            x = Vector512.Create(a4[i]);
            c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
            c4_1 = Vector512.FusedMultiplyAdd(x, b1, c4_1);
            x = Vector512.Create(a5[i]);
            c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
            c5_1 = Vector512.FusedMultiplyAdd(x, b1, c5_1);
            x = Vector512.Create(a6[i]);
            c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
            c6_1 = Vector512.FusedMultiplyAdd(x, b1, c6_1);
            x = Vector512.Create(a7[i]);
            c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
            c7_1 = Vector512.FusedMultiplyAdd(x, b1, c7_1);
        }
        Put(t, c0_0, c0_1, add);
        Put(t + ldt, c1_0, c1_1, add);
        Put(t + (2 * ldt), c2_0, c2_1, add);
        Put(t + (3 * ldt), c3_0, c3_1, add);
        Put(t + (4 * ldt), c4_0, c4_1, add);
        Put(t + (5 * ldt), c5_0, c5_1, add);
        Put(t + (6 * ldt), c6_0, c6_1, add);
        Put(t + (7 * ldt), c7_0, c7_1, add);
    }

    /// <summary>For the last rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x32(float* a, int lda, float* b, int k, float* t, int ldt, bool add)
    {
        float* a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda;
        V c0_0 = V.Zero, c0_1 = V.Zero;
        V c1_0 = V.Zero, c1_1 = V.Zero;
        V c2_0 = V.Zero, c2_1 = V.Zero;
        V c3_0 = V.Zero, c3_1 = V.Zero;
        for (int i = 0; i < k; i++, b += MicroKernel.Columns)
        {
            V b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lane.Count), x;
            x = Vector512.Create(a[i]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
            x = Vector512.Create(a1[i]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
            x = Vector512.Create(a2[i]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
            x = Vector512.Create(a3[i]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
        }
        Put(t, c0_0, c0_1, add);
        Put(t + ldt, c1_0, c1_1, add);
        Put(t + (2 * ldt), c2_0, c2_1, add);
        Put(t + (3 * ldt), c3_0, c3_1, add);
    }

    /// <summary>Half a panel: 8 registers of 256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x16(float* a, int lda, float* b, int k, float* t, int ldt, bool add)
    {
        float* a1 = a + lda, a2 = a1 + lda, a3 = a2 + lda;
        V c0_0 = V.Zero;
        V c1_0 = V.Zero;
        V c2_0 = V.Zero;
        V c3_0 = V.Zero;
        for (int i = 0; i < k; i++, b += MicroKernel.Columns)
        {
            V b0 = Vector512.Load(b), x;
            x = Vector512.Create(a[i]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            x = Vector512.Create(a1[i]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            x = Vector512.Create(a2[i]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            x = Vector512.Create(a3[i]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
        }
        Put(t, c0_0, add);
        Put(t + ldt, c1_0, add);
        Put(t + (2 * ldt), c2_0, add);
        Put(t + (3 * ldt), c3_0, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* t, V first, V second, bool add)
    {
        Put(t, first, add);
        Put(t + Lane.Count, second, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* t, V value, bool add) =>
        (add ? value + Vector512.Load(t) : value).Store(t);

    private static int Pad(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
