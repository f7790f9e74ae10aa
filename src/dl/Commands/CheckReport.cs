// What `dl check DATA` prints: findings by severity and kind, the first few places of each, a table
// of all kinds, and a line that says how it stands.
using System.Globalization;
using System.Text;
using Dl.Cli.Terminal;
using Dl.Data.Checks;

namespace Dl.Cli.Commands;

internal static class CheckReport
{
    private const int Shown = 5;

    /// <param name="subject">What was checked.</param>
    /// <param name="findings">All that was found.</param>
    /// <param name="all">Every place, not the first few.</param>
    public static string Text(string subject, Findings findings, bool all)
    {
        FindingGroup[] groups = findings.Groups();
        var text = new StringBuilder();
        foreach (FindingGroup group in groups)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Name(group.Severity)} {group.Kind.Code}: {group.Kind.Description}\n");
            int shown = all ? group.First.Count : Math.Min(Shown, group.First.Count);
            foreach (Finding finding in group.First.Take(shown))
            {
                text.Append("  ").Append(finding).Append('\n');
            }
            if (group.Count > shown)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"  and {group.Count - shown} more{(all ? "" : " (--all shows them)")}\n");
            }
            text.Append('\n');
        }
        if (groups.Length > 0)
        {
            var table = new TextTable(false, false, true, false);
            table.Add("severity", "check", "count", "what to do");
            foreach (FindingGroup group in groups)
            {
                table.Add(
                    Name(group.Severity), group.Kind.Code,
                    group.Count.ToString(CultureInfo.InvariantCulture), group.Kind.Advice);
            }
            text.Append(table).Append('\n');
        }
        return text.Append(subject).Append(": ").Append(Verdict(findings)).Append('\n').ToString();
    }

    /// <summary>One object a finding, and at the end one that sums up.</summary>
    /// <param name="findings">All that was found.</param>
    /// <param name="mended">What --fix did; null: it was not asked for.</param>
    public static string Json(Findings findings, FixResult? mended)
    {
        var text = new StringBuilder();
        foreach (Finding finding in findings.Groups().SelectMany(g => g.First))
        {
            text.Append(JsonLine.Object(
                ("severity", Name(finding.Severity)), ("code", finding.Kind.Code),
                ("place", finding.Place), ("message", finding.Message))).Append('\n');
        }
        var summary = new List<(string, object)> { ("ok", findings.Errors == 0) };
        if (findings.FirstError is Finding first)
        {
            summary.Add(("error", first.ToString()));
        }
        summary.AddRange(
            ("errors", findings.Errors), ("warnings", findings.Warnings),
            ("notes", findings.Notes));
        if (mended is not null)
        {
            summary.AddRange(
                ("kept", mended.Kept), ("left_out", mended.LeftOut.Values.Sum()),
                ("mended", mended.Mended.Values.Sum()));
        }
        return text.Append(JsonLine.Object([.. summary])).Append('\n').ToString();
    }

    /// <summary>The first error that is left, in a line for stderr; null: there is none.</summary>
    /// <param name="findings">All that was found.</param>
    /// <param name="fixedNow">What --fix mends is mended.</param>
    public static string? Remaining(Findings findings, bool fixedNow)
    {
        FindingGroup[] left = Array.FindAll(
            findings.Groups(),
            g => g.Severity == Severity.Error && !(fixedNow && g.Kind.Mends));
        if (left.Length == 0)
        {
            return null;
        }
        Finding first = fixedNow ? left[0].First[0] : findings.FirstError!;
        long more = left.Sum(g => g.Count) - 1;
        return first + (fixedNow ? " (not to be mended by --fix)" : "")
            + (more == 0 ? "" : $" (and {more} more {(more == 1 ? "error" : "errors")})");
    }

    private static string Verdict(Findings findings)
    {
        if (findings.Errors + findings.Warnings + findings.Notes == 0)
        {
            return "ok";
        }
        var counts = new List<string>
        {
            findings.Errors == 0 ? "ok" : Count(findings.Errors, "error"),
        };
        if (findings.Warnings > 0)
        {
            counts.Add(Count(findings.Warnings, "warning"));
        }
        if (findings.Notes > 0)
        {
            counts.Add(Count(findings.Notes, "note"));
        }
        return string.Join(", ", counts);
    }

    private static string Count(long count, string what) =>
        $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string Name(Severity severity) => severity switch
    {
        Severity.Error => "error",
        Severity.Warning => "warning",
        _ => "note",
    };
}
