// The transforms of Winograd's F(4x4, 3x3) (Lavin and Gray, "Fast algorithms for
// convolutional neural networks", 2016) on vectors of 16 channels:
//   Y = A' [(G g G') * (B' d B)] A          d: 6x6 of the image, g: 3x3 weights, Y: 4x4
// and, as the same trilinear form read for g, the gradient of the weights:
//   dg = G' [(B' d B) * (A dY A')] G
// Each goes over columns into working memory, then over rows.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

[SkipLocalsInit]
internal static unsafe class WinogradTransform
{
    /// <summary>Rows and columns of a tile of outputs.</summary>
    public const int Out = 4;

    /// <summary>Rows and columns of a tile of inputs, and of products.</summary>
    public const int In = 6;

    /// <summary>Products of one tile.</summary>
    public const int Points = In * In;

    /// <summary>
    /// The points besides 0 and infinity are A, -A, B, -B. These halve the error of the usual 1 and
    /// 2, and they, their squares and the products of those are exact.
    /// </summary>
    private const float A = 0.625f, B = 1.5f, A2 = A * A, B2 = B * B;

    /// <summary>1 over the product of a point's distances from the others.</summary>
    private const float Over0 = 1 / (A2 * B2), OverA = 0.5f / (A2 * (A2 - B2)),
        OverB = 0.5f / (B2 * (B2 - A2));

    /// <summary>B' d B: 36 vectors at pixels[i] + at to target + i * step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Image(float** pixels, long at, int count, float* target, long step)
    {
        float* memory = stackalloc float[(Points * Lane.Count) + Lane.Count];
        float* columns = Aligned(memory);
        for (int j = 0; j < In; j++)
        {
            V d0, d1, d2, d3, d4, d5;
            if (count == Lane.Count)
            {
                d0 = Vector512.Load(pixels[j] + at);
                d1 = Vector512.Load(pixels[6 + j] + at);
                d2 = Vector512.Load(pixels[12 + j] + at);
                d3 = Vector512.Load(pixels[18 + j] + at);
                d4 = Vector512.Load(pixels[24 + j] + at);
                d5 = Vector512.Load(pixels[30 + j] + at);
            }
            else
            {
                d0 = Lane.Load(pixels[j] + at, count);
                d1 = Lane.Load(pixels[6 + j] + at, count);
                d2 = Lane.Load(pixels[12 + j] + at, count);
                d3 = Lane.Load(pixels[18 + j] + at, count);
                d4 = Lane.Load(pixels[24 + j] + at, count);
                d5 = Lane.Load(pixels[30 + j] + at, count);
            }
            ImageLine(d0, d1, d2, d3, d4, d5, columns + (j * Lane.Count), In * Lane.Count);
        }
        float* row = columns;
        for (int i = 0; i < In; i++, row += In * Lane.Count, target += In * step)
        {
            ImageLine(Vector512.Load(row), Vector512.Load(row + 16), Vector512.Load(row + 32),
                Vector512.Load(row + 48), Vector512.Load(row + 64), Vector512.Load(row + 80),
                target, step);
        }
    }

