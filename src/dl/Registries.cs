// `dl info --list KIND`: the names that options take, from the registries that hold them.
using Dl.Benchmarks;
using Dl.Cli.Options;
using Dl.Data.Checks;
using Dl.Generation;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Training;

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
        ("models", "architectures for fit --model",
            () => Zoo.All.Select(m => new Entry(m.Name, m.Description))),
        ("layers", "layers of graph files",
            () => LayerJson.Kinds.Select(k => new Entry(k, LayerDescriptions.Of(k)))),
        ("activations", "functions between layers",
            () => Activations.All.Select(a => new Entry(a.Name, a.Description))),
        ("initializers", "starts of weights for fit --init",
            () => Initializers.All.Select(i => new Entry(i.Name, i.Description))),
        ("tasks", "what a model is for, fit --task",
            () => LearningTask.All.Select(t => new Entry(t.Kind, t.Description))),
        ("losses", "what training makes small, fit --loss",
            () => Losses.All.Select(l => new Entry(l.Name, l.Description))),
        ("metrics", "how good a model is, predict --score and fit --metric",
            () => Metrics.All.Select(m => new Entry(
                m.Metric.Name, $"{m.Metric.Description} ({m.Tasks})"))),
        ("toys", "made-up data for gen --toy",
            () => Toys.All.Select(t => new Entry(t.Name, t.Summary))),
        ("optimizers", "how weights follow gradients, fit --optimizer",
            () => Optimizers.All.Select(o => new Entry(o.Name, o.Summary))),
        ("benchmarks", "workloads and parts that bench measures", () =>
            Workloads.All.Select(w => new Entry(w.Name, w.Description))
                .Concat(Parts.All.Select(p => new Entry(p.Name, p.Description)))
                .Append(new Entry(
                    Commands.BenchImages.Name, Commands.BenchImages.Description))
                .Append(new Entry(
                    Commands.BenchIngest.Name, Commands.BenchIngest.Description))),
        ("checks", "what check looks for in data",
            () => CheckList.All.Select(c => new Entry(c.Code, c.Description))),
        ("schedules", "how the learning rate runs, fit --schedule",
            () => Schedules.All.Select(s => new Entry(s.Name, s.Description))),
    ];

    public static bool Has(string kind) => Array.Exists(Kinds, k => k.Kind == kind);

    /// <summary>A name, a tab and its explanation a line; or objects with the same.</summary>
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
            string says = entry.Says.Length > 0 ? "\t" + entry.Says : "";
            writer.Write(json
                ? JsonLine.Object(("name", entry.Name), ("about", entry.Says)) + "\n"
                : $"{entry.Name}{says}\n");
        }
    }

    private static IEnumerable<Entry> ListKinds() => Kinds.Select(k => new Entry(k.Kind, k.Says));

    private static IEnumerable<Entry> ListCommands() =>
        CliApp.Listed().Select(c => new Entry(c.Name, c.Summary));
}
