// Collects findings from all threads. Of each kind the first are kept and all are counted, so that
// a table of ten million bad rows takes no more memory than one of a thousand.
namespace Dl.Data.Checks;

/// <summary>What was found so far.</summary>
/// <param name="kept">Findings kept of each kind and severity.</param>
public sealed class Findings(int kept = Findings.UsuallyKept)
{
    public const int UsuallyKept = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(Severity, string), Tally> _tallies = [];

    public long Errors => Count(Severity.Error);

    public long Warnings => Count(Severity.Warning);

    public long Notes => Count(Severity.Note);

    /// <summary>The first error; null: there is none.</summary>
    public Finding? FirstError { get; private set; }

    /// <param name="severity">Null: the usual one of the kind.</param>
    public void Add(CheckKind kind, string place, string message, Severity? severity = null)
    {
        var finding = new Finding(severity ?? kind.Severity, kind, place, message);
        lock (_gate)
        {
            if (!_tallies.TryGetValue((finding.Severity, kind.Code), out Tally? tally))
            {
                tally = new Tally(finding.Severity, kind);
                _tallies.Add((finding.Severity, kind.Code), tally);
            }
            tally.Count++;
            if (tally.First.Count < kept)
            {
                tally.First.Add(finding);
            }
            FirstError ??= finding.Severity == Severity.Error ? finding : null;
        }
    }

    /// <summary>An error that names its place itself: `PLACE: what, expected; do`.</summary>
    public void Add(CheckKind kind, string place, DlException error)
    {
        string message = error.Message;
        string known = place + ": ";
        Add(kind, place, message.StartsWith(known, StringComparison.Ordinal)
            ? message[known.Length..]
            : message);
    }

    /// <summary>An error whose place stands before its first colon, or nowhere.</summary>
    public void Add(CheckKind kind, DlException error, string subject)
    {
        int colon = error.Message.IndexOf(": ", StringComparison.Ordinal);
        string place = colon > 0 && !error.Message.AsSpan(0, colon).Contains('\'')
            ? error.Message[..colon]
            : subject;
        Add(kind, place, error);
    }

    /// <summary>Worst first, then in the order in which the checks stand in the list.</summary>
    public FindingGroup[] Groups()
    {
        lock (_gate)
        {
            return
            [
                .. _tallies.Values
                    .OrderByDescending(t => t.Severity)
                    .ThenBy(t => CheckList.IndexOf(t.Kind))
                    .Select(t => new FindingGroup(t.Severity, t.Kind, t.Count, [.. t.First])),
            ];
        }
    }

    private long Count(Severity severity)
    {
        lock (_gate)
        {
            return _tallies.Values.Where(t => t.Severity == severity).Sum(t => t.Count);
        }
    }

    private sealed class Tally(Severity severity, CheckKind kind)
    {
        public Severity Severity => severity;

        public CheckKind Kind => kind;

        public long Count { get; set; }

        public List<Finding> First { get; } = [];
    }
}
