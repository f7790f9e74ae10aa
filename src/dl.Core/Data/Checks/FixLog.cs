// What mending did: a line for every change in a file beside the output, and a count by reason for
// stderr, so that nothing is left out silently.
namespace Dl.Data.Checks;

/// <summary>Counts and writes changes.</summary>
internal sealed class FixLog(TextWriter writer)
{
    private readonly Dictionary<string, long> _leftOut = [];
    private readonly Dictionary<string, long> _mended = [];

    /// <summary>A row, column or file that is not in the output.</summary>
    /// <param name="what">The kind, in the plural: `ragged rows`.</param>
    public void LeaveOut(string what, string place, string why) =>
        Add(_leftOut, what, $"{place}: left out: {why}");

    /// <summary>A change of what is in the output.</summary>
    public void Mend(string what, string place, string how) =>
        Add(_mended, what, $"{place}: {how}");

    public FixResult Result(long kept, string unit) => new(kept, unit, _leftOut, _mended);

    private void Add(Dictionary<string, long> counts, string what, string line)
    {
        counts[what] = counts.GetValueOrDefault(what) + 1;
        writer.Write(line);
        writer.Write('\n');
    }
}

/// <summary>What mending came to.</summary>
/// <param name="Kept">Rows or pictures in the output.</param>
/// <param name="Unit">`rows` or `pictures`.</param>
/// <param name="LeftOut">How many of what are not in the output.</param>
/// <param name="Mended">How many of what were changed.</param>
public sealed record FixResult(
    long Kept, string Unit, IReadOnlyDictionary<string, long> LeftOut,
    IReadOnlyDictionary<string, long> Mended);
