// How many different hashes came by, within fixed memory (distinct sampling, Gibbons 2001): kept
// are those whose lowest k bits are 0, and k grows whenever there are too many. The estimate is
// exact up to the limit and off by about 1 / sqrt(limit) behind it.
namespace Dl.Data.Checks;

internal sealed class DistinctCount(int limit)
{
    private readonly HashSet<ulong> _kept = [];
    private ulong _mask;

    public long Count => (long)((ulong)_kept.Count * (_mask + 1));

    public void Add(ulong hash)
    {
        if ((hash & _mask) != 0 || !_kept.Add(hash))
        {
            return;
        }
        while (_kept.Count > limit)
        {
            _mask = (_mask << 1) | 1;
            _kept.RemoveWhere(h => (h & _mask) != 0);
        }
    }

    public void Add(DistinctCount other)
    {
        while ((_mask & other._mask) != other._mask)
        {
            _mask = (_mask << 1) | 1;
        }
        _kept.RemoveWhere(h => (h & _mask) != 0);
        foreach (ulong hash in other._kept)
        {
            Add(hash);
        }
    }
}
