// Products whose right operand fits into the first cache: what packing would cost exceeds what it
// gains, so rows of b are read where they lie, and a number of a at a time goes to all columns.
// Eight rows by 32 columns of c stay in registers while the terms are added up, in order.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>One product, c = op(a) op(b) + bias + beta c, in one piece.</summary>
    private void MultiplySmall(
        float* a, float* b, float* bias, float* c, int m, int n, int k, bool transposeA,
        bool transposeB, float beta)
    {
        var product = new SmallProduct(
            a, transposeA ? 1 : k, transposeA ? m : 1, b, bias, c, m, n, k, transposeB, beta);
        product.Run();
    }
}

/// <param name="rowStep">Elements of a from row to row, and from term to term.</param>
/// <param name="transposed">b lies as n x k.</param>
[SkipLocalsInit]
internal readonly unsafe struct SmallProduct(
    float* a, int rowStep, int termStep, float* b, float* bias, float* c, int m, int n, int k,
    bool transposed, float beta)
{
    /// <summary>Most rows, columns and terms.</summary>
    private const int Most = 64;

    /// <summary>Multiplications from which on packing pays.</summary>
    private const int MostWork = 1 << 16;

    private const int Rows = 8;
    private const int Columns = 2 * Lane.Count;

    /// <summary>More columns than one vector.</summary>
    private struct Two;

    private struct One;

    /// <summary>Is the product small, and the processor one whose vectors can be masked?</summary>
    public static bool Suits(int m, int n, int k) =>
        Avx512F.IsSupported && m <= Most && n <= Most && k is > 0 and <= Most
        && m * n * k <= MostWork;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run()
    {
        float* panel = stackalloc float[transposed ? (Most * Columns) + Panel.Slack : 1];
        for (int column = 0; column < n; column += Columns)
        {
            int count = Math.Min(Columns, n - column), ld = n;
            float* right = b + column;
            if (transposed)
            {
                Panel.Transpose(b + (column * k), k, count, k, panel, Columns);
                right = panel;
                ld = Columns;
            }
            for (int row = 0; row < m; row += Rows)
            {
                if (count > Lane.Count)
                {
                    Tile<Two>(right, ld, row, column, count);
                }
                else
                {
                    Tile<One>(right, ld, row, column, count);
                }
            }
        }
    }

    /// <summary>Rows beyond the last are computed as the last one, and not stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile<TWidth>(float* right, int ld, int row, int column, int count)
        where TWidth : struct
    {
        bool two = typeof(TWidth) == typeof(Two);
        float* p = a + (row * rowStep);
        int last = Math.Min(Rows, m - row) - 1;
        nint o1 = Math.Min(1, last) * rowStep, o2 = Math.Min(2, last) * rowStep;
        nint o3 = Math.Min(3, last) * rowStep, o4 = Math.Min(4, last) * rowStep;
        nint o5 = Math.Min(5, last) * rowStep, o6 = Math.Min(6, last) * rowStep;
        nint o7 = Math.Min(7, last) * rowStep;
        V lower = Lane.Mask(count), upper = Lane.Mask(count - Lane.Count);
        V l0 = bias == null ? V.Zero : Avx512F.MaskLoad(bias + column, lower, V.Zero);
        V u0 = bias == null || !two
            ? V.Zero : Avx512F.MaskLoad(bias + column + Lane.Count, upper, V.Zero);
        V l1 = l0, l2 = l0, l3 = l0, l4 = l0, l5 = l0, l6 = l0, l7 = l0;
        V u1 = u0, u2 = u0, u3 = u0, u4 = u0, u5 = u0, u6 = u0, u7 = u0;
        for (int i = 0; i < k; i++, p += termStep, right += ld)
        {
            V l = Avx512F.MaskLoad(right, lower, V.Zero);
            V u = two ? Avx512F.MaskLoad(right + Lane.Count, upper, V.Zero) : V.Zero;
            Add(p, l, u, ref l0, ref u0, two);
            Add(p + o1, l, u, ref l1, ref u1, two);
            Add(p + o2, l, u, ref l2, ref u2, two);
            Add(p + o3, l, u, ref l3, ref u3, two);
            Add(p + o4, l, u, ref l4, ref u4, two);
            Add(p + o5, l, u, ref l5, ref u5, two);
            Add(p + o6, l, u, ref l6, ref u6, two);
            Add(p + o7, l, u, ref l7, ref u7, two);
        }
        float* target = c + (row * n) + column;
        Store(target, l0, u0, count);
        Store(last < 1 ? null : target + n, l1, u1, count);
        Store(last < 2 ? null : target + (2 * n), l2, u2, count);
        Store(last < 3 ? null : target + (3 * n), l3, u3, count);
        Store(last < 4 ? null : target + (4 * n), l4, u4, count);
        Store(last < 5 ? null : target + (5 * n), l5, u5, count);
        Store(last < 6 ? null : target + (6 * n), l6, u6, count);
        Store(last < 7 ? null : target + (7 * n), l7, u7, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* p, V l, V u, ref V lower, ref V upper, bool two)
    {
        V x = Vector512.Create(*p);
        lower = Vector512.FusedMultiplyAdd(x, l, lower);
        if (two)
        {
            upper = Vector512.FusedMultiplyAdd(x, u, upper);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store(float* target, V lower, V upper, int count)
    {
        if (target == null)
        {
            return;
        }
        if (beta != 0)
        {
            V scale = Vector512.Create(beta);
            lower += scale * Lane.Load(target, count);
            upper += count > Lane.Count
                ? scale * Lane.Load(target + Lane.Count, count - Lane.Count) : V.Zero;
        }
        Lane.Store(target, lower, count);
        if (count > Lane.Count)
        {
            Lane.Store(target + Lane.Count, upper, count - Lane.Count);
        }
    }
}
