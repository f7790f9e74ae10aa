using Dl.Layers;
using Dl.Tensors;

namespace Dl.Models;

/// <summary>A graph and its weights on a device.</summary>
public sealed class Model : IDisposable
{
    /// <summary>What the names of a loss's own weights begin with.</summary>
    public const string LossPrefix = "loss.";

    private readonly Tensor[][] _weights;

    /// <param name="graph">Resolved: every layer is named and the input shape known.</param>
    /// <param name="lossParameters">What the loss learns beside the layers: `loss.NAME`.</param>
    /// <exception cref="UsageException">The graph does not fit together.</exception>
    public Model(
        Graph graph, Device device, IReadOnlyList<ParameterSpec>? lossParameters = null)
        : this(graph, graph.Plan(), device, lossParameters)
    {
    }

    /// <param name="plan">Of the graph; its frozen steps keep their weights.</param>
    public Model(
        Graph graph, GraphPlan plan, Device device,
        IReadOnlyList<ParameterSpec>? lossParameters = null)
    {
        Graph = graph;
        Device = device;
        Plan = plan;
        var specs = new List<(string, ParameterSpec)>();
        foreach (var step in Plan.Steps)
        {
            foreach (var spec in step.Parameters)
            {
                specs.Add(($"{step.Layer.Name}.{spec.Name}",
                    step.Frozen ? spec with { Trains = false } : spec));
            }
        }
        foreach (var spec in lossParameters ?? [])
        {
            string name = LossPrefix + spec.Name;
            if (specs.Exists(other => other.Item1 == name))
            {
                throw new UsageException(
                    $"layer 'loss': its weight '{name}' has the name of a weight of the loss; "
                    + "call the layer otherwise");
            }
            specs.Add((name, spec));
        }
        Weights = new Weights(device, specs);
        _weights = new Tensor[Plan.Steps.Count][];
        int next = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            _weights[i] = new Tensor[Plan.Steps[i].Parameters.Count];
            for (int j = 0; j < _weights[i].Length; j++)
            {
                _weights[i][j] = Weights.All[next++].Tensor;
            }
        }
        LossWeights = [.. Weights.All.Skip(next).Select(parameter => parameter.Tensor)];
    }

    public Graph Graph { get; }

    public GraphPlan Plan { get; }

    public Device Device { get; }

    public Weights Weights { get; }

    /// <summary>What the loss learns, in the order in which it names them.</summary>
    public IReadOnlyList<Tensor> LossWeights { get; }

    /// <summary>Runs a batch (batch, input...) to (batch, output...).</summary>
    /// <param name="layerDone">Sees the output of each layer as soon as it is computed.</param>
    public Tensor Forward(Pass pass, Tensor input, Action<Layer, Tensor>? layerDone = null)
    {
        // What is frozen behaves as when it is used: no dropout, and statistics that stay.
        var still = pass.Training
            ? pass with { Training = false, Dropping = false } : pass;
        var outputs = new Tensor[Plan.Steps.Count];
        for (int i = 0; i < outputs.Length; i++)
        {
            var step = Plan.Steps[i];
            var inputs = new Tensor[step.Sources.Length];
            for (int j = 0; j < inputs.Length; j++)
            {
                inputs[j] = step.Sources[j] < 0 ? input : outputs[step.Sources[j]];
            }
            outputs[i] = step.Layer.Forward(step.Frozen ? still : pass, inputs, _weights[i]);
            layerDone?.Invoke(step.Layer, outputs[i]);
        }
        return Plan.OutputStep < 0 ? input : outputs[Plan.OutputStep];
    }

    public void Dispose() => Weights.Dispose();
}
