// Fill and the strided copy: exact to the bit, also for integers, whose bits are denormal floats.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class CopyCases
{
    public static IEnumerable<Case> All()
    {
        foreach (int n in (int[])[1, 15, 16, 17, 255, 256, 257, 10_007])
        {
            yield return Fill(n);
        }
        yield return Fill(3_211_264).TimedByBytes();

        foreach (float beta in (float[])[0, 1])
        {
            foreach (int n in (int[])[1, 63, 64, 65, 1000])
            {
                yield return Copy($"contiguous {n}", n, n, CopyPlan.Create([n], [1], [1]), beta);
            }
            foreach (var (rows, columns) in ((int, int)[])[(1, 7), (31, 33), (32, 32), (65, 129)])
            {
                yield return Copy($"transpose {rows}x{columns}", rows * columns, rows * columns,
                    CopyPlan.Create([columns, rows], [1, columns], [rows, 1]), beta);
            }
            yield return Permute("nchw to nhwc", [2, 3, 5, 7], [0, 2, 3, 1], beta);
            yield return Permute("nhwc to nchw", [3, 9, 8, 16], [0, 3, 1, 2], beta);
            yield return Permute("six dimensions", [2, 3, 2, 5, 3, 4], [5, 3, 1, 0, 4, 2], beta);
            yield return Permute("heads", [2, 17, 4, 8], [0, 2, 1, 3], beta);
            yield return Copy("slice of columns", 13 * 20, 13 * 6,
                CopyPlan.Create([13, 6], [20, 1], [6, 1], xOffset: 9), beta);
            yield return Copy("slice of rows", 13 * 20, 4 * 20,
                CopyPlan.Create([4, 20], [20, 1], [20, 1], xOffset: 60), beta);
            yield return Copy("into the middle of a pad", 5 * 6, 9 * 11,
                CopyPlan.Create([5, 6], [6, 1], [11, 1], yOffset: 25), beta);
            yield return Copy("every other", 100, 50, CopyPlan.Create([50], [2], [1], 1), beta);
            yield return Copy("expand", 7, 35, CopyPlan.Create([5, 7], [0, 1], [7, 1]), beta);
        }
        yield return Integers(1000);
        yield return Permute("timed nhwc to nchw", [64, 28, 28, 64], [0, 3, 1, 2], 0)
            .TimedByBytes();
    }

    private static Case Fill(int n) =>
        new("Fill", $"n {n}", 0, [Out(n)], (d, s) => d.Fill(s[0], n, 0.1f),
            v => Array.Fill(v[0], 0.1f));

    /// <summary>Dimension i of the result is dimension order[i] of x.</summary>
    private static Case Permute(string name, int[] extents, int[] order, float beta)
    {
        var from = new Shape(extents);
        int[] strides = CopyOps.Strides(from);
        int[] to = Array.ConvertAll(order, i => extents[i]);
        return Copy($"{name} {from}", (int)from.Count, (int)from.Count, CopyPlan.Create(
            to, Array.ConvertAll(order, i => strides[i]), CopyOps.Strides(new Shape(to))), beta);
    }

    /// <summary>y has given contents everywhere: what the plan leaves out must stay.</summary>
    private static Case Copy(string sizes, int xLength, int yLength, CopyPlan plan, float beta) =>
        new("StridedCopy", $"{sizes} beta {beta}", beta == 0 ? 0 : 1e-7,
            [In(xLength), plan.Count == yLength ? Out(yLength, beta) : Both(yLength)],
            (d, s) => d.StridedCopy(s[0], s[1], plan, beta),
            v => Apply(plan, (x, y) => v[1][y] = v[0][x] + (beta * v[1][y])));

    /// <summary>Indices move through it too; flushing denormals would zero them.</summary>
    private static Case Integers(int n)
    {
        var plan = CopyPlan.Create([n / 8, 8], [1, n / 8], [8, 1]);
        return new("StridedCopy", $"i32 {n}", 0, [Ids(n, 1000), OutIds(n)],
            (d, s) => d.StridedCopy(s[0], s[1], plan, 0),
            v => Apply(plan, (x, y) => v[1][y] = v[0][x]));
    }

    /// <summary>Calls with the index into x and into y, the last dimension fastest.</summary>
    private static void Apply(CopyPlan plan, Action<int, int> move)
    {
        for (int i = 0; i < plan.Count; i++)
        {
            int rest = i, x = plan.XOffset, y = plan.YOffset;
            for (int k = Shape.MaxRank - 1; k >= 0; k--)
            {
                int index = rest % plan.Extents[k];
                rest /= plan.Extents[k];
                x += index * plan.XStrides[k];
                y += index * plan.YStrides[k];
            }
            move(x, y);
        }
    }
}
