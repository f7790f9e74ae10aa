// Reverse-mode differentiation. Each op leaves a step while it runs forward; Backward runs the
// steps in reverse order. The tape owns every intermediate, so all memory goes back to the pool at
// once: no finalizers, no Dispose inside ops.
//
// A training step is the same ops again and again, so the tape's own objects serve again as well:
// the tensors it gave out, and the step at the same place of the last run. In the steady state
// nothing is allocated.
//
// Who owns a gradient: it belongs to its tensor until the steps that the tensor was computed by
// have run. A step may pass the one that it was given on to an input (WantsInPlace), which then
// owns it; an op in place (RecordInPlace) changes it and leaves it to the step before.
namespace Dl.Tensors;

/// <summary>How a gradient flows back through one op.</summary>
/// <param name="dy">Gradient of the output.</param>
/// <param name="state">What the op kept when it ran forward.</param>
public delegate void BackwardStep<T>(Tape tape, Storage dy, in T state);

/// <summary>Records what was computed on one device, for one step.</summary>
/// <param name="device">Where everything on this tape lives.</param>
/// <param name="recording">False for inference: nothing is kept for a backward pass.</param>
public sealed class Tape(Device device, bool recording = true) : IDisposable
{
    // Steps and tensors behind the counts are those of an earlier run, to be used again.
    private readonly List<Step> _steps = [];
    private readonly List<Tensor> _tensors = [];
    private readonly List<Storage?> _owned = [];

    /// <summary>What lives to the reset though <see cref="FreesEarly"/>.</summary>
    private readonly List<Storage?> _kept = [];
    private int _stepCount;
    private int _tensorCount;
    private Cell? _current;

    public Device Device { get; } = device;

    public bool Recording { get; } = recording;

    /// <summary>Steps that the next backward pass will run, last first.</summary>
    public int Recorded => _stepCount;

    /// <summary>
    /// The backward pass returns what the ops left behind as soon as it has read it, so that
    /// gradients take the place of activations. After it, only the loss and what
    /// <see cref="Keep"/> named are readable.
    /// </summary>
    public bool FreesEarly { get; init; }

    /// <summary>
    /// A tensor for an op's output, contents undefined, alive until <see cref="Reset"/>.
    /// </summary>
    public Tensor New(Shape shape, DType type = DType.F32)
    {
        var storage = Rent(type, shape.Count);
        if (_tensorCount == _tensors.Count)
        {
            _tensors.Add(new Tensor(shape, storage));
            return _tensors[_tensorCount++];
        }
        var tensor = _tensors[_tensorCount++];
        tensor.Renew(shape, storage);
        return tensor;
    }

    /// <summary>Memory that lives until <see cref="Reset"/>.</summary>
    public Storage Rent(DType type, long length)
    {
        var storage = Device.Rent(type, length);
        // What a step rents while it runs backward may be meant for a step before it.
        (_current is null ? _owned : _kept).Add(storage);
        return storage;
    }

    /// <summary>A tensor with values from the host.</summary>
    public Tensor Input(Shape shape, ReadOnlySpan<float> values)
    {
        var tensor = New(shape);
        Device.Write(tensor.Storage, values);
        return tensor;
    }

    /// <summary>An index tensor with values from the host.</summary>
    public Tensor Input(Shape shape, ReadOnlySpan<int> values)
    {
        var tensor = New(shape, DType.I32);
        Device.Write(tensor.Storage, values);
        return tensor;
    }

    /// <summary>The tensor's values stay readable behind the backward pass.</summary>
    public void Keep(Tensor tensor)
    {
        int at = _owned.LastIndexOf(tensor.Storage);
        if (at >= 0)
        {
            // The place stays: steps know theirs by number.
            _kept.Add(tensor.Storage);
            _owned[at] = null;
        }
    }

    /// <summary>
    /// Says that <paramref name="output"/> was computed from <paramref name="inputs"/> and how its
    /// gradient (the argument of <paramref name="backward"/>) flows back. Returns the output.
    /// </summary>
    /// <remarks>The closure is allocated anew each time; frequent ops use the other form.</remarks>
    public Tensor Record(
        Tensor output, ReadOnlySpan<Tensor?> inputs, Action<Storage> backward) =>
        Record(output, inputs, backward,
            static (Tape _, Storage dy, in Action<Storage> backward) => backward(dy));

    /// <summary>The same without a closure: what the step needs is its state.</summary>
    /// <param name="backward">A static lambda.</param>
    public Tensor Record<T>(
        Tensor output, ReadOnlySpan<Tensor?> inputs, in T state, BackwardStep<T> backward)
    {
        if (!Recording)
        {
            return output;
        }
        foreach (var input in inputs)
        {
            if (input is { RequiresGradient: true })
            {
                output.Cell.RequiresGradient = true;
                AddStep(output.Cell, state, backward);
                break;
            }
        }
        return output;
    }

    /// <summary>
    /// Says that the values of <paramref name="x"/> were changed where they lie. The step changes
    /// the gradient in place too. Whatever read x before must not need its values any more: x is
    /// what an op has just given, and the gradient of that op does not read its output.
    /// </summary>
    public Tensor RecordInPlace<T>(Tensor x, in T state, BackwardStep<T> backward)
    {
        if (Recording && x.RequiresGradient)
        {
            AddStep(x.Cell, state, backward).InPlace = true;
        }
        return x;
    }

