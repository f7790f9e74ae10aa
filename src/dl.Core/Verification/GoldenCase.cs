// One reference case while it runs: hands out its arguments and tensors, remembers which were asked
// for, and compares. An argument or tensor that nobody asked for means that the op does not do all
// that the case is about, so the case counts as not built rather than as passed by luck.
using System.Text.Json;
using Dl.Files;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal sealed class GoldenCase : IDisposable
{
    private const double ForwardBound = 1e-5;

    /// <summary>Arguments that describe the case to people.</summary>
    private static readonly HashSet<string> Remarks = ["formula", "layout", "note", "of", "weight"];

    private readonly SafetensorsFile _tensors;
    private readonly JsonElement _arguments;
    private readonly HashSet<string> _unused = [];
    private readonly HashSet<string> _unusedArguments = [];
    private readonly List<(string Name, Tensor Tensor, Layout Layout)> _leaves = [];

    /// <param name="entry">The case in the index: `case`, `args`, `tensors`.</param>
    public GoldenCase(Device device, string name, JsonElement entry, SafetensorsFile tensors)
    {
        (Name, _tensors, Tape) = (name, tensors, new Tape(device));
        foreach (var tensor in entry.GetProperty("tensors").EnumerateArray())
        {
            _unused.Add(tensor.GetString() ?? "");
        }
        if (entry.TryGetProperty("args", out _arguments)
            && _arguments.ValueKind == JsonValueKind.Object)
        {
            foreach (var argument in _arguments.EnumerateObject())
            {
                if (!IsOff(argument.Value) && !Remarks.Contains(argument.Name))
                {
                    _unusedArguments.Add(argument.Name);
                }
            }
        }
        Tensors = [.. _unused];
    }

    public string Name { get; }

    /// <summary>Names of the tensors that belong to the case.</summary>
    public IReadOnlyCollection<string> Tensors { get; }

    public Tape Tape { get; }

    /// <summary>What gradients may be off by; long chains of steps are allowed more.</summary>
    public double GradientBound { get; set; } = 1e-4;

    public List<GoldenError> Errors { get; } = [];

    /// <summary>Stored gradients that are another case's: no reference for this one.</summary>
    public List<(string Tensor, string OtherCase)> Stale { get; } = [];

    /// <summary>Does the file bring the tensor, whether or not the index lists it?</summary>
    public bool Has(string name) => _tensors.Contains($"{Name}.{name}");

    /// <summary>The raw tensor, in the file's layout.</summary>
    /// <exception cref="DataException">The file does not have it.</exception>
    public GoldenTensor Raw(string name)
    {
        _unused.Remove(name);
        string key = $"{Name}.{name}";
        var stored = _tensors.Find(key);
        int[] extents = Array.ConvertAll(stored.Shape, extent => checked((int)extent));
        if (stored.Type is TensorType.F32 or TensorType.F64 or TensorType.F16 or TensorType.BF16)
        {
            return new GoldenTensor(extents, _tensors.ReadFloats(key), null);
        }
        var integers = new int[stored.Count];
        _tensors.ReadInts(key, integers);
        return new GoldenTensor(extents, null, integers);
    }

    /// <summary>A differentiable input; its gradient is compared with `grad_NAME`.</summary>
    public Tensor Leaf(string name, Layout? layout = null)
    {
        var (shape, values) = (layout ?? Layout.Same).Apply(Raw(name));
        var storage = Tape.Rent(DType.F32, shape.Count);
        Tape.Device.Write(storage, values);
        var tensor = Tensor.Leaf(shape, storage);
        _leaves.Add((name, tensor, layout ?? Layout.Same));
        return tensor;
    }

    /// <summary>As <see cref="Leaf"/>, or null where the case does not bring it.</summary>
    public Tensor? OptionalLeaf(string name, Layout? layout = null) =>
        Tensors.Contains(name) ? Leaf(name, layout) : null;

    /// <summary>An input without gradient.</summary>
    public Tensor Constant(string name, Layout? layout = null)
    {
        var (shape, values) = (layout ?? Layout.Same).Apply(Raw(name));
        return Tape.Input(shape, values);
    }

    /// <summary>An integer input.</summary>
    public Tensor Indices(string name)
    {
        var raw = Raw(name);
        return raw.Integers is { } values ? Tape.Input(new Shape(raw.Extents), values)
            : throw new NotBuiltException($"{name} is not made of integers");
    }

    public double Number(string name, double otherwise) =>
        Argument(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : otherwise;

    public int Integer(string name, int otherwise) => (int)Number(name, otherwise);

    public string? Text(string name) =>
        Argument(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public bool Flag(string name, bool otherwise) => Argument(name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => otherwise,
    };

    public string Text(string name, string otherwise) =>
        Argument(name) is { ValueKind: JsonValueKind.String } value
            ? value.GetString()! : otherwise;

    /// <summary>A number for both sides, or a list; in one dimension height is given.</summary>
    public Size2 Pair(string name, Size2 otherwise, int? height = null)
    {
        if (Argument(name) is not { } value)
        {
            return otherwise;
        }
        if (value.ValueKind == JsonValueKind.Number)
        {
            return new Size2(height ?? value.GetInt32(), value.GetInt32());
        }
        if (value.ValueKind != JsonValueKind.Array)
        {
            throw new NotBuiltException($"{name} is {value}");
        }
        return value.GetArrayLength() == 1 ? new Size2(height ?? 1, value[0].GetInt32())
            : new Size2(value[0].GetInt32(), value[1].GetInt32());
    }

    /// <summary>A number for every dimension, or one for each.</summary>
    public double[]? Spread(string name, int dimensions)
    {
        if (Numbers(name) is { } list)
        {
            return list.Length == dimensions ? list
                : list.Length == 1 ? Repeat(list[0], dimensions)
                : throw new NotBuiltException($"{name} has {list.Length} numbers");
        }
        double value = Number(name, double.NaN);
        return double.IsNaN(value) ? null : Repeat(value, dimensions);

        static double[] Repeat(double value, int count)
        {
            var values = new double[count];
            Array.Fill(values, value);
            return values;
        }
    }

    /// <summary>A number for depth, height and width, or a list of three.</summary>
    public Size3 Triple(string name, Size3 otherwise) => Spread(name, 3) is { } values
        ? new Size3((int)values[0], (int)values[1], (int)values[2]) : otherwise;

    /// <summary>A list of numbers, or null.</summary>
    public double[]? Numbers(string name) =>
        Argument(name) is { ValueKind: JsonValueKind.Array } value
            ? [.. value.EnumerateArray().Select(item => item.GetDouble())] : null;

    /// <summary>Compares y, sends dy back and compares every gradient.</summary>
    public void Finish(Tensor y, Layout? layout = null)
    {
        var (dyShape, dy) = (layout ?? Layout.Same).Apply(Raw("dy"));
        var expected = (layout ?? Layout.Same).Apply(Raw("y"));
        ClaimGradients();
        Compare("y", y.Shape, y.ToArray(), expected, ForwardBound);
        if (dyShape == y.Shape)
        {
            Tape.Backward(y, dy);
            CompareGradients();
        }
    }

    /// <summary>Compares a scalar loss and every gradient.</summary>
    public void FinishLoss(Tensor loss)
    {
        var expected = Layout.Same.Apply(Raw("loss"));
        ClaimGradients();
        Compare("loss", loss.Shape, loss.ToArray(), expected, ForwardBound);
        Tape.Backward(loss);
        CompareGradients();
    }

    /// <summary>Compares a further output, before one of the Finish methods.</summary>
    public void Also(string name, float[] actual, Layout? layout = null)
    {
        var expected = (layout ?? Layout.Same).Apply(Raw(name));
        Compare(name, expected.Shape, actual, expected, ForwardBound);
    }

    /// <summary>Compares what is not differentiated, with the bound of forward values.</summary>
    public void FinishValues(string name, float[] actual)
    {
        Also(name, actual);
        RequireAllUsed();
    }

    public void Dispose() => Tape.Dispose();

    private JsonElement? Argument(string name)
    {
        _unusedArguments.Remove(name);
        return _arguments.ValueKind == JsonValueKind.Object
            && _arguments.TryGetProperty(name, out var value) ? value : null;
    }

    private void ClaimGradients()
    {
        foreach (var (name, _, _) in _leaves)
        {
            _unused.Remove($"grad_{name}");
        }
        RequireAllUsed();
    }

    private void CompareGradients()
    {
        foreach (var (name, tensor, layout) in _leaves)
        {
            string gradient = $"grad_{name}";
            if (!Tensors.Contains(gradient))
            {
                continue;
            }
            var values = new float[tensor.Shape.Count];
            if (tensor.Gradient is { } storage)
            {
                Tape.Device.Read(storage, values);
            }
            else
            {
                Array.Fill(values, float.NaN);
            }
            Compare(gradient, tensor.Shape, values, layout.Apply(Raw(gradient)), GradientBound);
            if (!Errors[^1].Ok && OwnerOf(gradient) is { } other)
            {
                Errors.RemoveAt(Errors.Count - 1);
                Stale.Add((gradient, other));
            }
        }
    }

    /// <summary>
    /// The case whose gradient of this name has the very same bits although another gradient flows
    /// into it, or null. That cannot come about by computing: whoever wrote the file kept a buffer
    /// that a later case overwrote.
    /// </summary>
    private string? OwnerOf(string gradient)
    {
        string suffix = "." + gradient;
        float[] own = _tensors.ReadFloats(Name + suffix);
        float[] upstream = Array.Exists(own, x => x != 0) && Tensors.Contains("dy")
            ? _tensors.ReadFloats($"{Name}.dy") : [];
        foreach (var stored in _tensors.Tensors)
        {
            if (upstream.Length == 0 || !stored.Name.EndsWith(suffix, StringComparison.Ordinal))
            {
                continue;
            }
            string other = stored.Name[..^suffix.Length];
            if (other != Name && _tensors.Contains($"{other}.dy")
                && _tensors.ReadFloats(stored.Name).AsSpan().SequenceEqual(own)
                && !_tensors.ReadFloats($"{other}.dy").AsSpan().SequenceEqual(upstream))
            {
                return other;
            }
        }
        return null;
    }

    private void RequireAllUsed()
    {
        if (_unusedArguments.Count > 0)
        {
            throw new NotBuiltException($"argument {string.Join(", ", _unusedArguments)}");
        }
        if (_unused.Count > 0)
        {
            throw new NotBuiltException($"tensor {string.Join(", ", _unused)}");
        }
    }

    private void Compare(
        string name, Shape shape, float[] actual, (Shape Shape, float[] Values) expected,
        double bound)
    {
        double error = shape == expected.Shape
            ? CaseRunner.RelativeError(
                Array.ConvertAll(actual, x => (double)x),
                Array.ConvertAll(expected.Values, x => (double)x))
            : double.PositiveInfinity;
        Errors.Add(new GoldenError(name, error, bound));
    }

    /// <summary>Zero, false, null: an option that is not taken.</summary>
    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False or JsonValueKind.Null => true,
        JsonValueKind.Number => value.GetDouble() == 0,
        _ => false,
    };
}

/// <summary>A reference array: numbers or integers, never both.</summary>
internal sealed record GoldenTensor(int[] Extents, float[]? Floats, int[]? Integers);

/// <summary>
/// How PyTorch's channels-first arrays become ours: an extent of 1 is put in (one-dimensional data
/// has height 1), then dimensions are reordered.
/// </summary>
/// <param name="InsertAt">Where the extent of 1 goes; -1 for nowhere.</param>
/// <param name="Order">Our dimension i is theirs at Order[i]; empty keeps the order.</param>
internal sealed record Layout(int InsertAt, int[] Order)
{
    public static Layout Same { get; } = new(-1, []);

    /// <summary>(out, in) to (in, out).</summary>
    public static Layout Transposed { get; } = new(-1, [1, 0]);

    /// <summary>
    /// (N, C, H, W) or (N, C, W) to (N, H, W, C), (N, C, D, H, W) to (N, D, H, W, C).
    /// </summary>
    public static Layout Image(int rank) => rank switch
    {
        3 => new Layout(2, [0, 2, 3, 1]),
        4 => new Layout(-1, [0, 2, 3, 1]),
        5 => new Layout(-1, [0, 2, 3, 4, 1]),
        _ => throw new NotBuiltException($"images of {rank} dimensions"),
    };

    /// <summary>
    /// (O, I, H, W) or (O, I, W) to (H, W, I, O), (O, I, D, H, W) to (D, H, W, I, O).
    /// </summary>
    public static Layout Filter(int rank) =>
        Image(rank) with { Order = rank == 5 ? [2, 3, 4, 1, 0] : [2, 3, 1, 0] };

    /// <summary>As <see cref="Image"/>, without a height where there is none.</summary>
    public static Layout Spatial(int rank) =>
        rank == 3 ? new Layout(-1, [0, 2, 1]) : Image(rank);

    public (Shape Shape, float[] Values) Apply(GoldenTensor tensor)
    {
        if (tensor.Floats is not { } values)
        {
            throw new NotBuiltException("integers where numbers were expected");
        }
        var extents = new List<int>(tensor.Extents);
        if (InsertAt >= 0)
        {
            extents.Insert(InsertAt, 1);
        }
        var from = new Shape([.. extents]);
        if (Order.Length == 0)
        {
            return (from, values);
        }
        int[] strides = CopyOps.Strides(from);
        var to = new Shape(Array.ConvertAll(Order, i => from[i]));
        var moved = new float[values.Length];
        for (int i = 0; i < moved.Length; i++)
        {
            int rest = i, source = 0;
            for (int k = Order.Length - 1; k >= 0; k--)
            {
                source += rest % to[k] * strides[Order[k]];
                rest /= to[k];
            }
            moved[i] = values[source];
        }
        return (to, moved);
    }
}
