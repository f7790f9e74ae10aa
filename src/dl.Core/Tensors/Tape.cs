// Reverse-mode differentiation. Each op appends a closure while it runs forward; Backward runs the
// closures in reverse order. The tape owns every intermediate, so when the step ends all memory
// goes
// back to the pool at once: no finalizers, no Dispose inside ops.
namespace Dl.Tensors;

/// <summary>Records what was computed on one device, for one step.</summary>
/// <param name="device">Where everything on this tape lives.</param>
/// <param name="recording">False for inference: nothing is kept for a backward pass.</param>
public sealed class Tape(Device device, bool recording = true) : IDisposable
{
    private readonly List<Storage> _owned = [];
    private readonly List<(Cell Output, Action<Storage> Backward)> _steps = [];

    public Device Device { get; } = device;

    public bool Recording { get; } = recording;

    /// <summary>Steps that the next backward pass will run, last first.</summary>
    public int Recorded => _steps.Count;

    /// <summary>
    /// A tensor for an op's output, contents undefined, alive until <see cref="Reset"/>.
    /// </summary>
    public Tensor New(Shape shape, DType type = DType.F32) => new(shape, Rent(type, shape.Count));

    /// <summary>Memory that lives until <see cref="Reset"/>.</summary>
    public Storage Rent(DType type, long length)
    {
        var storage = Device.Rent(type, length);
        _owned.Add(storage);
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

    /// <summary>
    /// Says that <paramref name="output"/> was computed from <paramref name="inputs"/> and how its
    /// gradient (the argument of <paramref name="backward"/>) flows back. Returns the output.
    /// </summary>
    public Tensor Record(
        Tensor output, ReadOnlySpan<Tensor?> inputs, Action<Storage> backward)
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
                _steps.Add((output.Cell, backward));
                break;
            }
        }
        return output;
    }

    /// <summary>
    /// Inside a closure: does <paramref name="x"/> want a gradient, where does it go, and does the
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
                _owned.Add(cell.Gradient);
            }
        }
        dx = cell.Gradient;
        beta = cell.HasGradient ? 1 : 0;
        cell.HasGradient = true;
        return true;
    }

    /// <summary>Runs every closure in reverse order, starting from d(loss)/d(loss) = 1.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="stepDone">Told the number of each step after it has run, for timing.</param>
    public void Backward(Tensor loss, Action<int>? stepDone = null)
    {
        if (loss.Shape.Count != 1)
        {
            throw new UsageException(
                $"backward: the loss has shape {loss.Shape}, expected a scalar");
        }
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
        if (Wants(output, out var seed, out _))
        {
            Device.Write(seed, gradient);
        }
        RunSteps();
    }

    /// <summary>Returns all intermediates to the pool; the tape can record the next step.</summary>
    public void Reset()
    {
        foreach (var (output, _) in _steps)
        {
            ReleaseGradient(output);
        }
        _steps.Clear();
        foreach (var storage in _owned)
        {
            Device.Return(storage);
        }
        _owned.Clear();
    }

    public void Dispose() => Reset();

    private void RunSteps(Action<int>? stepDone = null)
    {
        for (int i = _steps.Count - 1; i >= 0; i--)
        {
            var (output, backward) = _steps[i];
            if (output is { HasGradient: true, Gradient: { } gradient })
            {
                backward(gradient);
                // Nothing before this step can read the gradient of its output.
                ReleaseGradient(output);
            }
            stepDone?.Invoke(i);
        }
        _steps.Clear();
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
}
