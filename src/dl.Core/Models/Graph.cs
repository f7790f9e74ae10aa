// A model's architecture as data: named layers joined by names. Reading it checks every name and
// every shape, so that what runs later cannot fail on them.
using System.Text.Json.Serialization;
using Dl.Layers;
using Dl.Tensors;

namespace Dl.Models;

/// <summary>Layers in the order in which they run.</summary>
public sealed record Graph
{
    /// <summary>Shape of one input sample, channels last; null in a file: the data's own.</summary>
    public int[]? Input { get; init; }

    public required Layer[] Layers { get; init; }

    /// <summary>Name of the layer whose output is the model's; null: the last one.</summary>
    public string? Output { get; init; }

    [JsonIgnore]
    public Shape InputShape => new(Input ?? throw new UsageException("graph: no input shape"));

    /// <summary>
    /// Resolves names and shapes: every layer gets a name, and a dense layer with 0 units gets
    /// <paramref name="outputs"/>.
    /// </summary>
    /// <exception cref="UsageException">A name or a shape does not fit; names the
    /// layer.</exception>
    public Graph Resolve(Shape input, int outputs)
    {
        if (Input is not null && new Shape(Input) != input)
        {
            throw new UsageException(
                $"graph: made for input {new Shape(Input)}, the data has {input}");
        }
        var counts = new Dictionary<string, int>();
        var layers = new Layer[Layers.Length];
        for (int i = 0; i < layers.Length; i++)
        {
            var layer = Layers[i];
            string kind = LayerJson.KindOf(layer);
            int count = counts[kind] = counts.GetValueOrDefault(kind) + 1;
            layer = layer with { Name = layer.Name ?? $"{kind}_{count}" };
            layers[i] = layer is Dense { Units: 0 } dense ? dense with { Units = outputs } : layer;
        }
        return this with { Input = input.ToArray(), Layers = layers };
    }

    /// <summary>Checks the graph and works out every shape and weight.</summary>
    public GraphPlan Plan() => GraphPlan.Create(this);
}

/// <summary>One layer with what it reads, what it gives and what it weighs.</summary>
/// <param name="Sources">Indices of earlier steps; -1 is the input.</param>
/// <param name="Uses">How often a sample passes through each matrix.</param>
public sealed record GraphStep(
    Layer Layer, int[] Sources, Shape Output, IReadOnlyList<ParameterSpec> Parameters,
    long Uses)
{
    /// <summary>Multiply-adds of one sample's forward pass through its matrices.</summary>
    public long MultiplyAdds => Parameters.Sum(p => p.Decays ? p.Shape.Count * Uses : 0);

    /// <summary>Its weights stay as they are, and it runs as in use while others train.</summary>
    public bool Frozen { get; init; }
}

/// <summary>A checked graph: what runs, in order.</summary>
public sealed record GraphPlan(Shape Input, IReadOnlyList<GraphStep> Steps, int OutputStep)
{
    /// <summary>Shape of one output sample.</summary>
    public Shape Output => OutputStep < 0 ? Input : Steps[OutputStep].Output;

    /// <summary>Numbers that training moves; running statistics are not among them.</summary>
    public long ParameterCount => Steps.Sum(
        s => s.Parameters.Sum(p => p.Trains ? p.Shape.Count : 0));

    /// <summary>Multiply-adds of one sample's forward pass through matrices and filters.</summary>
    public long MultiplyAdds => Steps.Sum(step => step.MultiplyAdds);

    internal static GraphPlan Create(Graph graph)
    {
        if (graph.Layers.Length == 0)
        {
            throw new UsageException("graph: no layers");
        }
        var index = new Dictionary<string, int> { ["input"] = -1 };
        var steps = new List<GraphStep>(graph.Layers.Length);
        for (int i = 0; i < graph.Layers.Length; i++)
        {
            var layer = graph.Layers[i];
            string name = layer.Name ?? throw new UsageException($"graph: layer {i} has no name");
            if (name.Length == 0 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not '_'
                and not '-'))
            {
                throw new UsageException(
                    $"graph: layer name '{name}', expected letters, digits, - and _");
            }
            int[] sources = layer.Inputs is null
                ? [i - 1]
                : [.. layer.Inputs.Select(n => Find(index, n, name))];
            if (!index.TryAdd(name, i))
            {
                throw new UsageException($"graph: two layers are called '{name}'");
            }
            var shapes = sources.Select(s => s < 0 ? graph.InputShape : steps[s].Output).ToArray();
            steps.Add(Step(layer, name, sources, shapes));
        }
        int output = graph.Output is null
            ? steps.Count - 1
            : Find(index, graph.Output, "output");
        return new GraphPlan(graph.InputShape, steps, output);
    }

    private static GraphStep Step(Layer layer, string name, int[] sources, Shape[] shapes)
    {
        try
        {
            var output = layer.OutputShape(shapes);
            return new GraphStep(
                layer, sources, output, layer.Parameters(shapes), layer.Uses(shapes, output));
        }
        catch (UsageException e)
        {
            throw new UsageException($"layer '{name}': {e.Message}", e);
        }
        catch (OverflowException e)
        {
            throw new UsageException($"layer '{name}': its output is too large", e);
        }
    }

    private static int Find(Dictionary<string, int> index, string name, string user) =>
        index.TryGetValue(name, out int i)
            ? i
            : throw new UsageException(
                $"layer '{user}': {Nearest.Unknown("earlier layer", name, index.Keys)}");
}
