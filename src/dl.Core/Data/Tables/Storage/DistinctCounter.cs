// How many different values there were, in little memory: of their hashes, uniform in [0, 1), the k
// smallest are kept. Fewer than k different ones are counted exactly; beyond, the k-th smallest at
// h says that there are about (k - 1) / h, with a relative deviation of 1 / sqrt(k - 2)
// (Bar-Yossef et al., "Counting distinct elements in a data stream", RANDOM 2002).
namespace Dl.Data.Tables.Storage;

/// <summary>Counts distinct 64-bit values.</summary>
/// <param name="size">k, at least 3.</param>
internal sealed class DistinctCounter(int size)
{
    // Gathers up to 2k, so that sorting is rare; what is kept is halved then.
    private readonly HashSet<ulong> _smallest = [];
    private ulong _limit = ulong.MaxValue;

    public void Add(ulong value)
    {
        ulong hash = Hash(value);
        if (hash <= _limit && _smallest.Add(hash) && _smallest.Count >= 2 * size)
        {
            Cut();
        }
    }

    /// <summary>-0 is 0, as it is for comparisons.</summary>
    public void Add(double value) =>
        Add(BitConverter.DoubleToUInt64Bits(value == 0 ? 0 : value));

    /// <summary>FNV-1a, which <see cref="Hash"/> then stirs.</summary>
    public void Add(ReadOnlySpan<byte> text)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in text)
        {
            hash = (hash ^ b) * 1099511628211;
        }
        Add(hash);
    }

    /// <summary>Is <see cref="Count"/> the very number?</summary>
    public bool Exact => _limit == ulong.MaxValue;

    public long Count
    {
        get
        {
            if (Exact)
            {
                return _smallest.Count;
            }
            Cut();
            double share = _limit / (double)ulong.MaxValue;
            return (long)Math.Round((size - 1) / share);
        }
    }

    private void Cut()
    {
        if (_smallest.Count < size)
        {
            return;
        }
        ulong[] sorted = [.. _smallest];
        Array.Sort(sorted);
        _limit = sorted[size - 1];
        _smallest.Clear();
        for (int i = 0; i < size; i++)
        {
            _smallest.Add(sorted[i]);
        }
    }

    /// <summary>SplitMix64's finaliser: a bijection, so different values stay different.</summary>
    private static ulong Hash(ulong value)
    {
        ulong z = value + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
