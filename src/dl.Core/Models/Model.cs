using Dl.Layers;
using Dl.Tensors;

namespace Dl.Models;

/// <summary>A graph and its weights on a device.</summary>
public sealed class Model : IDisposable
{
    /// <summary>What the names of a loss's own weights begin with.</summary>
    public const string LossPrefix = "loss.";

    private readonly GraphStep[] _steps;
    private readonly Tensor[][] _weights;

    // What each layer reads and gives, in memory that serves every run.
    private readonly Tensor[][] _inputs;
    private readonly Tensor[] _outputs;
    private readonly bool _frozen;

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
        _steps = [.. Plan.Steps];
        _weights = new Tensor[_steps.Length][];
        _inputs = new Tensor[_steps.Length][];
        _outputs = new Tensor[_steps.Length];
        int next = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            _frozen |= _steps[i].Frozen;
            _inputs[i] = new Tensor[_steps[i].Sources.Length];
            _weights[i] = new Tensor[_steps[i].Parameters.Count];
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
        var still = pass.Training && _frozen
            ? pass with { Training = false, Dropping = false } : pass;
        for (int i = 0; i < _steps.Length; i++)
        {
            var step = _steps[i];
            var inputs = _inputs[i];
            for (int j = 0; j < inputs.Length; j++)
            {
                inputs[j] = step.Sources[j] < 0 ? input : _outputs[step.Sources[j]];
            }
            _outputs[i] = step.Layer.Forward(step.Frozen ? still : pass, inputs, _weights[i]);
            layerDone?.Invoke(step.Layer, _outputs[i]);
        }
        return Plan.OutputStep < 0 ? input : _outputs[Plan.OutputStep];
    }

    public void Dispose() => Weights.Dispose();
}
