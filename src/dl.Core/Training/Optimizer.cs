// An optimiser at work on the weights of one model: clipping, then the rule over each group. State
// lies in one run a name over all groups, so a checkpoint is a copy of a few runs. Nothing in a
// step waits for the device.
using Dl.Models;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>A rule at work on the weights of one model.</summary>
public sealed class Optimizer : IDisposable
{
    /// <summary>As torch.nn.utils.clip_grad_norm_ guards against a norm of zero.</summary>
    private const float NormEpsilon = 1e-6f;

    private const string RateName = "optimizer.rate";

    private readonly Device _device;
    private readonly Weights _weights;
    private readonly IUpdateMethod _method;
    private readonly Storage[] _state;
    private readonly int[] _lengths;
    private readonly GroupStep[] _steps;
    private readonly Storage _norm;
    private readonly double _decay;
    private bool _normKnown;

    // A float, because a checkpoint keeps no more: a run taken up must go on with the same bits.
    private float _rate;

    /// <param name="momentum">Null: the rule's own; likewise the weight decay.</param>
    public Optimizer(
        OptimizerRule rule, Weights weights, Device device, double? momentum, double? weightDecay)
        : this(
            OptimizerSettings.Of(rule).WithOption("momentum", "momentum", momentum)
                .WithOption("weight decay", "weight_decay", weightDecay),
            weights, device)
    {
    }

    public Optimizer(OptimizerSettings settings, Weights weights, Device device)
    {
        (Settings, _weights, _device) = (settings, weights, device);
        _method = settings.Rule.Method(settings);
        _decay = settings["weight_decay"];
        _lengths = new int[_method.State.Count];
        for (int i = 0; i < _lengths.Length; i++)
        {
            foreach (var group in weights.Groups)
            {
                _lengths[i] = checked(_lengths[i] + StateLength(i, group));
            }
        }
        var runs = device.RentAll(
            DType.F32, [1, .. _lengths.Select(length => Math.Max(1L, length))]);
        (_norm, _state) = (runs[0], runs[1..]);
        for (int i = 0; i < _state.Length; i++)
        {
            device.Fill(_state[i], _lengths[i], _method.Start(i));
        }
        _steps = BindGroups();
    }

    public OptimizerSettings Settings { get; }

    public OptimizerRule Rule => Settings.Rule;

    /// <summary>Steps done.</summary>
    public long Steps { get; set; }

    /// <summary>
    /// Every element of a gradient is cut off at plus and minus this, before its norm is taken;
    /// null: not at all.
    /// </summary>
    public double? ClipValue { get; init; }

    /// <summary>
    /// L1 by proximal steps: after an update every weight that decays is moved by rate * L1 to 0,
    /// and stops there (Duchi and Singer 2009). So weights become exactly 0 under any rule.
    /// </summary>
    public double L1 { get; init; }

    /// <summary>One update from the gradients of the last backward pass.</summary>
    public void Step(double rate, double? clipNorm)
    {
        _weights.CompleteGradients();
        Steps++;
        _normKnown = false;
        if (ClipValue is { } most)
        {
            _device.ClipValue(_weights.Gradients, _weights.Trained, (float)most);
        }
        if (clipNorm is { } limit)
        {
            MeasureNorm();
            _device.ClipNorm(
                _weights.Gradients, _norm, _weights.Trained, (float)limit, NormEpsilon);
        }
        for (int g = 0; g < _steps.Length; g++)
        {
            bool decays = _weights.Groups[g].Decays;
            _steps[g](new StepNumbers(
                rate, _rate, decays ? _decay : 0, decays ? L1 : 0, Steps));
        }
        _rate = (float)rate;
        _weights.ClearGradients();
    }

    /// <summary>
    /// Norm of the gradient of the last step over all weights, before it was clipped to a norm.
    /// Waits for the device. To be asked for before the next backward pass.
    /// </summary>
    public double GradientNorm()
    {
        if (!_normKnown)
        {
            MeasureNorm();
        }
        return _device.ReadScalar(_norm);
    }

    /// <summary>State by name, for a checkpoint.</summary>
    public IEnumerable<(string Name, float[] Values)> Snapshot()
    {
        for (int i = 0; i < _state.Length; i++)
        {
            var values = new float[_lengths[i]];
            _device.Read(_state[i], values);
            yield return ($"optimizer.{_method.State[i]}", values);
        }
        yield return (RateName, [_rate]);
    }

    /// <summary>Takes back what <see cref="Snapshot"/> gave; Steps is set apart.</summary>
    /// <exception cref="DataException">A run has another length.</exception>
    public void Restore(Func<string, float[]> read)
    {
        for (int i = 0; i < _state.Length; i++)
        {
            _device.Write(_state[i], Checked(read, $"optimizer.{_method.State[i]}", _lengths[i]));
        }
        _rate = Checked(read, RateName, 1)[0];
    }

    public void Dispose()
    {
        foreach (var storage in _state)
        {
            _device.Return(storage);
        }
        _device.Return(_norm);
    }

    /// <summary>Each group with its part of every run.</summary>
    private GroupStep[] BindGroups()
    {
        var steps = new GroupStep[_weights.Groups.Count];
        var offsets = new long[_state.Length];
        for (int g = 0; g < steps.Length; g++)
        {
            var group = _weights.Groups[g];
            var parts = new Storage[_state.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                int length = StateLength(i, group);
                parts[i] = _device.Slice(_state[i], offsets[i], length);
                offsets[i] += length;
            }
            steps[g] = _method.Bind(_device, group, parts);
        }
        return steps;
    }

    /// <summary>Elements of a run of state for a group, gaps between weights included.</summary>
    private int StateLength(int run, ParameterGroup group)
    {
        long length = 0;
        foreach (var parameter in group.Parameters)
        {
            length += Device.AlignSlice(_method.StateLength(run, parameter.Spec.Shape));
        }
        return checked((int)length);
    }

    private void MeasureNorm()
    {
        _device.GradientNorm(_weights.Gradients, _norm, _weights.Trained);
        _normKnown = true;
    }

    private static float[] Checked(Func<string, float[]> read, string name, int length)
    {
        float[] values = read(name);
        return values.Length == length
            ? values
            : throw new DataException(
                $"{name}: {values.Length} numbers stored, {length} expected; remove the "
                + "checkpoint to start again");
    }
}
