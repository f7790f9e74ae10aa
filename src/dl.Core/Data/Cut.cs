// Cutting samples into parts. Samples are ordered so that any contiguous run of the order holds
// every class in proportion: the r-th of a class's n shuffled samples has its place at
// (r + 1/2) / n, and of equal places the one that came first in the shuffled order goes first.
//
// The order is never made: a run of it holds, of each class, the samples of some ranks, and where
// those begin and end is found by counting. So a cut takes 4 bytes a sample, and a bit.
using System.Collections;
using Dl.Tensors;

namespace Dl.Data;

/// <summary>A stratified, seeded order of samples, and runs of it.</summary>
internal sealed class Cut
{
    private const ulong SplitStream = 0x53_504C_4954;

    private readonly int[] _shuffled;
    private readonly BitArray _members;
    private readonly Func<int, int> _stratum;

    /// <summary>Samples of each stratum.</summary>
    private readonly int[] _totals;

    /// <param name="samples">Ascending; the array becomes the cut's own.</param>
    /// <param name="stratum">From 0 on.</param>
    /// <param name="repeat">Another order for each.</param>
    public Cut(int[] samples, Func<int, int> stratum, ulong seed, int repeat = 0)
    {
        (_shuffled, _stratum) = (samples, stratum);
        _members = new BitArray(samples.Length == 0 ? 0 : samples[^1] + 1);
        var totals = new List<int>();
        foreach (int sample in samples)
        {
            _members[sample] = true;
            int key = stratum(sample);
            while (totals.Count <= key)
            {
                totals.Add(0);
            }
            totals[key]++;
        }
        _totals = [.. totals];
        new Rng(seed, SplitStream).Fork((ulong)repeat).Shuffle(samples.AsSpan());
    }

    public int Count => _shuffled.Length;

    /// <summary>The samples of a run, ascending.</summary>
    public int[] Run(int from, int to) => Gather(Inside(from, to), to - from);

    /// <summary>All samples but those of a run, ascending.</summary>
    public int[] Without(int from, int to) =>
        Gather(Inside(from, to).Xor(_members), Count - (to - from));

    private static int[] Gather(BitArray chosen, int count)
    {
        var result = new int[count];
        for (int sample = 0, at = 0; at < count; sample++)
        {
            if (chosen[sample])
            {
                result[at++] = sample;
            }
        }
        return result;
    }

    /// <summary>Which samples are in a run.</summary>
    private BitArray Inside(int from, int to)
    {
        var inside = new BitArray(_members.Length);
        (double start, int startTies) = Border(from);
        (double end, int endTies) = Border(to);
        var seen = new int[_totals.Length];
        int atStart = 0, atEnd = 0;
        foreach (int sample in _shuffled)
        {
            int key = _stratum(sample);
            double place = (seen[key]++ + 0.5) / _totals[key];
            // Of the samples at the border itself, so many come before it.
            bool before = place < start || (place == start && atStart++ < startTies);
            bool within = place < end || (place == end && atEnd++ < endTies);
            inside[sample] = within && !before;
        }
        return inside;
    }

    /// <summary>
    /// A place with at most <paramref name="count"/> samples before it, and how many of the
    /// samples at that place make up the number.
    /// </summary>
    private (double Place, int Ties) Border(int count)
    {
        // Places are below 1. Halving ends when no number lies between the two.
        double low = 0, high = 1;
        if (Before(high) <= count)
        {
            return (high, 0);
        }
        while (true)
        {
            double middle = (low + high) / 2;
            if (middle <= low || middle >= high)
            {
                break;
            }
            (low, high) = Before(middle) <= count ? (middle, high) : (low, middle);
        }
        return (low, count - Before(low));
    }

    /// <summary>Samples with a place below.</summary>
    private int Before(double place)
    {
        int sum = 0;
        foreach (int total in _totals)
        {
            // Ranks r with (r + 1/2) / n < place, about; the rounding of that quotient decides.
            int rank = Math.Clamp((int)((place * total) - 0.5), 0, total);
            while (rank > 0 && (rank - 0.5) / total >= place)
            {
                rank--;
            }
            while (rank < total && (rank + 0.5) / total < place)
            {
                rank++;
            }
            sum += rank;
        }
        return sum;
    }
}
