// Updates of weights, norms and clipping of gradients on kernels/optimizer_step.cl.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Names of the kernels by rule, so that a step makes no strings.</summary>
    private readonly Dictionary<UpdateRule, string> _updates = [];

    public override void Update(
        UpdateRule rule, Storage w, Storage g, ReadOnlySpan<Storage> state, int n,
        in UpdateNumbers k)
    {
        if (n <= 0)
        {
            return;
        }
        if (!_updates.TryGetValue(rule, out string? entry))
        {
            _updates.Add(rule, entry = $"update_{rule.Name}");
        }
        // Runs that the rule does not have stand for themselves: w, which it does not touch there.
        Find("optimizer_step", entry, WidthDefine).Arg(w).Arg(g)
            .Arg(state.Length > 0 ? state[0] : w).Arg(state.Length > 1 ? state[1] : w)
            .Arg(state.Length > 2 ? state[2] : w).Arg(n).Arg(in k)
            .Over(Vectors(n), ElementGrain);
    }

    public override void GradientNorm(Storage g, Storage norm, int n)
    {
        const int MaxChunks = 512, Shortest = 16384;
        int chunk = (int)Math.Max(Shortest, ((long)n + MaxChunks - 1) / MaxChunks);
        int chunks = (int)(((long)n + chunk - 1) / chunk);
        var sums = Rent(DType.F32, Math.Max(1, chunks));
        if (chunks > 0)
        {
            var kernel = Find("optimizer_step", IsFat ? "square_sums" : "square_sums_tiled")
                .Arg(g).Arg(sums).Arg(n).Arg(chunks).Arg(chunk);
            if (IsFat)
            {
                kernel.Over(chunks, 1);
            }
            else
            {
                kernel.Groups(Math.Min(chunks, GpuGroups), 1, 1, Kernel.GroupSize, 1);
            }
        }
        Find("optimizer_step", "gradient_norm").Arg(sums).Arg(norm).Arg(chunks).Over(1, 1);
        Return(sums);
    }

    public override void ClipNorm(Storage g, Storage norm, int n, float limit, float epsilon)
    {
        if (n > 0)
        {
            Find("optimizer_step", "clip_norm", WidthDefine)
                .Arg(g).Arg(norm).Arg(n).Arg(limit).Arg(epsilon).Over(Vectors(n), ElementGrain);
        }
    }

    public override void ClipValue(Storage g, int n, float limit)
    {
        if (n > 0)
        {
            Find("optimizer_step", "clip_value", WidthDefine)
                .Arg(g).Arg(n).Arg(limit).Over(Vectors(n), ElementGrain);
        }
    }

    public override void FactoredDirection(
        Storage g, Storage r, Storage c, Storage mean, Storage u, int batch, int rows, int columns,
        float epsilon)
    {
        const int Strip = 1024;
        int strips = IsFat ? (columns + Strip - 1) / Strip : columns;
        int items = batch * rows * strips;
        if (items > 0)
        {
            Find("optimizer_step", "factored_direction").Arg(g).Arg(r).Arg(c).Arg(mean).Arg(u)
                .Arg(items).Arg(rows).Arg(columns).Arg(epsilon)
                .Over(items, Grain(Math.Min(columns, IsFat ? Strip : 1)));
        }
    }
}
