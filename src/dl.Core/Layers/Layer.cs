// A layer is a record of hyper-parameters: its fields are its defaults, its JSON keys and its
// printed form. It holds no tensors; weights live in the model under `conv1.weight`. Optional
// fields have setters only because the JSON generator would overwrite the defaults of init fields.
using System.Text.Json.Serialization;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// One step of a graph. To add one: a record, its line in the list below, and one that says what it
/// does in the list at the end of this file.
/// </summary>
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
[JsonDerivedType(typeof(BatchNorm), "batch_norm")]
[JsonDerivedType(typeof(LayerNorm), "layer_norm")]
[JsonDerivedType(typeof(GroupNorm), "group_norm")]
[JsonDerivedType(typeof(InstanceNorm), "instance_norm")]
[JsonDerivedType(typeof(RmsNorm), "rms_norm")]
// Sequences: recurrence, attention, embeddings, positions.
[JsonDerivedType(typeof(Rnn), "rnn")]
[JsonDerivedType(typeof(Lstm), "lstm")]
[JsonDerivedType(typeof(Gru), "gru")]
[JsonDerivedType(typeof(SequenceLength), "sequence_length")]
[JsonDerivedType(typeof(LastStep), "last_step")]
[JsonDerivedType(typeof(ReverseTime), "reverse_time")]
[JsonDerivedType(typeof(MultiHeadAttention), "multi_head_attention")]
[JsonDerivedType(typeof(TransformerBlock), "transformer_block")]
[JsonDerivedType(typeof(Embedding), "embedding")]
[JsonDerivedType(typeof(PositionEmbedding), "position_embedding")]
[JsonDerivedType(typeof(SinusoidalPositions), "sinusoidal_positions")]
// Activations and noise.
[JsonDerivedType(typeof(Activation), "activation")]
[JsonDerivedType(typeof(Softmax), "softmax")]
[JsonDerivedType(typeof(LogSoftmax), "log_softmax")]
[JsonDerivedType(typeof(PRelu), "prelu")]
[JsonDerivedType(typeof(Dropout), "dropout")]
[JsonDerivedType(typeof(SpatialDropout), "spatial_dropout")]
[JsonDerivedType(typeof(AlphaDropout), "alpha_dropout")]
[JsonDerivedType(typeof(GaussianDropout), "gaussian_dropout")]
[JsonDerivedType(typeof(GaussianNoise), "gaussian_noise")]
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

    /// <summary>Leaves out units at random, in training or while <see cref="Pass.Dropping"/>.
    /// </summary>
    [JsonIgnore]
    public virtual bool Drops => false;

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

    /// <summary>A join of one input, the layer before, would do nothing and hide a slip.</summary>
    private protected static void Several(ReadOnlySpan<Shape> inputs, string kind)
    {
        if (inputs.Length < 2)
        {
            throw new UsageException(
                $"{kind}: {inputs.Length} input(s) given, expected two or more; name them, as in "
                + "\"inputs\": [\"conv2d_1\", \"conv2d_2\"]");
        }
    }

    private protected static Shape Image(ReadOnlySpan<Shape> inputs, string kind)
    {
        var shape = Single(inputs, kind);
        return shape.Rank == 3
            ? shape
            : throw new UsageException(
                $"{kind}: input is {shape}, expected height x width x channels");
    }
}

/// <summary>A layer that ends in an activation function, or is one.</summary>
public interface IActivated
{
    /// <summary>Its name (Activations.cs).</summary>
    string Activation { get; }
}

/// <summary>What one forward run of a model hands to its layers.</summary>
/// <param name="Training">Dropout and batch statistics are on.</param>
/// <param name="Rng">Where layers draw from, in the order of the graph.</param>
public sealed record Pass(Tape Tape, bool Training, Rng Rng)
{
    /// <summary>
    /// Dropout is on: in training, and in inference for Monte Carlo dropout, where batch statistics
    /// stay those of the training.
    /// </summary>
    public bool Dropping { get; init; } = Training;

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
    string Name, Shape Shape, string Init, int FanIn, int FanOut, bool Decays, bool Trains = true)
{
    /// <summary>A row that starts as zeros whatever the initialiser, or null.</summary>
    public int? ZeroRow { get; init; }
}

