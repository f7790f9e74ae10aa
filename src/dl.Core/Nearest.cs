// The nearest known name to a misspelt one (Levenshtein distance), for messages.
namespace Dl;

/// <summary>Turns an unknown name into a message that lists what there is.</summary>
public static class Nearest
{
    /// <summary>
    /// Message for a <paramref name="name"/> that is in no registry, e.g.
    /// `optimizer 'adm': no such optimizer; did you mean 'adam'? (adam, adamw, sgd)`.
    /// </summary>
    public static string Unknown(string kind, string name, IEnumerable<string> known)
    {
        var names = known.ToList();
        string? nearest = Find(name, names);
        string hint = nearest is null ? "" : $"; did you mean '{nearest}'?";
        return $"{kind} '{name}': no such {kind}{hint} ({string.Join(", ", names)})";
    }

    /// <summary>The closest of <paramref name="known"/>, or null when none is close.</summary>
    public static string? Find(string name, IEnumerable<string> known)
    {
        string? best = null;
        int bestDistance = Math.Max(2, name.Length / 3) + 1;
        foreach (string candidate in known)
        {
            int distance = Distance(name, candidate);
            if (distance < bestDistance)
            {
                (best, bestDistance) = (candidate, distance);
            }
        }
        return best;
    }

    /// <summary>
    /// Levenshtein distance: insertions, deletions and replacements, each costing 1.
    /// </summary>
    public static int Distance(string a, string b)
    {
        Span<int> row = b.Length < 128 ? stackalloc int[b.Length + 1] : new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
