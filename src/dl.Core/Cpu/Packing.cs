// Packing: the operands of a product are laid into panels in the order in which the micro-kernel
// reads them, a as [k][12] and b as [k][32], filled up with zeros. An operand is whatever can be
// packed: a matrix, its transpose, or (CpuDevice's convolution) the patches of an image.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>The left operand, m x k.</summary>
internal unsafe interface ILeft
{
    /// <summary>Rows [row, row + rows), depths [depth, depth + count), 12 rows a panel.</summary>
    void Pack(float* panels, int batch, int row, int rows, int depth, int count);
}

/// <summary>The right operand, k x n.</summary>
internal unsafe interface IRight
{
    /// <summary>Depths [depth, depth + count) of as many columns, 32 a panel.</summary>
    void Pack(float* panels, int batch, int depth, int count, int column, int columns);
}

/// <summary>A matrix m x k, or one that lies as k x m.</summary>
internal readonly unsafe struct LeftMatrix(float* data, long step, int ld, bool transposed) : ILeft
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* panels, int batch, int row, int rows, int depth, int count)
    {
        float* source = data + (batch * step);
        for (int i = 0; i < rows; i += MicroKernel.Rows, panels += count * MicroKernel.Rows)
        {
            int height = Math.Min(MicroKernel.Rows, rows - i);
            if (transposed)
            {
                Panel.Copy(source + ((long)depth * ld) + row + i, ld, height, count,
                    panels, MicroKernel.Rows);
            }
            else
            {
                Panel.Transpose(source + ((long)(row + i) * ld) + depth, ld, height, count,
                    panels, MicroKernel.Rows);
            }
        }
    }
}

/// <summary>A matrix k x n, or one that lies as n x k.</summary>
internal readonly unsafe struct RightMatrix(
    float* data, long step, int ld, bool transposed) : IRight
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* panels, int batch, int depth, int count, int column, int columns)
    {
        float* source = data + (batch * step);
        int size = count * MicroKernel.Columns;
        for (int j = 0; j < columns; j += MicroKernel.Columns, panels += size)
        {
            int width = Math.Min(MicroKernel.Columns, columns - j);
            if (transposed)
            {
                Panel.Transpose(source + ((long)(column + j) * ld) + depth, ld, width, count,
                    panels, MicroKernel.Columns);
            }
            else
            {
                Panel.Copy(source + ((long)depth * ld) + column + j, ld, width, count,
                    panels, MicroKernel.Columns);
            }
        }
    }
}

/// <summary>Moves into one panel.</summary>
[SkipLocalsInit]
internal static unsafe class Panel
{
    /// <summary>Floats by which a panel of 12 may be overrun while it is written.</summary>
    public const int Slack = Lane.Count;

    /// <summary>
    /// Rows that are fetched in advance: they are far apart, so the processor cannot foresee them.
    /// </summary>
    private const long Ahead = 12;

    /// <summary>A row of zeros for whatever lies outside, as long as a block is deep.</summary>
    public static float* Zeros { get; } = (float*)NativeMemory.AllocZeroed(
        CpuDevice.BlockDepth + Lane.Count, sizeof(float));

    /// <summary>panel[k][i] = source[k * ld + i] for i &lt; used, 0 up to width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, int ld, int used, int count, float* panel, int width)
    {
        if (used == MicroKernel.Columns)
        {
            for (int k = 0; k < count; k++, source += ld, panel += MicroKernel.Columns)
            {
                Prefetch(source + (Ahead * ld));
                Prefetch(source + (Ahead * ld) + Lane.Count);
                Vector512.Load(source).Store(panel);
                Vector512.Load(source + Lane.Count).Store(panel + Lane.Count);
            }
        }
        else if (used == MicroKernel.Rows && width == MicroKernel.Rows)
        {
            for (int k = 0; k < count; k++, source += ld, panel += MicroKernel.Rows)
            {
                Prefetch(source + (Ahead * ld));
                Vector256.Load(source).Store(panel);
                Vector128.Load(source + 8).Store(panel + 8);
            }
        }
        else if (width == MicroKernel.Columns)
        {
            for (int k = 0; k < count; k++, source += ld, panel += MicroKernel.Columns)
            {
                Lane.Load(source, used).Store(panel);
                Lane.Load(source + Lane.Count, Math.Max(0, used - Lane.Count))
                    .Store(panel + Lane.Count);
            }
        }
        else
        {
            for (int k = 0; k < count; k++, source += ld, panel += width)
            {
                Lane.Store(panel, Lane.Load(source, used), width);
            }
        }
    }

