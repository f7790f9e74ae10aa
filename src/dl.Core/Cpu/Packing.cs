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
    /// <summary>Rows [row, row + rows) and depths [depth, depth + count) as panels of 12 rows.</summary>
    void Pack(float* panels, int batch, int row, int rows, int depth, int count);
}

/// <summary>The right operand, k x n.</summary>
internal unsafe interface IRight
{
    /// <summary>Depths [depth, depth + count), columns [column, column + columns), 32 a panel.</summary>
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
internal readonly unsafe struct RightMatrix(float* data, long step, int ld, bool transposed) : IRight
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* panels, int batch, int depth, int count, int column, int columns)
    {
        float* source = data + (batch * step);
        for (int j = 0; j < columns; j += MicroKernel.Columns, panels += count * MicroKernel.Columns)
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
    public static void Transpose(float* source, int ld, int used, int count, float* panel, int width)
    {
        float** rows = stackalloc float*[MicroKernel.Columns];
        for (int i = 0; i < MicroKernel.Columns; i++)
        {
            rows[i] = i < used ? source + ((long)i * ld) : Zeros;
        }
        Transpose(rows, count, panel, width);
    }

    /// <summary>
    /// panel[k][i] = rows[i][k] for k &lt; count. There are 16 pointers for a width of 12, 32 for 32.
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
    /// Transposes 16 x 16: pairs within 128 bits, pairs of pairs, then quarters of the vectors.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Square(float** rows, int from, int count, float* panel, int width)
    {
        V* q = stackalloc V[16];
        for (int i = 0; i < 16; i += 4)
        {
            V a, b, c, d;
            if (count == Lane.Count)
            {
                a = Vector512.Load(rows[i] + from);
                b = Vector512.Load(rows[i + 1] + from);
                c = Vector512.Load(rows[i + 2] + from);
                d = Vector512.Load(rows[i + 3] + from);
            }
            else
            {
                a = Lane.Load(rows[i] + from, count);
                b = Lane.Load(rows[i + 1] + from, count);
                c = Lane.Load(rows[i + 2] + from, count);
                d = Lane.Load(rows[i + 3] + from, count);
            }
            var ab = Avx512F.UnpackLow(a, b).AsDouble();
            var cd = Avx512F.UnpackLow(c, d).AsDouble();
            var ef = Avx512F.UnpackHigh(a, b).AsDouble();
            var gh = Avx512F.UnpackHigh(c, d).AsDouble();
            // q[4 * j + i / 4]: columns j, j + 4, j + 8, j + 12 of rows i to i + 3.
            q[i >> 2] = Avx512F.UnpackLow(ab, cd).AsSingle();
            q[4 + (i >> 2)] = Avx512F.UnpackHigh(ab, cd).AsSingle();
            q[8 + (i >> 2)] = Avx512F.UnpackLow(ef, gh).AsSingle();
            q[12 + (i >> 2)] = Avx512F.UnpackHigh(ef, gh).AsSingle();
        }
        V* t = stackalloc V[16];
        for (int j = 0; j < 4; j++)
        {
            V a = q[4 * j], b = q[(4 * j) + 1], c = q[(4 * j) + 2], d = q[(4 * j) + 3];
            V low = Avx512F.Shuffle4x128(a, b, 0x44), high = Avx512F.Shuffle4x128(c, d, 0x44);
            t[j] = Avx512F.Shuffle4x128(low, high, 0x88);
            t[j + 4] = Avx512F.Shuffle4x128(low, high, 0xDD);
            low = Avx512F.Shuffle4x128(a, b, 0xEE);
            high = Avx512F.Shuffle4x128(c, d, 0xEE);
            t[j + 8] = Avx512F.Shuffle4x128(low, high, 0x88);
            t[j + 12] = Avx512F.Shuffle4x128(low, high, 0xDD);
        }
        for (int k = 0; k < count; k++)
        {
            t[k].Store(panel + (k * width));
        }
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
