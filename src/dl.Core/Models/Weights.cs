// The weights of a model. They lie in one run of device memory (an arena): those with weight decay
// first, then those without, then what does not train (running statistics). Gradients lie in a
// second run of the same form: an optimiser step is one launch a group, and a checkpoint of the
// optimiser is a copy of such runs.
using Dl.Layers;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Models;

/// <summary>A named weight.</summary>
/// <param name="Offset">First element within the arena.</param>
public sealed record Parameter(string Name, ParameterSpec Spec, Tensor Tensor, long Offset);

/// <summary>A run of the arena that optimisers treat alike.</summary>
/// <param name="Offset">First element within the arena.</param>
/// <param name="Count">Elements, gaps included.</param>
/// <param name="Decays">Weight decay and L1 apply.</param>
/// <param name="Parameters">The weights in it, in the order of the arena.</param>
public sealed record ParameterGroup(
    Storage Values, Storage Gradients, long Offset, int Count, bool Decays,
    IReadOnlyList<Parameter> Parameters);

/// <summary>All weights of a model on one device.</summary>
public sealed class Weights : IDisposable
{
    private readonly Storage _values;
    private readonly Storage _gradients;
    private readonly Device _device;
    private readonly Parameter[] _all;

    /// <param name="specs">Full names (`conv1.weight`) with what they need, in graph order.</param>
    public Weights(Device device, IReadOnlyList<(string Name, ParameterSpec Spec)> specs)
    {
        _device = device;
        var offsets = new long[specs.Count];
        long decaying = Lay(specs, s => s.Trains && s.Decays, 0, offsets);
        long trained = Lay(specs, s => s.Trains && !s.Decays, decaying, offsets);
        long total = Lay(specs, s => !s.Trains, trained, offsets);
        Length = Math.Max(total, Device.SliceAlignment);
        var arenas = device.RentAll(DType.F32, [Length, Length]);
        (_values, _gradients) = (arenas[0], arenas[1]);
        // The gaps between weights stay zero for ever, whatever an optimiser does to the run.
        device.Fill(_values, checked((int)Length), 0);
        device.Fill(_gradients, (int)Length, 0);
        var all = new Parameter[specs.Count];
        for (int i = 0; i < all.Length; i++)
        {
            long count = specs[i].Spec.Shape.Count;
            var values = device.Slice(_values, offsets[i], count);
            var tensor = specs[i].Spec.Trains
                ? Tensor.Parameter(
                    specs[i].Spec.Shape, values, device.Slice(_gradients, offsets[i], count))
                : new Tensor(specs[i].Spec.Shape, values);
            all[i] = new Parameter(specs[i].Name, specs[i].Spec, tensor, offsets[i]);
        }
        _all = all;
        var groups = new List<ParameterGroup>();
        AddGroup(groups, 0, decaying, true);
        AddGroup(groups, decaying, trained, false);
        Groups = groups;
        Trained = checked((int)trained);
        Gradients = trained > 0 ? device.Slice(_gradients, 0, trained) : _gradients;
    }

    /// <summary>In graph order.</summary>
    public IReadOnlyList<Parameter> All => _all;

    /// <summary>What trains: first the weights that decay, then the others.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The gradients of all groups as one run of <see cref="Trained"/>.</summary>
    public Storage Gradients { get; }

    /// <summary>Elements of the arena that train, gaps (whose gradients are 0) included.</summary>
    public int Trained { get; }

    /// <summary>Elements of the arena, gaps included.</summary>
    public long Length { get; }

    /// <summary>
    /// Fills every weight by its initialiser, or those that decay by a named one.
    /// </summary>
    public void Initialize(Rng rng, string? initializer = null)
    {
        foreach (var parameter in All)
        {
            var spec = parameter.Spec;
            var start = spec.Decays && initializer is not null
                ? Initializers.Find(initializer) : Initializers.Of(spec);
            var values = new float[spec.Shape.Count];
            start.Fill(values, spec, rng);
            if (spec.ZeroRow is { } row)
            {
                values.AsSpan(row * spec.Shape.Last, spec.Shape.Last).Clear();
            }
            _device.Write(parameter.Tensor.Storage, values);
        }
    }

    /// <summary>Forgets gradients; the next backward pass overwrites them.</summary>
    public void ClearGradients()
    {
        foreach (var parameter in _all)
        {
            parameter.Tensor.ClearGradient();
        }
    }

    /// <summary>After a backward pass: weights that nothing reached have gradient zero.</summary>
    public void CompleteGradients()
    {
        foreach (var parameter in _all)
        {
            var cell = parameter.Tensor.Cell;
            if (parameter.Spec.Trains && !cell.HasGradient)
            {
                _device.Fill(cell.Gradient!, (int)parameter.Spec.Shape.Count, 0);
                cell.HasGradient = true;
            }
        }
    }

    /// <summary>The whole arena, for snapshots: the same bits come back through Restore.</summary>
    public float[] Snapshot()
    {
        var values = new float[Length];
        _device.Read(_values, values);
        return values;
    }

    public void Restore(ReadOnlySpan<float> snapshot) => _device.Write(_values, snapshot);

    /// <summary>Copies the arena into memory of its length, on the device.</summary>
    public void CopyTo(Storage target) => Copy(_values, target);

    /// <summary>Takes an arena's values back, on the device.</summary>
    public void CopyFrom(Storage source) => Copy(source, _values);

    /// <summary>Moves an average towards the weights: average += share * (w - average).</summary>
    public void BlendInto(Storage average, float share) =>
        _device.Blend(_values, average, (int)Length, share);

    /// <summary>Multiplies all gradients of the last backward passes.</summary>
    public void ScaleGradients(float factor) =>
        _device.Unary(UnaryOps.Scale, _gradients, _gradients, (int)Length, factor);

    public void Dispose()
    {
        _device.Return(_values);
        _device.Return(_gradients);
    }

    private void Copy(Storage from, Storage to) =>
        _device.Unary(UnaryOps.Linear, from, to, (int)Length, 0);

    private static long Lay(
        IReadOnlyList<(string Name, ParameterSpec Spec)> specs, Predicate<ParameterSpec> belongs,
        long start, long[] offsets)
    {
        for (int i = 0; i < specs.Count; i++)
        {
            if (belongs(specs[i].Spec))
            {
                offsets[i] = start;
                start = Device.AlignSlice(start + specs[i].Spec.Shape.Count);
            }
        }
        return start;
    }

    private void AddGroup(List<ParameterGroup> groups, long from, long to, bool decays)
    {
        if (to > from)
        {
            groups.Add(new ParameterGroup(
                _device.Slice(_values, from, to - from), _device.Slice(_gradients, from, to - from),
                from, checked((int)(to - from)), decays,
                [.. All.Where(p => p.Spec.Trains && p.Spec.Decays == decays)]));
        }
    }
}
