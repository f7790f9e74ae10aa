// A layer is a record of hyper-parameters: its fields are its defaults, its JSON keys and its
// printed form. It holds no tensors; weights live in the model under `conv1.weight`. Optional
// fields have setters only because the JSON generator would overwrite the defaults of init fields.
using System.Text.Json.Serialization;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>One step of a graph. To add one: a record, and its line in the list below.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Dense), "dense")]
// Convolutions.
[JsonDerivedType(typeof(Conv1d), "conv1d")]
[JsonDerivedType(typeof(Conv2d), "conv2d")]
[JsonDerivedType(typeof(Conv3d), "conv3d")]
[JsonDerivedType(typeof(Conv1dTranspose), "conv1d_transpose")]
[JsonDerivedType(typeof(Conv2dTranspose), "conv2d_transpose")]
[JsonDerivedType(typeof(DepthwiseConv2d), "depthwise_conv2d")]
[JsonDerivedType(typeof(SeparableConv2d), "separable_conv2d")]
[JsonDerivedType(typeof(SqueezeExcitation), "squeeze_excitation")]
// Pooling and resizing.
[JsonDerivedType(typeof(MaxPool1d), "max_pool1d")]
[JsonDerivedType(typeof(MaxPool2d), "max_pool2d")]
[JsonDerivedType(typeof(MaxPool3d), "max_pool3d")]
[JsonDerivedType(typeof(AveragePool1d), "average_pool1d")]
[JsonDerivedType(typeof(AveragePool2d), "average_pool2d")]
[JsonDerivedType(typeof(AveragePool3d), "average_pool3d")]
[JsonDerivedType(typeof(GlobalAveragePool1d), "global_average_pool1d")]
[JsonDerivedType(typeof(GlobalAveragePool2d), "global_average_pool2d")]
[JsonDerivedType(typeof(GlobalAveragePool3d), "global_average_pool3d")]
[JsonDerivedType(typeof(GlobalMaxPool1d), "global_max_pool1d")]
[JsonDerivedType(typeof(GlobalMaxPool2d), "global_max_pool2d")]
[JsonDerivedType(typeof(GlobalMaxPool3d), "global_max_pool3d")]
[JsonDerivedType(typeof(MaxUnpool2d), "max_unpool2d")]
[JsonDerivedType(typeof(Resize), "resize")]
[JsonDerivedType(typeof(PixelShuffle), "pixel_shuffle")]
[JsonDerivedType(typeof(PixelUnshuffle), "pixel_unshuffle")]
// Normalisation.
// Sequences: recurrence, attention, embeddings, positions.
[JsonDerivedType(typeof(Rnn), "rnn")]
[JsonDerivedType(typeof(Lstm), "lstm")]
[JsonDerivedType(typeof(Gru), "gru")]
[JsonDerivedType(typeof(SequenceLength), "sequence_length")]
[JsonDerivedType(typeof(LastStep), "last_step")]
[JsonDerivedType(typeof(ReverseTime), "reverse_time")]
// Activations and noise.
[JsonDerivedType(typeof(Activation), "activation")]
[JsonDerivedType(typeof(Softmax), "softmax")]
[JsonDerivedType(typeof(Dropout), "dropout")]
// Shapes.
[JsonDerivedType(typeof(Flatten), "flatten")]
[JsonDerivedType(typeof(Reshape), "reshape")]
[JsonDerivedType(typeof(Permute), "permute")]
[JsonDerivedType(typeof(Crop), "crop")]
[JsonDerivedType(typeof(Pad), "pad")]
[JsonDerivedType(typeof(Slice), "slice")]
// Joins.
[JsonDerivedType(typeof(Add), "add")]
[JsonDerivedType(typeof(Multiply), "multiply")]
[JsonDerivedType(typeof(Concat), "concat")]
public abstract record Layer
{
    /// <summary>Unique in its graph; null: made from the kind and a count, `conv2d_1`.</summary>
    [JsonPropertyOrder(-2)]
    public string? Name { get; set; }

    /// <summary>Names of earlier layers, or `input`; null: the layer before.</summary>
    [JsonPropertyOrder(10)]
    public string[]? Inputs { get; set; }

    /// <summary>Shape of one output sample from shapes of input samples (no batch).</summary>
    /// <exception cref="UsageException">The inputs do not fit.</exception>
    public abstract Shape OutputShape(ReadOnlySpan<Shape> inputs);

    /// <summary>The weights, in the order in which <see cref="Forward"/> gets them.</summary>
    public virtual IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) => [];

    /// <summary>How often one sample passes through each matrix: once a position.</summary>
    public virtual long Uses(ReadOnlySpan<Shape> inputs, Shape output) =>
        output.Count / Math.Max(1, output.Last);

    /// <summary>Computes a batch. Tensors have the batch as their first dimension.</summary>
    public abstract Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights);

    /// <summary>The hyper-parameters in a few words, for the architecture table.</summary>
    public virtual string Summary() => "";

    private protected static Shape Single(ReadOnlySpan<Shape> inputs, string kind) =>
        inputs.Length == 1
            ? inputs[0]
            : throw new UsageException($"{kind}: {inputs.Length} inputs given, expected 1");

    private protected static Shape Image(ReadOnlySpan<Shape> inputs, string kind)
    {
        var shape = Single(inputs, kind);
        return shape.Rank == 3
            ? shape
            : throw new UsageException(
                $"{kind}: input is {shape}, expected height x width x channels");
    }
}

/// <summary>What one forward run of a model hands to its layers.</summary>
/// <param name="Training">Dropout and batch statistics are on.</param>
/// <param name="Rng">Where layers draw from, in the order of the graph.</param>
public sealed record Pass(Tape Tape, bool Training, Rng Rng)
{
    /// <summary>
    /// How much of a batch enters running statistics, in place of the layers' own momentum; null:
    /// theirs. 1/k for the k-th batch makes them the plain mean over batches.
    /// </summary>
    public float? StatisticsMomentum { get; init; }
}

/// <summary>A weight that a layer needs.</summary>
/// <param name="Name">`weight` or `bias`; the model prepends the layer's name.</param>
/// <param name="Init">Initialiser (Initializers.cs) unless the user names another.</param>
/// <param name="FanIn">Inputs that one output sums over.</param>
/// <param name="FanOut">Outputs that one input reaches.</param>
/// <param name="Decays">Weight decay applies: true for matrices, false for biases.</param>
/// <param name="Trains">
/// False: no gradient and no optimiser, but stored with the model (running statistics, frozen
/// weights). The layer itself may write it while training.
/// </param>
public sealed record ParameterSpec(
    string Name, Shape Shape, string Init, int FanIn, int FanOut, bool Decays, bool Trains = true);
