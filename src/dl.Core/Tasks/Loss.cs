// What a loss is to a task: in which form it wants its targets, how its raw outputs are to be
// read, which numbers it takes behind a colon (`huber:0.5`) and which it learns. The arithmetic is
// in Ops.
using System.Globalization;
using Dl.Layers;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>The form in which a loss wants targets on the device.</summary>
public enum TargetForm
{
    /// <summary>Class indices, i32, one a row.</summary>
    Index,

    /// <summary>0 or 1 for each output.</summary>
    Binary,

    /// <summary>-1 or 1 for each output.</summary>
    Signs,

    /// <summary>A share of each class; a row's add up to 1.</summary>
    Shares,

    /// <summary>Numbers.</summary>
    Values,
}

/// <summary>How a raw output becomes a probability or a number.</summary>
public enum Link
{
    Softmax,
    Sigmoid,

    /// <summary>The outputs are scores: the largest, or the sign, decides.</summary>
    Threshold,
    Identity,

    /// <summary>The output is the logarithm of what people read.</summary>
    Exponential,
}

/// <summary>What a loss can be told.</summary>
public sealed record LossSettings
{
    public float LabelSmoothing { get; init; }

    /// <summary>Weight of each class, or null.</summary>
    public float[]? ClassWeights { get; init; }

    /// <summary>How often a target of 1 counts beside one of 0.</summary>
    public float PositiveWeight { get; init; } = 1;

    /// <summary>The loss's own weights (Model.LossWeights), in the order of its names.</summary>
    public IReadOnlyList<Tensor> Learnt { get; init; } = [];

    /// <summary>(rows, 1), mean 1: set by the task.</summary>
    internal Tensor? SampleWeights { get; init; }
}

/// <summary>A number that a loss takes behind the colon.</summary>
/// <param name="Default">NaN: nothing is meant where it is not given.</param>
/// <param name="Open">The ends themselves are not allowed.</param>
public sealed record LossArgument(
    string Name, float Default, float Min, float Max = float.PositiveInfinity, bool Open = false)
{
    /// <summary>`a number above 0`, for messages.</summary>
    public string Expected()
    {
        string from = Min.ToString(CultureInfo.InvariantCulture);
        string to = Max.ToString(CultureInfo.InvariantCulture);
        return float.IsPositiveInfinity(Max) ? $"a number {(Open ? "above" : "of at least")} {from}"
            : Open ? $"a number between {from} and {to}" : $"a number from {from} to {to}";
    }

    public bool Allows(float value) => float.IsFinite(value)
        && (Open ? value > Min && value < Max : value >= Min && value <= Max);
}

/// <summary>The mean loss of a batch, a scalar.</summary>
/// <param name="arguments">As many as the loss takes.</param>
public delegate Tensor LossFunction(
    Tape tape, Tensor output, Tensor target, LossSettings settings, float[] arguments);

/// <summary>A named loss.</summary>
public sealed record Loss(
    string Name, string Description, TargetForm Form, Link Link, LossFunction Function)
{
    public LossArgument[] Takes { get; init; } = [];

    /// <summary>A number for each of <see cref="Takes"/>.</summary>
    public float[] Arguments { get; init; } = [];

    /// <summary>The name with the arguments as they were given: stored in the model.</summary>
    public string Text { get; init; } = Name;

    /// <summary>The form for one of more than two classes, where that is another.</summary>
    public Loss? ManyClasses { get; init; }

    /// <summary>Takes class weights itself; for the others the task weighs the samples.</summary>
    public bool WeighsClasses { get; init; }

    /// <summary>Raw outputs for each target: 2 where a deviation is learnt too.</summary>
    public int OutputsPerTarget { get; init; } = 1;

    /// <summary>Targets are counts: not below 0, and scaled but not shifted.</summary>
    public bool Counts { get; init; }

    /// <summary>What it learns itself, a number a target each; they start at 0.</summary>
    public string[] Learns { get; init; } = [];

    /// <summary>The kind of samples without which it makes no sense; null: any labels.</summary>
    public string? Needs { get; init; }

    public Tensor Apply(Tape tape, Tensor output, Tensor target, LossSettings settings) =>
        Function(tape, output, target, settings, Arguments);

    /// <summary>Weights of the loss itself; they train, but do not decay.</summary>
    public IReadOnlyList<ParameterSpec> Parameters(int targets) => Array.ConvertAll(
        Learns, name => new ParameterSpec(name, new Shape(targets), "zeros", 1, 1, Decays: false));

    /// <summary>This loss with what stands behind the colon; null: no colon.</summary>
    /// <exception cref="UsageException">Too many numbers, no number, or out of range.</exception>
    internal Loss With(string? arguments)
    {
        string[] parts = arguments is null ? [] : arguments.Split(',');
        string text = arguments is null ? Name : $"{Name}:{arguments}";
        if (parts.Length > Takes.Length)
        {
            string names = string.Join(",", Takes.Select(t => t.Name.ToUpperInvariant()));
            throw new UsageException(Takes.Length == 0
                ? $"loss '{text}': {Name} takes no arguments"
                : $"loss '{text}': {parts.Length} arguments given, expected {Name}:{names}");
        }
        var values = new float[Takes.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Takes[i].Default;
            if (i < parts.Length
                && (!float.TryParse(
                        parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i])
                    || !Takes[i].Allows(values[i])))
            {
                throw new UsageException(
                    $"loss '{text}': {Takes[i].Name} is '{parts[i]}', expected "
                    + Takes[i].Expected());
            }
        }
        return this with
        {
            Text = text,
            Arguments = values,
            ManyClasses = ManyClasses is null
                ? null : ManyClasses with { Text = text, Arguments = values },
        };
    }
}
