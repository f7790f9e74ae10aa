// An even sample of numbers that come one after the other: one of every 2^h, drawn at random within
// its group; h grows by one when there is no room. A quantile of it is exact while h is 0.
// Beyond, of n places n/2 or more are filled, and the share of numbers below the sample's median is
// within 2 / sqrt(n) of one half but once in 200,000 times (four deviations and more; groups of
// neighbours that are alike only make it better).
using Dl.Tensors;

namespace Dl.Data.Tables.Storage;

/// <summary>Numbers for a median.</summary>
/// <param name="room">Numbers kept at most, a power of two, at least 2.</param>
internal sealed class ThinnedSample(int room)
{
    private const ulong Stream = 0x5468_696E;

    private readonly Rng _rng = new(1, Stream);
    private double[] _kept = [];
    private int _count;

    /// <summary>Numbers of a group, one of which is kept.</summary>
    private long _group = 1;

    /// <summary>Numbers before the next one that is kept, and behind it in its group.</summary>
    private long _before;

    private long _after;

    public bool Exact => _group == 1;

    public void Add(ReadOnlySpan<double> values)
    {
        long at = _before;
        while (at < values.Length)
        {
            if (_count == room)
            {
                // This group becomes the first half of a larger one; the pick may be in either.
                long half = _group, here = half - 1 - _after;
                Thin();
                long pick = _rng.NextInt(2) == 0 ? here : half + Random(half);
                _after = _group - 1 - pick;
                if (pick != here)
                {
                    at += pick - here;
                    continue;
                }
            }
            Keep(values[(int)at]);
            long next = Random(_group);
            at += 1 + _after + next;
            _after = _group - 1 - next;
        }
        _before = at - values.Length;
    }

    /// <summary>The mean of the two in the middle.</summary>
    public double Median()
    {
        Span<double> kept = _kept.AsSpan(0, _count);
        kept.Sort();
        return (kept[(_count - 1) / 2] + kept[_count / 2]) / 2;
    }

    private long Random(long below) =>
        below == 1 ? 0 : _rng.NextInt((int)Math.Min(below, 1 << 30));

    private void Keep(double value)
    {
        if (_count == _kept.Length)
        {
            Array.Resize(ref _kept, Math.Min(room, Math.Max(1024, 2 * _count)));
        }
        _kept[_count++] = value;
    }

    /// <summary>One of each two: groups are twice as large from now on.</summary>
    private void Thin()
    {
        for (int i = 0; i < _count / 2; i++)
        {
            _kept[i] = _kept[(2 * i) + _rng.NextInt(2)];
        }
        _count /= 2;
        _group *= 2;
    }
}
