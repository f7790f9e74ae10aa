// Sums in two stages and broadcast on kernels/reduce.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void ReduceSum(
        Storage x, Storage y, int outer, int n, int inner, float scale, float beta)
    {
        if ((long)outer * inner == 0)
        {
            return;
        }
        int chunk = ChunkLength(outer, n, inner);
        int chunks = Math.Max(1, (n + chunk - 1) / chunk);
        if (chunks == 1)
        {
            Sum(x, y, outer, n, inner, 1, n, scale, beta);
            return;
        }
        var partial = Rent(DType.F32, (long)outer * chunks * inner);
        Sum(x, partial, outer, n, inner, chunks, chunk, 1, 0);
        Sum(partial, y, outer, chunks, inner, 1, chunks, scale, beta);
        Return(partial);
    }

    public override void Broadcast(
        Storage x, Storage y, int outer, int n, int inner, float scale, float beta)
    {
        int total = outer * n * inner;
        if (total > 0)
        {
            Find("reduce", "broadcast")
                .Arg(x).Arg(y).Arg(total).Arg(n).Arg(inner).Arg(scale).Arg(beta)
                .Over(total, ElementGrain);
        }
    }

    /// <summary>
    /// Elements of n that one item adds. It depends on the sizes only, so that a sum has the same
    /// bits on every number of cores.
    /// </summary>
    private static int ChunkLength(int outer, int n, int inner)
    {
        const int MaxChunks = 64, Elements = 8192;
        long parallel = outer * (((long)inner + 63) / 64);
        if (parallel >= MaxChunks)
        {
            return Math.Max(1, n);
        }
        // Enough work for an item, and at most 64 partial sums for each result.
        long shortest = Math.Max(16, Elements / Math.Min(inner, 64));
        return (int)Math.Max(shortest, ((long)n + MaxChunks - 1) / MaxChunks);
    }

    private void Sum(
        Storage x, Storage y, int outer, int n, int inner, int chunks, int chunk, float scale,
        float beta)
    {
        if (inner == 1)
        {
            bool tiled = !IsFat && chunk > Kernel.GroupSize / 4;
            var group = RowGroup.Of(chunk);
            var kernel = (tiled
                ? Find("reduce", "reduce_sum_tiled", group.Define) : Find("reduce", "reduce_sum"))
                .Arg(x).Arg(y).Arg(outer).Arg(n).Arg(chunks).Arg(chunk).Arg(scale).Arg(beta);
            int items = outer * chunks;
            if (tiled)
            {
                group.Launch(kernel, items, GpuGroups);
                return;
            }
            kernel.Over(items, Grain(chunk));
            return;
        }
        long blocks = IsFat ? (inner + 63L) / 64 : inner;
        Find("reduce", "reduce_sum_columns")
            .Arg(x).Arg(y).Arg(outer).Arg(n).Arg(inner).Arg(chunks).Arg(chunk).Arg(scale).Arg(beta)
            .Over(outer * chunks * blocks, Grain(chunk * (long)Math.Min(inner, 64)));
    }

    /// <summary>Items of <paramref name="elements"/> each that are worth a group.</summary>
    private static int Grain(long elements) =>
        (int)Math.Max(1, ElementGrain / Math.Max(1, elements));
}
