// Optimisers by name. A rule names its state (runs of memory as long as the weights), its defaults
// and the device's fused step over one group of weights; the loop over groups is here.
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>The numbers of one step.</summary>
/// <param name="Decay">Weight decay; 0 for groups that do not decay.</param>
/// <param name="Step">Counts from 1.</param>
public readonly record struct StepNumbers(float Rate, float Momentum, float Decay, long Step);

/// <summary>Updates one group of weights; state runs are in the rule's order.</summary>
public delegate void StepRule(
    Device device, ParameterGroup group, ReadOnlySpan<Storage> state, StepNumbers numbers);

/// <summary>A named optimiser and its defaults.</summary>
/// <param name="State">Names of its state runs, as checkpoints store them.</param>
public sealed record OptimizerRule(
    string Name, string Description, double LearningRate, double Momentum, double WeightDecay,
    string[] State, StepRule Step);

public static class Optimizers
{
    /// <summary>Every optimiser, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<OptimizerRule> All { get; } =
    [
        new("sgd", "stochastic gradient descent; --momentum", 0.1, 0, 0, ["momentum"], Sgd),
        new("momentum", "SGD with momentum 0.9 (Polyak 1964)", 0.02, 0.9, 0, ["momentum"], Sgd),
        new("nesterov", "SGD with Nesterov's momentum 0.9", 0.02, 0.9, 0, ["momentum"], Nesterov),
        new("adam", "Adam (Kingma and Ba 2015)", 0.001, 0, 0, ["m", "v"], Adam),
        new("adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
            0.001, 0, 0.01, ["m", "v"], AdamW),
    ];

    /// <exception cref="UsageException">No optimiser has this name.</exception>
    public static OptimizerRule Find(string name)
    {
        foreach (var rule in All)
        {
            if (rule.Name == name)
            {
                return rule;
            }
        }
        throw new UsageException(Nearest.Unknown("optimizer", name, All.Select(r => r.Name)));
    }

    private static void Sgd(
        Device device, ParameterGroup group, ReadOnlySpan<Storage> state, StepNumbers n) =>
        device.SgdStep(
            group.Values, group.Gradients, n.Momentum == 0 ? null : state[0], group.Count, n.Rate,
            n.Momentum, n.Decay, false);

    private static void Nesterov(
        Device device, ParameterGroup group, ReadOnlySpan<Storage> state, StepNumbers n) =>
        device.SgdStep(
            group.Values, group.Gradients, state[0], group.Count, n.Rate, n.Momentum, n.Decay,
            true);

    private static void Adam(
        Device device, ParameterGroup group, ReadOnlySpan<Storage> state, StepNumbers n) =>
        device.AdamStep(
            group.Values, group.Gradients, state[0], state[1], group.Count, AdamNumbers(n, false));

    private static void AdamW(
        Device device, ParameterGroup group, ReadOnlySpan<Storage> state, StepNumbers n) =>
        device.AdamStep(
            group.Values, group.Gradients, state[0], state[1], group.Count, AdamNumbers(n, true));

    private static AdamSettings AdamNumbers(StepNumbers n, bool decoupled) => new(
        n.Rate, 0.9f, 0.999f, 1e-8f, n.Decay, decoupled,
        (float)(1 - Math.Pow(0.9, n.Step)), (float)(1 - Math.Pow(0.999, n.Step)));
}

/// <summary>A rule at work on the weights of one model.</summary>
public sealed class Optimizer : IDisposable
{
    private readonly Device _device;
    private readonly Weights _weights;
    private readonly Storage[] _state;
    private readonly Storage[][] _slices;
    private readonly Storage _norm;
    private readonly float _momentum;
    private readonly float _decay;

    /// <param name="momentum">Null: the rule's own; likewise the weight decay.</param>
    public Optimizer(
        OptimizerRule rule, Weights weights, Device device, double? momentum, double? weightDecay)
    {
        Rule = rule;
        (_weights, _device) = (weights, device);
        _momentum = (float)(momentum ?? rule.Momentum);
        _decay = (float)(weightDecay ?? rule.WeightDecay);
        _norm = device.Rent(DType.F32, 1);
        _state = new Storage[rule.State.Length];
        for (int i = 0; i < _state.Length; i++)
        {
            _state[i] = device.Rent(DType.F32, weights.Length);
            device.Fill(_state[i], checked((int)weights.Length), 0);
        }
        _slices = new Storage[weights.Groups.Count][];
        for (int g = 0; g < _slices.Length; g++)
        {
            var group = weights.Groups[g];
            _slices[g] = new Storage[_state.Length];
            for (int i = 0; i < _state.Length; i++)
            {
                _slices[g][i] = device.Slice(_state[i], group.Offset, group.Count);
            }
        }
    }

    public OptimizerRule Rule { get; }

    /// <summary>Steps done.</summary>
    public long Steps { get; set; }

    /// <summary>One update from the gradients of the last backward pass.</summary>
    public void Step(double rate, double? clipNorm)
    {
        _weights.CompleteGradients();
        Steps++;
        if (clipNorm is { } limit)
        {
            Clip((float)limit);
        }
        for (int g = 0; g < _slices.Length; g++)
        {
            var group = _weights.Groups[g];
            Rule.Step(_device, group, _slices[g], new StepNumbers(
                (float)rate, _momentum, group.Decays ? _decay : 0, Steps));
        }
        _weights.ClearGradients();
    }

    /// <summary>State by name, for a checkpoint.</summary>
    public IEnumerable<(string Name, float[] Values)> Snapshot()
    {
        for (int i = 0; i < _state.Length; i++)
        {
            var values = new float[_weights.Length];
            _device.Read(_state[i], values);
            yield return ($"optimizer.{Rule.State[i]}", values);
        }
    }

    /// <summary>Takes back what <see cref="Snapshot"/> gave.</summary>
    public void Restore(Func<string, float[]> read)
    {
        for (int i = 0; i < _state.Length; i++)
        {
            _device.Write(_state[i], read($"optimizer.{Rule.State[i]}"));
        }
    }

    public void Dispose()
    {
        foreach (var storage in _state)
        {
            _device.Return(storage);
        }
        _device.Return(_norm);
    }

    /// <summary>Scales all gradients together so that their norm is at most the limit.</summary>
    private void Clip(float limit)
    {
        double sum = 0;
        foreach (var group in _weights.Groups)
        {
            var squares = _device.Rent(DType.F32, group.Count);
            _device.Unary(UnaryOps.Square, group.Gradients, squares, group.Count, 0);
            _device.ReduceSum(squares, _norm, 1, group.Count, 1, 1, 0);
            sum += _device.ReadScalar(_norm);
            _device.Return(squares);
        }
        // As torch.nn.utils.clip_grad_norm_ has it, with its guard against a zero norm.
        float factor = (float)(limit / (Math.Sqrt(sum) + 1e-6));
        if (factor < 1)
        {
            foreach (var group in _weights.Groups)
            {
                _device.Unary(
                    UnaryOps.Scale, group.Gradients, group.Gradients, group.Count, factor);
            }
        }
    }
}
