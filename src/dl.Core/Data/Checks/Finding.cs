// What `dl check` says about data: a kind of trouble, a place, and a sentence.
namespace Dl.Data.Checks;

/// <summary>How bad a finding is.</summary>
public enum Severity
{
    /// <summary>Worth knowing; nothing has to be done.</summary>
    Note,

    /// <summary>Training works, but its result is likely not what is wanted.</summary>
    Warning,

    /// <summary>Training would refuse it, or what it learns from is damaged.</summary>
    Error,
}

/// <summary>A kind of finding, as `dl info --list checks` and the summary show it.</summary>
/// <param name="Code">Its name in kebab-case, such as `ragged-row`.</param>
/// <param name="Severity">The usual one; a single finding may be milder.</param>
/// <param name="Description">What is looked for.</param>
/// <param name="Advice">What to do about it.</param>
public sealed record CheckKind(
    string Code, Severity Severity, string Description, string Advice)
{
    /// <summary>What --fix writes is free of it.</summary>
    public bool Mends { get; init; }
}

/// <summary>One finding.</summary>
/// <param name="Place">`file:line`, a path, or `file: column 'x'`.</param>
/// <param name="Message">What was found, what was expected, what to do.</param>
public sealed record Finding(Severity Severity, CheckKind Kind, string Place, string Message)
{
    public override string ToString() => $"{Place}: {Message}";
}

/// <summary>Findings of one kind and severity: the first ones, and how many there are.</summary>
public sealed record FindingGroup(
    Severity Severity, CheckKind Kind, long Count, IReadOnlyList<Finding> First);
