// `dl info --list KIND`: the names that options take, from the registries that hold them.
using System.Text.Json;
using Dl.Cli.Options;

namespace Dl.Cli;

/// <summary>A name and one line about it.</summary>
internal sealed record Entry(string Name, string Says);

internal static class Registries
{
    /// <summary>Every kind there is; a kind is read only when it is asked for.</summary>
    private static readonly (string Kind, string Says, Func<IEnumerable<Entry>> Read)[] Kinds =
    [
        ("kinds", "what --list knows", ListKinds),
        ("commands", "commands of dl", ListCommands),
    ];

    public static bool Has(string kind) => Array.Exists(Kinds, k => k.Kind == kind);

    /// <summary>A name a line, its explanation behind a tab; or objects with `name` and `about`.</summary>
    /// <exception cref="UsageException">No such kind.</exception>
    public static void Print(string kind, bool json, TextWriter writer)
    {
        int index = Array.FindIndex(Kinds, k => k.Kind == kind);
        if (index < 0)
        {
            throw new UsageException(Nearest.Unknown("kind", kind, Kinds.Select(k => k.Kind)));
        }
        foreach (Entry entry in Kinds[index].Read())
        {
            writer.Write(json ? Json(entry) : $"{entry.Name}\t{entry.Says}\n");
        }
    }

    private static string Json(Entry entry) =>
        $"{{\"name\": {Quote(entry.Name)}, \"about\": {Quote(entry.Says)}}}\n";

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static IEnumerable<Entry> ListKinds() => Kinds.Select(k => new Entry(k.Kind, k.Says));

    private static IEnumerable<Entry> ListCommands() =>
        CliApp.Listed().Select(c => new Entry(c.Name, c.Summary));
}