/// <summary>
/// One line about each kind of the list, for `dl info --list layers`, under the same headings.
/// </summary>
public static class LayerDescriptions
{
    private static readonly Dictionary<string, string> Lines = new()
    {
        ["dense"] = "fully connected: activation(x w + b) on the last dimension",
        // Convolutions.
        ["conv1d"] = "filters over a series, with their activation",
        ["conv2d"] = "filters over an image, with their activation",
        ["conv3d"] = "filters over a volume, with their activation",
        ["conv1d_transpose"] = "the transpose of conv1d: makes series longer",
        ["conv2d_transpose"] = "the transpose of conv2d: makes images larger",
        ["depthwise_conv2d"] = "filters for each channel by itself",
        ["separable_conv2d"] = "filters for each channel, then a mixture of channels",
        ["squeeze_excitation"] = "scales channels by what their means say (Hu et al. 2018)",
        // Pooling and resizing.
        ["max_pool1d"] = "the largest value of each window of a series",
        ["max_pool2d"] = "the largest value of each window of an image",
        ["max_pool3d"] = "the largest value of each window of a volume",
        ["average_pool1d"] = "the mean of each window of a series",
        ["average_pool2d"] = "the mean of each window of an image",
        ["average_pool3d"] = "the mean of each window of a volume",
        ["global_average_pool1d"] = "the mean of each channel of a series",
        ["global_average_pool2d"] = "the mean of each channel of an image",
        ["global_average_pool3d"] = "the mean of each channel of a volume",
        ["global_max_pool1d"] = "the largest value of each channel of a series",
        ["global_max_pool2d"] = "the largest value of each channel of an image",
        ["global_max_pool3d"] = "the largest value of each channel of a volume",
        ["max_unpool2d"] = "values back to where max_pool2d found them",
        ["resize"] = "an image of another size, by nearest or bilinear interpolation",
        ["pixel_shuffle"] = "channels to space: a larger image of fewer channels",
        ["pixel_unshuffle"] = "space to channels: a smaller image of more channels",
        // Normalisation.
        ["batch_norm"] = "each channel over the batch; running statistics in use",
        ["layer_norm"] = "each sample's position over its channels (or last dimensions)",
        ["group_norm"] = "each sample over its space and groups of channels",
        ["instance_norm"] = "each channel of each sample over its space",
        ["rms_norm"] = "as layer_norm, without mean and shift",
        // Sequences.
        ["rnn"] = "the plain recurrent layer (Elman 1990), tanh or relu",
        ["lstm"] = "long short-term memory (Hochreiter and Schmidhuber 1997)",
        ["gru"] = "gated recurrent units (Cho et al. 2014)",
        ["sequence_length"] = "how many steps of a sequence are no padding",
        ["last_step"] = "the last step of a sequence",
        ["reverse_time"] = "a sequence from its last step to its first",
        ["multi_head_attention"] = "attention in several heads, to itself or to a memory",
        ["transformer_block"] = "attention and two dense layers, normalised (Vaswani et al. 2017)",
        ["embedding"] = "a learnt vector for each id",
        ["position_embedding"] = "adds a learnt vector for each step",
        ["sinusoidal_positions"] = "adds sines and cosines of each step",
        // Activations and noise.
        ["activation"] = "a function by name (dl info --list activations)",
        ["softmax"] = "probabilities along the last dimension",
        ["log_softmax"] = "the logarithm of probabilities along the last dimension",
        ["prelu"] = "ReLU with a learnt slope below 0, one a channel (He et al. 2015)",
        ["dropout"] = "in training, zeroes a share of the values",
        ["spatial_dropout"] = "in training, zeroes a share of the channels",
        ["alpha_dropout"] = "dropout for selu: keeps mean and variance",
        ["gaussian_dropout"] = "in training, multiplies by normal numbers around 1",
        ["gaussian_noise"] = "in training, adds normal numbers",
        // Shapes.
        ["flatten"] = "any shape to one vector",
        ["reshape"] = "the same values under another shape",
        ["permute"] = "dimensions in another order",
        ["crop"] = "cuts borders off",
        ["pad"] = "puts borders around",
        ["slice"] = "a part of a dimension",
        // Joins.
        ["add"] = "the sum of inputs of one shape",
        ["multiply"] = "the product of inputs, such as values and their gate",
        ["concat"] = "inputs side by side, along the last dimension",
    };

    /// <summary>Empty for an unknown kind.</summary>
    public static string Of(string kind) => Lines.GetValueOrDefault(kind, "");
}