    /// <summary>panel[k][i] = source[i * ld + k] for i &lt; used, 0 up to width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(
        float* source, int ld, int used, int count, float* panel, int width)
    {
        float** rows = stackalloc float*[MicroKernel.Columns];
        for (int i = 0; i < MicroKernel.Columns; i++)
        {
            rows[i] = i < used ? source + ((long)i * ld) : Zeros;
        }
        Transpose(rows, count, panel, width);
    }

    /// <summary>
    /// panel[k][i] = rows[i][k] for k &lt; count; 16 pointers for a width of 12, 32 for 32.
    /// A width of 12 overruns the panel by up to <see cref="Slack"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float** rows, int count, float* panel, int width)
    {
        for (int i = 0; i < width; i += Lane.Count)
        {
            for (int k = 0; k < count; k += Lane.Count)
            {
                float* target = panel + ((long)k * width) + i;
                if (Avx512F.IsSupported)
                {
                    Square(rows + i, k, Math.Min(Lane.Count, count - k), target, width);
                }
                else
                {
                    Plain(rows + i, k, Math.Min(Lane.Count, count - k), target, width,
                        Math.Min(Lane.Count, width - i));
                }
            }
        }
    }

    private static void Plain(
        float** rows, int from, int count, float* panel, int width, int used)
    {
        for (int i = 0; i < used; i++)
        {
            float* row = rows[i] + from;
            for (int k = 0; k < count; k++)
            {
                panel[(k * width) + i] = row[k];
            }
        }
    }

    /// <summary>
    /// Transposes 16 x 16 in registers: pairs within 128 bits, pairs of pairs, then quarters of the
    /// vectors. q[j]_[i]: columns j, j + 4, j + 8, j + 12 of rows 4 i to 4 i + 3.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Square(float** rows, int from, int count, float* panel, int width)
    {
        if (count < Lane.Count)
        {
            Rest(rows, from, count, panel, width);
            return;
        }
        V q0_3 = V.Zero, q1_3 = V.Zero, q2_3 = V.Zero, q3_3 = V.Zero;
        Four(rows, from, out V q0_0, out V q1_0, out V q2_0, out V q3_0);
        Four(rows + 4, from, out V q0_1, out V q1_1, out V q2_1, out V q3_1);
        Four(rows + 8, from, out V q0_2, out V q1_2, out V q2_2, out V q3_2);
        if (width != MicroKernel.Rows)
        {
            Four(rows + 12, from, out q0_3, out q1_3, out q2_3, out q3_3);
        }
        Quarters(q0_0, q0_1, q0_2, q0_3,
            out V t0, out V t4, out V t8, out V t12);
        Quarters(q1_0, q1_1, q1_2, q1_3,
            out V t1, out V t5, out V t9, out V t13);
        Quarters(q2_0, q2_1, q2_2, q2_3,
            out V t2, out V t6, out V t10, out V t14);
        Quarters(q3_0, q3_1, q3_2, q3_3,
            out V t3, out V t7, out V t11, out V t15);
        // In this order: a column of 12 overruns the next, which is then written.
        t0.Store(panel);
        t1.Store(panel + (1 * width));
        t2.Store(panel + (2 * width));
        t3.Store(panel + (3 * width));
        t4.Store(panel + (4 * width));
        t5.Store(panel + (5 * width));
        t6.Store(panel + (6 * width));
        t7.Store(panel + (7 * width));
        t8.Store(panel + (8 * width));
        t9.Store(panel + (9 * width));
        t10.Store(panel + (10 * width));
        t11.Store(panel + (11 * width));
        t12.Store(panel + (12 * width));
        t13.Store(panel + (13 * width));
        t14.Store(panel + (14 * width));
        t15.Store(panel + (15 * width));
    }

    /// <summary>Fewer than 16 columns, by way of memory.</summary>
    private static void Rest(float** rows, int from, int count, float* panel, int width)
    {
        float* square = stackalloc float[16 * Lane.Count];
        float** copies = stackalloc float*[Lane.Count];
        for (int i = 0; i < Lane.Count; i++)
        {
            copies[i] = square + (i * Lane.Count);
            Lane.Load(rows[i] + from, count).Store(copies[i]);
        }
        float* turned = stackalloc float[16 * Lane.Count];
        Square(copies, 0, Lane.Count, turned, Lane.Count);
        for (int k = 0; k < count; k++)
        {
            Vector512.Load(turned + (k * Lane.Count)).Store(panel + (k * width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(float** rows, int from, out V q0, out V q1, out V q2, out V q3)
    {
        V a = Vector512.Load(rows[0] + from), b = Vector512.Load(rows[1] + from);
        V c = Vector512.Load(rows[2] + from), d = Vector512.Load(rows[3] + from);
        var low = Avx512F.UnpackLow(a, b).AsDouble();
        var low2 = Avx512F.UnpackLow(c, d).AsDouble();
        var high = Avx512F.UnpackHigh(a, b).AsDouble();
        var high2 = Avx512F.UnpackHigh(c, d).AsDouble();
        q0 = Avx512F.UnpackLow(low, low2).AsSingle();
        q1 = Avx512F.UnpackHigh(low, low2).AsSingle();
        q2 = Avx512F.UnpackLow(high, high2).AsSingle();
        q3 = Avx512F.UnpackHigh(high, high2).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(
        V a, V b, V c, V d, out V t0, out V t4, out V t8, out V t12)
    {
        V low = Avx512F.Shuffle4x128(a, b, 0x44), high = Avx512F.Shuffle4x128(c, d, 0x44);
        t0 = Avx512F.Shuffle4x128(low, high, 0x88);
        t4 = Avx512F.Shuffle4x128(low, high, 0xDD);
        low = Avx512F.Shuffle4x128(a, b, 0xEE);
        high = Avx512F.Shuffle4x128(c, d, 0xEE);
        t8 = Avx512F.Shuffle4x128(low, high, 0x88);
        t12 = Avx512F.Shuffle4x128(low, high, 0xDD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* p)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(p);
        }
    }
}
