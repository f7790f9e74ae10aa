// Products of small operands that lie in rows, as the steps of a recurrence and tiles of attention
// have them: nothing is packed, because that would take as long as the product. The left operand is
// read one number at a time and may lie either way round, the right one is read in vectors. 8 x 32
// fills 16 accumulators, enough to hide the latency of a multiplication.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>A left operand: number i of row r is at[r * row + i * depth].</summary>
internal readonly unsafe struct LeftRows(float* at, int row, int depth)
{
    public readonly float* At = at;

    /// <summary>From one number of a row to the next.</summary>
    public readonly int Depth = depth;

    private readonly int _row = row;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Row(int r) => At + ((nint)r * _row);

    public LeftRows From(int r) => new(Row(r), _row, Depth);
}

[SkipLocalsInit]
internal static unsafe class RowProduct
{
    public const int Rows = 8;

    private const int Columns = 2 * Lane.Count;

    /// <summary>t (m x n) = a (m x k) b (k x n), + t where <paramref name="add"/>.</summary>
    /// <param name="n">A multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(
        in LeftRows a, float* b, int ldb, float* t, int ldt, int m, int n, int k, bool add)
    {
        Debug.Assert(n % Lane.Count == 0, "whole vectors");
        float* rest = stackalloc float[Rows * Columns];
        for (int j = 0; j < n; j += Columns)
        {
            int columns = Math.Min(Columns, n - j);
            int i = 0;
            for (; i <= m - Rows; i += Rows)
            {
                Tile(a.From(i), b + j, ldb, k, t + ((nint)i * ldt) + j, ldt, Rows, columns, add);
            }
            if (i < m)
            {
                Tile(a.From(i), b + j, ldb, k, rest, Columns, m - i, columns, false);
                Copy(rest, t + ((nint)i * ldt) + j, ldt, m - i, columns, add);
            }
        }
    }

    /// <summary>Eight rows; those beyond the last repeat it.</summary>
    private static void Tile(
        in LeftRows a, float* b, int ldb, int k, float* t, int ldt, int rows, int columns,
        bool add)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            for (int j = 0; j < columns; j += Lane.Count)
            {
                Tile4x16(a, b + j, ldb, k, t + j, ldt, rows, add);
                Tile4x16(a.From(Math.Min(4, rows - 1)), b + j, ldb, k, t + (4 * ldt) + j, ldt,
                    Math.Max(1, rows - 4), add);
            }
        }
        else if (columns <= Lane.Count)
        {
            Tile8x16(a, b, ldb, k, t, ldt, rows, add);
        }
        else
        {
            Tile8x32(a, b, ldb, k, t, ldt, rows, add);
        }
    }

    private static void Copy(float* from, float* t, int ldt, int rows, int columns, bool add)
    {
        for (int i = 0; i < rows; i++, from += Columns, t += ldt)
        {
            for (int j = 0; j < columns; j += Lane.Count)
            {
                Put(t + j, Vector512.Load(from + j), add);
            }
        }
    }

    /// <summary>The form for full tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x32(
        in LeftRows a, float* b, int ldb, int k, float* t, int ldt, int rows, bool add)
    {
        int last = rows - 1, step = a.Depth;
        float* a0 = a.At, a1 = a.Row(Math.Min(1, last)), a2 = a.Row(Math.Min(2, last)),
            a3 = a.Row(Math.Min(3, last)), a4 = a.Row(Math.Min(4, last)),
            a5 = a.Row(Math.Min(5, last)), a6 = a.Row(Math.Min(6, last)),
            a7 = a.Row(Math.Min(7, last));
        V c0_0 = V.Zero, c0_1 = V.Zero;
        V c1_0 = V.Zero, c1_1 = V.Zero;
        V c2_0 = V.Zero, c2_1 = V.Zero;
        V c3_0 = V.Zero, c3_1 = V.Zero;
        V c4_0 = V.Zero, c4_1 = V.Zero;
        V c5_0 = V.Zero, c5_1 = V.Zero;
        V c6_0 = V.Zero, c6_1 = V.Zero;
        V c7_0 = V.Zero, c7_1 = V.Zero;
        nint at = 0;
        for (; k > 0; k--, b += ldb, at += step)
        {
            V b0 = Vector512.Load(b), b1 = Vector512.Load(b + Lane.Count), x;
            x = Vector512.Create(a0[at]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            c0_1 = Vector512.FusedMultiplyAdd(x, b1, c0_1);
            x = Vector512.Create(a1[at]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            c1_1 = Vector512.FusedMultiplyAdd(x, b1, c1_1);
            x = Vector512.Create(a2[at]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            c2_1 = Vector512.FusedMultiplyAdd(x, b1, c2_1);
            x = Vector512.Create(a3[at]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            c3_1 = Vector512.FusedMultiplyAdd(x, b1, c3_1);
            x = Vector512.Create(a4[at]);
            c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
            c4_1 = Vector512.FusedMultiplyAdd(x, b1, c4_1);
            x = Vector512.Create(a5[at]);
            c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
            c5_1 = Vector512.FusedMultiplyAdd(x, b1, c5_1);
            x = Vector512.Create(a6[at]);
            c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
            c6_1 = Vector512.FusedMultiplyAdd(x, b1, c6_1);
            x = Vector512.Create(a7[at]);
            c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
            c7_1 = Vector512.FusedMultiplyAdd(x, b1, c7_1);
        }
        Put(t, c0_0, c0_1, add);
        Put(t += ldt, c1_0, c1_1, add);
        Put(t += ldt, c2_0, c2_1, add);
        Put(t += ldt, c3_0, c3_1, add);
        Put(t += ldt, c4_0, c4_1, add);
        Put(t += ldt, c5_0, c5_1, add);
        Put(t += ldt, c6_0, c6_1, add);
        Put(t += ldt, c7_0, c7_1, add);
    }

    /// <summary>For the last columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x16(
        in LeftRows a, float* b, int ldb, int k, float* t, int ldt, int rows, bool add)
    {
        int last = rows - 1, step = a.Depth;
        float* a0 = a.At, a1 = a.Row(Math.Min(1, last)), a2 = a.Row(Math.Min(2, last)),
            a3 = a.Row(Math.Min(3, last)), a4 = a.Row(Math.Min(4, last)),
            a5 = a.Row(Math.Min(5, last)), a6 = a.Row(Math.Min(6, last)),
            a7 = a.Row(Math.Min(7, last));
        V c0_0 = V.Zero;
        V c1_0 = V.Zero;
        V c2_0 = V.Zero;
        V c3_0 = V.Zero;
        V c4_0 = V.Zero;
        V c5_0 = V.Zero;
        V c6_0 = V.Zero;
        V c7_0 = V.Zero;
        nint at = 0;
        for (; k > 0; k--, b += ldb, at += step)
        {
            V b0 = Vector512.Load(b), x;
            x = Vector512.Create(a0[at]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            x = Vector512.Create(a1[at]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            x = Vector512.Create(a2[at]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            x = Vector512.Create(a3[at]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
            x = Vector512.Create(a4[at]);
            c4_0 = Vector512.FusedMultiplyAdd(x, b0, c4_0);
            x = Vector512.Create(a5[at]);
            c5_0 = Vector512.FusedMultiplyAdd(x, b0, c5_0);
            x = Vector512.Create(a6[at]);
            c6_0 = Vector512.FusedMultiplyAdd(x, b0, c6_0);
            x = Vector512.Create(a7[at]);
            c7_0 = Vector512.FusedMultiplyAdd(x, b0, c7_0);
        }
        Put(t, c0_0, add);
        Put(t += ldt, c1_0, add);
        Put(t += ldt, c2_0, add);
        Put(t += ldt, c3_0, add);
        Put(t += ldt, c4_0, add);
        Put(t += ldt, c5_0, add);
        Put(t += ldt, c6_0, add);
        Put(t += ldt, c7_0, add);
    }

    /// <summary>8 registers of 256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x16(
        in LeftRows a, float* b, int ldb, int k, float* t, int ldt, int rows, bool add)
    {
        int last = rows - 1, step = a.Depth;
        float* a0 = a.At, a1 = a.Row(Math.Min(1, last)), a2 = a.Row(Math.Min(2, last)),
            a3 = a.Row(Math.Min(3, last));
        V c0_0 = V.Zero;
        V c1_0 = V.Zero;
        V c2_0 = V.Zero;
        V c3_0 = V.Zero;
        nint at = 0;
        for (; k > 0; k--, b += ldb, at += step)
        {
            V b0 = Vector512.Load(b), x;
            x = Vector512.Create(a0[at]);
            c0_0 = Vector512.FusedMultiplyAdd(x, b0, c0_0);
            x = Vector512.Create(a1[at]);
            c1_0 = Vector512.FusedMultiplyAdd(x, b0, c1_0);
            x = Vector512.Create(a2[at]);
            c2_0 = Vector512.FusedMultiplyAdd(x, b0, c2_0);
            x = Vector512.Create(a3[at]);
            c3_0 = Vector512.FusedMultiplyAdd(x, b0, c3_0);
        }
        Put(t, c0_0, add);
        Put(t += ldt, c1_0, add);
        Put(t += ldt, c2_0, add);
        Put(t += ldt, c3_0, add);
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
}
