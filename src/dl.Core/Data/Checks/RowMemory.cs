// Which rows came before. Kept are hashes, as many as fit into a fixed memory; behind that every
// second, fourth, ... hash is let go, so that what is found is a share of all duplicates, known and
// even (distinct sampling: a hash that is looked at is looked at wherever it comes).
namespace Dl.Data.Checks;

internal sealed class RowMemory(int limit = RowMemory.UsualLimit)
{
    /// <summary>Rows; about 120 MB.</summary>
    private const int UsualLimit = 4_000_000;

    private readonly Dictionary<ulong, Spot> _first = [];
    private ulong _mask;

    /// <summary>One row in this many is looked at; 1: all of them.</summary>
    public long Every => (long)_mask + 1;

    /// <summary>Remembers a row.</summary>
    /// <returns>The place of an equal one before it; null: there was none.</returns>
    public Spot? Add(ulong hash, Spot spot)
    {
        if ((hash & _mask) != 0)
        {
            return null;
        }
        if (!_first.TryAdd(hash, spot))
        {
            return _first[hash];
        }
        while (_first.Count > limit)
        {
            _mask = (_mask << 1) | 1;
            foreach (ulong key in _first.Keys)
            {
                // Removing does not disturb the enumeration of a Dictionary.
                if ((key & _mask) != 0)
                {
                    _first.Remove(key);
                }
            }
        }
        return null;
    }
}
