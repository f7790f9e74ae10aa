namespace Dl.Tensors;

/// <summary>A shape over device memory, and its place on a tape.</summary>
/// <remarks>
/// Reshaped tensors share one <see cref="Cell"/>: the same values, the same gradient.
/// </remarks>
public sealed class Tensor
{
    private Tensor? _view;

    internal Tensor(Shape shape, Cell cell) => (Shape, Cell) = (shape, cell);

    /// <summary>A tensor over memory that somebody else owns (inputs, buffers).</summary>
    public Tensor(Shape shape, Storage storage)
        : this(shape, new Cell(storage))
    {
    }

    public Shape Shape { get; private set; }

    public Storage Storage => Cell.Storage;

    public Device Device => Cell.Storage.Device;

    public bool RequiresGradient => Cell.RequiresGradient;

    /// <summary>Memory of the gradient; null before anything flowed back.</summary>
    public Storage? Gradient => Cell.HasGradient ? Cell.Gradient : null;

    internal Cell Cell { get; }

    /// <summary>A leaf whose gradient is kept in memory of its owner (a model's weights).</summary>
    public static Tensor Parameter(Shape shape, Storage storage, Storage gradient) =>
        new(shape, new Cell(storage)
        {
            Gradient = gradient,
            RequiresGradient = true,
            IsLeaf = true,
        });

    /// <summary>
    /// A leaf without memory for its gradient: the tape lends it until it is reset.
    /// </summary>
    public static Tensor Leaf(Shape shape, Storage storage) =>
        new(shape, new Cell(storage) { RequiresGradient = true, IsLeaf = true });

    /// <summary>Forgets the gradient: the next contribution overwrites it.</summary>
    public void ClearGradient() => Cell.HasGradient = false;

    /// <summary>The same values under another shape with as many elements; costs nothing.</summary>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Count != Shape.Count)
        {
            throw new UsageException(
                $"reshape: {Shape} has {Shape.Count} elements, {shape} has {shape.Count}");
        }
        if (shape == Shape)
        {
            return this;
        }
        // Mostly the same view is asked for in every step.
        if (_view is null || _view.Shape != shape)
        {
            _view = new Tensor(shape, Cell);
        }
        return _view;
    }

    /// <summary>
    /// The same object for other values, once nobody uses it for the old ones.
    /// </summary>
    internal void Renew(Shape shape, Storage storage)
    {
        Shape = shape;
        Cell.Renew(storage);
    }

    public float[] ToArray()
    {
        var values = new float[Shape.Count];
        Device.Read(Storage, values);
        return values;
    }
}

/// <summary>The values and the gradient that tensors of several shapes may share.</summary>
internal sealed class Cell(Storage storage)
{
    public Storage Storage { get; private set; } = storage;

    public Storage? Gradient { get; set; }

    /// <summary>
    /// Something has been written to <see cref="Gradient"/> since it was cleared.
    /// </summary>
    public bool HasGradient { get; set; }

    public bool RequiresGradient { get; set; }

    /// <summary>
    /// Nothing on the tape produced it, so its gradient outlives the backward pass.
    /// </summary>
    public bool IsLeaf { get; set; }

    public void Renew(Storage storage)
    {
        Storage = storage;
        (Gradient, HasGradient, RequiresGradient) = (null, false, false);
    }
}
