// The outermost values of a column with their places, how often the outermost of all comes, and the
// next different one: what it takes to tell an outlier from a stand-in such as -999.
namespace Dl.Data.Checks;

/// <param name="ascending">True: the smallest values; false: the largest.</param>
internal sealed class Extremes(bool ascending)
{
    private const int Kept = 8;

    private readonly List<(double Number, Spot Spot)> _outer = [];

    /// <summary>The outermost values, the outermost first.</summary>
    public IReadOnlyList<(double Number, Spot Spot)> Outer => _outer;

    /// <summary>NaN where there are no numbers.</summary>
    public double First { get; private set; } = double.NaN;

    /// <summary>How often the outermost comes.</summary>
    public long Count { get; private set; }

    /// <summary>The outermost but one that differs; NaN where all are the same.</summary>
    public double Second { get; private set; } = double.NaN;

    public void Add(double number, Spot spot)
    {
        AddDistinct(number, 1);
        if (_outer.Count == Kept && !Beyond(number, _outer[^1].Number))
        {
            return;
        }
        int at = _outer.Count;
        while (at > 0 && Beyond(number, _outer[at - 1].Number))
        {
            at--;
        }
        _outer.Insert(at, (number, spot));
        if (_outer.Count > Kept)
        {
            _outer.RemoveAt(Kept);
        }
    }

    /// <summary>Takes those of another part of the same column.</summary>
    public void Add(Extremes other)
    {
        if (other.Count == 0)
        {
            return;
        }
        foreach ((double number, Spot spot) in other._outer)
        {
            (double first, long count, double second) = (First, Count, Second);
            Add(number, spot);
            (First, Count, Second) = (first, count, second);
        }
        AddDistinct(other.First, other.Count);
        if (!double.IsNaN(other.Second))
        {
            AddDistinct(other.Second, 0);
        }
    }

    private void AddDistinct(double number, long times)
    {
        if (Count == 0 || Beyond(number, First))
        {
            (Second, First, Count) = (First, number, times);
        }
        else if (number == First)
        {
            Count += times;
        }
        else if (double.IsNaN(Second) || Beyond(number, Second))
        {
            Second = number;
        }
    }

    private bool Beyond(double a, double b) => ascending ? a < b : a > b;
}
