// Fill and the strided copy on kernels/copy.cl.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void Fill(Storage y, int n, float value)
    {
        if (n > 0)
        {
            Find("copy", "fill").Arg(y).Arg(n).Arg(value).Over(n, ElementGrain);
        }
    }

    public override void StridedCopy(Storage x, Storage y, in CopyPlan plan, float beta)
    {
        int count = plan.Count;
        if (count == 0)
        {
            return;
        }
        var merged = Merge(plan);
        if (IsFat && beta == 0 && TryTranspose(merged, out var transposed))
        {
            int tall = transposed.Extents[Shape.MaxRank - 2];
            int wide = transposed.Extents[Shape.MaxRank - 1];
            int items = count / tall / wide * ((tall + Lanes - 1) / Lanes);
            Find("copy", "strided_copy_transposed").Arg(x).Arg(y).Arg(transposed).Arg(items)
                .Over(items, Grain((long)wide * Lanes));
            return;
        }
        int run = IsFat ? merged.Extents[Shape.MaxRank - 1] : 1;
        Find("copy", "strided_copy").Arg(x).Arg(y).Arg(merged).Arg(count / run).Arg(beta)
            .Over(count / run, Grain(run));
    }

    /// <summary>
    /// The same copy with the dimension along which x is contiguous second to last and y's last,
    /// where they differ and are long enough to be worth turning blocks of 16 x 16.
    /// </summary>
    private static bool TryTranspose(in CopyPlan plan, out CopyPlan transposed)
    {
        const int Shortest = 8;
        int a = -1, b = -1;
        for (int i = 0; i < Shape.MaxRank; i++)
        {
            if (plan.Extents[i] >= Shortest)
            {
                a = plan.XStrides[i] == 1 ? i : a;
                b = plan.YStrides[i] == 1 ? i : b;
            }
        }
        transposed = plan;
        if (a < 0 || b < 0 || a == b)
        {
            return false;
        }
        int at = 0;
        for (int i = 0; i < Shape.MaxRank; i++)
        {
            int to = i == a ? Shape.MaxRank - 2 : i == b ? Shape.MaxRank - 1 : at++;
            transposed.Extents[to] = plan.Extents[i];
            transposed.XStrides[to] = plan.XStrides[i];
            transposed.YStrides[to] = plan.YStrides[i];
        }
        return true;
    }

    /// <summary>
    /// The same copy with as few and as long dimensions as possible: neighbours that lie together
    /// on both sides become one, and extents of 1 vanish.
    /// </summary>
    private static CopyPlan Merge(in CopyPlan plan)
    {
        var merged = new CopyPlan { XOffset = plan.XOffset, YOffset = plan.YOffset };
        for (int i = 0; i < Shape.MaxRank; i++)
        {
            merged.Extents[i] = 1;
        }
        int at = Shape.MaxRank;
        for (int i = Shape.MaxRank - 1; i >= 0; i--)
        {
            int extent = plan.Extents[i];
            if (extent == 1)
            {
                continue;
            }
            if (at < Shape.MaxRank
                && plan.XStrides[i] == (long)merged.XStrides[at] * merged.Extents[at]
                && plan.YStrides[i] == (long)merged.YStrides[at] * merged.Extents[at])
            {
                merged.Extents[at] *= extent;
                continue;
            }
            at--;
            merged.Extents[at] = extent;
            merged.XStrides[at] = plan.XStrides[i];
            merged.YStrides[at] = plan.YStrides[i];
        }
        return merged;
    }
}
