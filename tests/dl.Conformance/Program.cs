// Reads every Parquet, PNG, JPEG and WebP file below a folder and says of each whether it was read
// right: docs/conformance.md has the rules by which references and expectations are found.
using System.Globalization;

namespace Dl.Conformance;

internal static class Program
{
    private const string Usage = "usage: conformance DIR [--peer COMMAND [--size N]] [--strict]";

    private static int Main(string[] arguments)
    {
        string? folder = null, peer = null;
        bool strict = false;
        int size = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--strict":
                    strict = true;
                    break;
                case "--peer" when i + 1 < arguments.Length:
                    peer = arguments[++i];
                    break;
                case "--size" when i + 1 < arguments.Length
                    && int.TryParse(arguments[++i], out size) && size is > 0 and <= 4096:
                    break;
                case [not '-', ..] when folder is null:
                    folder = arguments[i];
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }
        if (size > 0 && peer is null)
        {
            Console.Error.WriteLine("conformance: --size without --peer, which has to resize too");
            return 2;
        }
        if (folder is null || !Directory.Exists(folder))
        {
            Console.Error.WriteLine(
                folder is null ? Usage : $"conformance: {folder}: no such folder");
            return 2;
        }
        using Peer? other = peer is null ? null : new Peer(
            size > 0 ? $"{peer} {size}" : peer);
        var table = new Table();
        foreach (Result result in new Corpus(folder, other, size).Results())
        {
            table.Add(result);
            Console.WriteLine(result);
        }
        Console.WriteLine();
        Console.Write(table);
        return table.Count == 0 || table.Of(Verdict.Wrong) > 0
            || (strict && table.Of(Verdict.Survived) > 0) ? 1 : 0;
    }
}

/// <summary>What became of a file.</summary>
internal enum Verdict
{
    /// <summary>Read, and equal to its reference.</summary>
    Ok,

    /// <summary>Read; there is no reference to compare with.</summary>
    Read,

    /// <summary>Not read, with a message.</summary>
    Refused,

    /// <summary>Read although it is said to be bad, where that is allowed.</summary>
    Survived,

    /// <summary>Differs from its reference, or read although it must be refused.</summary>
    Wrong,
}

/// <param name="Kind">`parquet`, `png`, `jpeg` or `webp`.</param>
/// <param name="Path">Relative to the corpus.</param>
/// <param name="Text">Figures, or the message.</param>
internal sealed record Result(Verdict Verdict, string Kind, string Path, string Text)
{
    public override string ToString() =>
        $"{Verdict.ToString().ToLowerInvariant(),-8}  {Kind,-7}  {Path}  {Text}";
}

/// <summary>Counts of verdicts by kind and folder.</summary>
internal sealed class Table
{
    private readonly SortedDictionary<(string Kind, string Folder), int[]> _rows = [];

    public int Count => _rows.Values.Sum(r => r.Sum());

    public int Of(Verdict verdict) => _rows.Values.Sum(r => r[(int)verdict]);

    public void Add(Result result)
    {
        string folder = System.IO.Path.GetDirectoryName(result.Path) is { Length: > 0 } name
            ? name
            : ".";
        if (!_rows.TryGetValue((result.Kind, folder), out int[]? row))
        {
            _rows[(result.Kind, folder)] = row = new int[Enum.GetValues<Verdict>().Length];
        }
        row[(int)result.Verdict]++;
    }

    public override string ToString()
    {
        int width = Math.Max(6, _rows.Keys.Select(k => k.Folder.Length).DefaultIfEmpty(0).Max());
        var text = new System.Text.StringBuilder();
        string[] names = Enum.GetNames<Verdict>();
        Line("kind", "folder", ["files", .. names.Select(n => n.ToLowerInvariant())]);
        foreach (((string kind, string folder), int[] row) in _rows)
        {
            Line(kind, folder, Figures(row));
        }
        Line("all", "", Figures([.. names.Select((_, i) => Of((Verdict)i))]));
        return text.ToString();

        void Line(string kind, string folder, string[] cells) =>
            text.AppendLine($"{kind,-7}  {folder.PadRight(width)}"
                + string.Concat(cells.Select(c => c.PadLeft(10))));
    }

    private static string[] Figures(int[] row) =>
        [.. row.Prepend(row.Sum()).Select(n => n.ToString(CultureInfo.InvariantCulture))];
}
