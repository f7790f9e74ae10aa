// Columns that a file has and a table cannot: lists and maps of Parquet, arrays of JSON. They are
// left out with a warning, which --ignore spares; only whoever asks for one gets an error.
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables;

/// <summary>Names, and why they were left out.</summary>
internal sealed class RefusedColumns
{
    private readonly SortedDictionary<string, string> _reasons = new(StringComparer.Ordinal);

    public void Add(IReadOnlyDictionary<string, string> reasons)
    {
        foreach ((string name, string reason) in reasons)
        {
            _reasons.TryAdd(name, reason);
        }
    }

    /// <summary>
    /// Why there is no column of this name: `tags`, where the file has `tags.list.element`; null:
    /// nothing is known of it.
    /// </summary>
    public string? ReasonFor(string name)
    {
        foreach ((string refused, string reason) in _reasons)
        {
            if (Covers(name, refused))
            {
                return reason;
            }
        }
        return null;
    }

    /// <param name="ignored">Names that nobody wants to hear of.</param>
    public void Warn(string[] ignored, ILogger log)
    {
        foreach ((string refused, string reason) in _reasons)
        {
            if (!Array.Exists(ignored, name => Covers(name, refused)))
            {
                log.LogWarning("column '{Name}' is left out: {Reason}", refused, reason);
            }
        }
    }

    private static bool Covers(string name, string refused) =>
        refused.StartsWith(name, StringComparison.Ordinal)
        && (refused.Length == name.Length || refused[name.Length] == '.');
}