    /// <summary>Fetches the lines that a tile does not share with its neighbour.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchInputs(float** pixels, long at)
    {
        for (int i = 0; i < Points; i += In)
        {
            Fetch(pixels[i + 2] + at);
            Fetch(pixels[i + 3] + at);
            Fetch(pixels[i + 4] + at);
            Fetch(pixels[i + 5] + at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchOutputs(float** pixels, long at)
    {
        for (int i = 0; i < Out * Out; i++)
        {
            Fetch(pixels[i] + at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(float* p)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(p);
        }
    }

    /// <summary>A' m A: 36 vectors at m + i * step to 4 rows of 4 at y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Outputs(
        float* m, long step, V bias, float* y, long stepRow, long stepPixel)
    {
        float* memory = stackalloc float[(Out * In * Lane.Count) + Lane.Count];
        float* columns = Aligned(memory);
        for (int j = 0; j < In; j++)
        {
            float* p = m + (j * step);
            OutputLine(Vector512.Load(p), Vector512.Load(p + (6 * step)),
                Vector512.Load(p + (12 * step)), Vector512.Load(p + (18 * step)),
                Vector512.Load(p + (24 * step)), Vector512.Load(p + (30 * step)), V.Zero,
                columns + (j * Lane.Count), In * Lane.Count);
        }
        float* row = columns;
        for (int i = 0; i < Out; i++, row += In * Lane.Count, y += stepRow)
        {
            OutputLine(Vector512.Load(row), Vector512.Load(row + 16), Vector512.Load(row + 32),
                Vector512.Load(row + 48), Vector512.Load(row + 64), Vector512.Load(row + 80), bias,
                y, stepPixel);
        }
    }

    /// <summary>G g G': 9 vectors at g + i * stepG to 36 at target + i * step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(float* g, long stepG, int count, float* target, long step)
    {
        float* memory = stackalloc float[(In * 3 * Lane.Count) + Lane.Count];
        float* columns = Aligned(memory);
        for (int j = 0; j < 3; j++)
        {
            float* p = g + (j * stepG);
            WeightLine(Lane.Load(p, count), Lane.Load(p + (3 * stepG), count),
                Lane.Load(p + (6 * stepG), count), columns + (j * Lane.Count), 3 * Lane.Count);
        }
        float* row = columns;
        for (int i = 0; i < In; i++, row += 3 * Lane.Count, target += In * step)
        {
            WeightLine(Vector512.Load(row), Vector512.Load(row + 16), Vector512.Load(row + 32),
                target, step);
        }
    }

    /// <summary>A dY A': 16 vectors at pixels[i] + at to 36 at target + i * step.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gradients(float** pixels, long at, int count, float* target, long step)
    {
        float* memory = stackalloc float[(In * Out * Lane.Count) + Lane.Count];
        float* columns = Aligned(memory);
        for (int j = 0; j < Out; j++)
        {
            GradientLine(Lane.Load(pixels[j] + at, count), Lane.Load(pixels[4 + j] + at, count),
                Lane.Load(pixels[8 + j] + at, count), Lane.Load(pixels[12 + j] + at, count),
                columns + (j * Lane.Count), Out * Lane.Count);
        }
        float* row = columns;
        for (int i = 0; i < In; i++, row += Out * Lane.Count, target += In * step)
        {
            GradientLine(Vector512.Load(row), Vector512.Load(row + 16), Vector512.Load(row + 32),
                Vector512.Load(row + 48), target, step);
        }
    }

    /// <summary>G' p G: 36 vectors at p + i * step to 9 in a row at dg.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightGradients(float* p, long step, float* dg)
    {
        float* memory = stackalloc float[(3 * In * Lane.Count) + Lane.Count];
        float* columns = Aligned(memory);
        for (int j = 0; j < In; j++)
        {
            float* q = p + (j * step);
            WeightGradientLine(Vector512.Load(q), Vector512.Load(q + (6 * step)),
                Vector512.Load(q + (12 * step)), Vector512.Load(q + (18 * step)),
                Vector512.Load(q + (24 * step)), Vector512.Load(q + (30 * step)),
                columns + (j * Lane.Count), In * Lane.Count);
        }
        float* row = columns;
        for (int i = 0; i < 3; i++, row += In * Lane.Count, dg += 3 * Lane.Count)
        {
            WeightGradientLine(Vector512.Load(row), Vector512.Load(row + 16),
                Vector512.Load(row + 32), Vector512.Load(row + 48), Vector512.Load(row + 64),
                Vector512.Load(row + 80), dg, Lane.Count);
        }
    }

    /// <summary>One line by B'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ImageLine(V d0, V d1, V d2, V d3, V d4, V d5, float* t, long step)
    {
        V even = AddScaled(d4, -B2, d2), odd = AddScaled(d3, -B2, d1);
        V even2 = AddScaled(d4, -A2, d2), odd2 = AddScaled(d3, -A2, d1);
        AddScaled(AddScaled(d4, -A2 - B2, d2), A2 * B2, d0).Store(t);
        AddScaled(even, A, odd).Store(t + step);
        AddScaled(even, -A, odd).Store(t + (2 * step));
        AddScaled(even2, B, odd2).Store(t + (3 * step));
        AddScaled(even2, -B, odd2).Store(t + (4 * step));
        AddScaled(AddScaled(d5, -A2 - B2, d3), A2 * B2, d1).Store(t + (5 * step));
    }

    /// <summary>One line by A'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputLine(
        V m0, V m1, V m2, V m3, V m4, V m5, V bias, float* t, long step)
    {
        V even = m1 + m2, odd = m1 - m2, even2 = m3 + m4, odd2 = m3 - m4;
        (m0 + even + (even2 + bias)).Store(t);
        AddScaled(AddScaled(bias, A, odd), B, odd2).Store(t + step);
        AddScaled(AddScaled(bias, A2, even), B2, even2).Store(t + (2 * step));
        AddScaled(AddScaled(m5 + bias, A * A2, odd), B * B2, odd2).Store(t + (3 * step));
    }

    /// <summary>One line by G.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WeightLine(V g0, V g1, V g2, float* t, long step)
    {
        V even = AddScaled(g0, A2, g2) * OverA, even2 = AddScaled(g0, B2, g2) * OverB;
        (g0 * Over0).Store(t);
        AddScaled(even, A * OverA, g1).Store(t + step);
        AddScaled(even, -A * OverA, g1).Store(t + (2 * step));
        AddScaled(even2, B * OverB, g1).Store(t + (3 * step));
        AddScaled(even2, -B * OverB, g1).Store(t + (4 * step));
        g2.Store(t + (5 * step));
    }

    /// <summary>One line by A.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradientLine(V d0, V d1, V d2, V d3, float* t, long step)
    {
        V even = AddScaled(d0, A2, d2), odd = AddScaled(d1, A2, d3);
        V even2 = AddScaled(d0, B2, d2), odd2 = AddScaled(d1, B2, d3);
        d0.Store(t);
        AddScaled(even, A, odd).Store(t + step);
        AddScaled(even, -A, odd).Store(t + (2 * step));
        AddScaled(even2, B, odd2).Store(t + (3 * step));
        AddScaled(even2, -B, odd2).Store(t + (4 * step));
        d3.Store(t + (5 * step));
    }

    /// <summary>One line by G'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WeightGradientLine(
        V p0, V p1, V p2, V p3, V p4, V p5, float* t, long step)
    {
        V sum = (p1 + p2) * OverA, sum2 = (p3 + p4) * OverB;
        AddScaled(sum + sum2, Over0, p0).Store(t);
        AddScaled((p1 - p2) * (A * OverA), B * OverB, p3 - p4).Store(t + step);
        AddScaled(AddScaled(p5, A2, sum), B2, sum2).Store(t + (2 * step));
    }

    /// <summary>The first whole vector: the stack is aligned to 16 bytes only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Aligned(float* p) => (float*)(((nint)p + 63) & ~63);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AddScaled(V v, float scale, V by) =>
        Vector512.FusedMultiplyAdd(Vector512.Create(scale), by, v);
}
