// Everything that `dl check DATA` looks for, in the order in which it is reported.
namespace Dl.Data.Checks;

public static class CheckList
{
    /// <summary>Training itself refuses what no check found a fault with.</summary>
    internal static readonly CheckKind Refused = new(
        "refused", Severity.Error, "what training refuses for any other reason",
        "do what the message says");

    internal static readonly ITableCheck[] Tables =
    [
        new UsableTarget(), new NumericHeader(), new StrayTexts(), new EmptyColumns(),
        new NamingColumns(), new Leakage(), new Spelling(), new ClassBalance(), new Outliers(),
        new Dates(), new Parts(), new NearRows(), new Redundancy(),
    ];

    /// <summary>All kinds of findings.</summary>
    public static IReadOnlyList<CheckKind> All { get; } =
    [
        .. ReadingKinds.All, .. RowChecks.All, .. Tables.SelectMany(t => t.Kinds),
        .. PictureKinds.All, Refused,
    ];

    internal static int IndexOf(CheckKind kind)
    {
        for (int i = 0; i < All.Count; i++)
        {
            if (All[i].Code == kind.Code)
            {
                return i;
            }
        }
        return All.Count;
    }
}