    /// <summary>
    /// Inside a step: does <paramref name="x"/> want a gradient, where does it go, and does the
    /// contribution overwrite (<paramref name="beta"/> = 0) or add (1)?
    /// </summary>
    public bool Wants(Tensor? x, out Storage dx, out float beta)
    {
        if (x is null || !x.RequiresGradient)
        {
            (dx, beta) = (null!, 0);
            return false;
        }
        var cell = x.Cell;
        if (cell.Gradient is null)
        {
            cell.Gradient = Device.Rent(DType.F32, cell.Storage.Length);
            if (cell.IsLeaf)
            {
                _kept.Add(cell.Gradient);
            }
        }
        dx = cell.Gradient;
        beta = cell.HasGradient ? 1 : 0;
        cell.HasGradient = true;
        return true;
    }

    /// <summary>
    /// As <see cref="Wants"/>, for a contribution that is computed element by element from
    /// <paramref name="dy"/>, which the step was given and needs no more: where x has no gradient
    /// yet, <paramref name="dx"/> is dy itself.
    /// </summary>
    public bool WantsInPlace(Tensor? x, Storage dy, out Storage dx, out float beta)
    {
        if (x is { RequiresGradient: true, Cell: { Gradient: null, IsLeaf: false } cell }
            && _current?.Gradient == dy && cell.Storage.Length == dy.Length)
        {
            (_current.Gradient, _current.HasGradient) = (null, false);
            (cell.Gradient, cell.HasGradient) = (dy, true);
            (dx, beta) = (dy, 0);
            return true;
        }
        return Wants(x, out dx, out beta);
    }

    /// <summary>Runs every step in reverse order, starting from d(loss)/d(loss) = 1.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="stepDone">Told the number of each step after it has run, for timing.</param>
    public void Backward(Tensor loss, Action<int>? stepDone = null)
    {
        if (loss.Shape.Count != 1)
        {
            throw new UsageException(
                $"backward: the loss has shape {loss.Shape}, expected a scalar");
        }
        Keep(loss);
        if (Wants(loss, out var seed, out _))
        {
            Device.Fill(seed, 1, 1);
        }
        RunSteps(stepDone);
    }

    /// <summary>
    /// As <see cref="Backward(Tensor)"/>, from a given upstream gradient of its shape.
    /// </summary>
    public void Backward(Tensor output, ReadOnlySpan<float> gradient)
    {
        Keep(output);
        if (Wants(output, out var seed, out _))
        {
            Device.Write(seed, gradient);
        }
        RunSteps();
    }

    /// <summary>
    /// Returns all intermediates to the pool; the tape can record the next step. Tensors that it
    /// gave out must not be used any more.
    /// </summary>
    public void Reset()
    {
        for (int i = 0; i < _stepCount; i++)
        {
            ReleaseGradient(_steps[i].Output);
        }
        if (_current is not null)
        {
            // A step has thrown.
            ReleaseGradient(_current);
            _current = null;
        }
        (_stepCount, _tensorCount) = (0, 0);
        Return(_owned, 0);
        Return(_kept, 0);
    }

    public void Dispose() => Reset();

    private Step AddStep<T>(Cell output, in T state, BackwardStep<T> backward)
    {
        if (_stepCount == _steps.Count)
        {
            _steps.Add(new Step<T>());
        }
        if (_steps[_stepCount] is not Step<T> step)
        {
            _steps[_stepCount] = step = new Step<T>();
        }
        step.Set(output, _owned.Count, state, backward);
        _stepCount++;
        return step;
    }

    private void RunSteps(Action<int>? stepDone = null)
    {
        while (_stepCount > 0)
        {
            var step = _steps[--_stepCount];
            _current = step.Output;
            if (_current is { HasGradient: true, Gradient: { } gradient })
            {
                step.Run(this, gradient);
            }
            if (!step.InPlace)
            {
                // Nothing before this step can read the gradient of its output.
                ReleaseGradient(step.Output);
            }
            if (FreesEarly)
            {
                // Nor what was made since the step before.
                Return(_owned, _stepCount == 0 ? 0 : _steps[_stepCount - 1].Owned);
            }
            stepDone?.Invoke(_stepCount);
        }
        _current = null;
    }

    private void Return(List<Storage?> storages, int from)
    {
        for (int i = storages.Count - 1; i >= from; i--)
        {
            if (storages[i] is { } storage)
            {
                Device.Return(storage);
            }
        }
        storages.RemoveRange(from, storages.Count - from);
    }

    private void ReleaseGradient(Cell cell)
    {
        if (cell.Gradient is { } gradient)
        {
            Device.Return(gradient);
            cell.Gradient = null;
            cell.HasGradient = false;
        }
    }

    /// <summary>One op of the run.</summary>
    private abstract class Step
    {
        public Cell Output { get; protected set; } = null!;

        /// <summary>How much the tape owned when the op had run.</summary>
        public int Owned { get; protected set; }

        /// <summary>The gradient belongs to the step that made the tensor.</summary>
        public bool InPlace { get; set; }

        public abstract void Run(Tape tape, Storage dy);
    }

    private sealed class Step<T> : Step
    {
        private T _state = default!;
        private BackwardStep<T> _backward = null!;

        public void Set(Cell output, int owned, in T state, BackwardStep<T> backward)
        {
            (Output, Owned, InPlace) = (output, owned, false);
            (_state, _backward) = (state, backward);
        }

        public override void Run(Tape tape, Storage dy) => _backward(tape, dy, _state);
    }
}
