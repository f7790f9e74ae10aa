// Runs the checks over small data made for them.
using Dl.Data.Checks;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests.Checks;

/// <summary>What the checks said, by code.</summary>
internal sealed record Checked(Findings Findings)
{
    public static Checked Of(DataOptions options)
    {
        var findings = new Findings();
        DataCheck.Run(options, findings, CancellationToken.None);
        return new Checked(findings);
    }

    public static Checked Of(params string[] inputs) => Of(new DataOptions { Inputs = inputs });

    public IEnumerable<Finding> All => Findings.Groups().SelectMany(g => g.First);

    public Finding[] this[string code] => [.. All.Where(f => f.Kind.Code == code)];

    public bool Has(string code) => this[code].Length > 0;

    /// <summary>For messages of assertions.</summary>
    public override string ToString() => string.Join(
        "\n", All.Select(f => $"{f.Severity} {f.Kind.Code} {f}"));

    /// <summary>What training says of the same data; null: it starts.</summary>
    public static string? Refusal(DataOptions options)
    {
        try
        {
            TrainingData.Open(options, NullLogger.Instance).Split();
            return null;
        }
        catch (DlException error)
        {
            return error.Message;
        }
    }
}

/// <summary>Tables that are sound until a test breaks them.</summary>
internal static class SoundTable
{
    /// <summary>Columns size, weight, color, label; neither duplicates nor leaks.</summary>
    /// <param name="rows">Number of rows below the header.</param>
    /// <param name="from">Where its random numbers start: other rows of the same kind.</param>
    public static List<string> Lines(int rows = 60, int from = 0)
    {
        var lines = new List<string> { "size,weight,color,label" };
        for (int i = from; i < from + rows; i++)
        {
            FormattableString line =
                $"{Noise(i):F4},{50 + (10 * Noise(i + 5000)):F3},{Color(i)},{Label(i)}";
            lines.Add(FormattableString.Invariant(line));
        }
        return lines;
    }

    public static string Text(int rows = 60, int from = 0) =>
        string.Join('\n', Lines(rows, from)) + "\n";

    private static string Color(int i) =>
        new[] { "red", "green", "blue" }[(int)(3 * Noise(i + 9000))];

    private static string Label(int i) => Noise(i + 20_000) < 0.5 ? "apple" : "plum";

    /// <summary>0..1, the same in every run.</summary>
    private static double Noise(int i) => CellHash.Mix((ulong)i + 77) / (double)ulong.MaxValue;
}
