// Cutting samples into parts. Samples are ordered so that any contiguous run of the order holds
// every class in proportion: the r-th of a class's n shuffled samples sorts at (r + 1/2) / n.
using Dl.Tensors;

namespace Dl.Data;

/// <summary>Stratified, seeded cuts of sample indices.</summary>
internal static class Cut
{
    private const ulong SplitStream = 0x53_504C_4954;

    /// <summary>
    /// The samples in an order whose runs are stratified; another one per repeat.
    /// </summary>
    public static int[] Stratified(
        int[] samples, Func<int, int> stratum, ulong seed, int repeat = 0)
    {
        var order = (int[])samples.Clone();
        new Rng(seed, SplitStream).Fork((ulong)repeat).Shuffle(order.AsSpan());
        var total = new Dictionary<int, int>();
        foreach (int sample in order)
        {
            int key = stratum(sample);
            total[key] = total.GetValueOrDefault(key) + 1;
        }
        var seen = new Dictionary<int, int>();
        // The shuffled position breaks ties, so that the sort is a pure function of the seed.
        var keys = new (double Place, int Position)[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            int key = stratum(order[i]);
            int rank = seen.GetValueOrDefault(key);
            seen[key] = rank + 1;
            keys[i] = ((rank + 0.5) / total[key], i);
        }
        Array.Sort(keys, order);
        return order;
    }

    /// <summary>A run of an order, as ascending sample indices.</summary>
    public static int[] Run(int[] order, int from, int to)
    {
        int[] run = order[from..to];
        Array.Sort(run);
        return run;
    }

    /// <summary>All of an order but one run, ascending.</summary>
    public static int[] Without(int[] order, int from, int to)
    {
        int[] rest = [.. order[..from], .. order[to..]];
        Array.Sort(rest);
        return rest;
    }
}
