// What training sees of data, wherever it came from: numbered samples of one fixed shape.
using System.Text.Json.Serialization;
using Dl.Tensors;

namespace Dl.Data;

/// <summary>
/// Samples with random access. Implementations are safe to read from many threads.
/// </summary>
public interface IDataset
{
    int Count { get; }

    /// <summary>Shape of one sample's features without the batch, channels last.</summary>
    Shape FeatureShape { get; }

    /// <summary>
    /// Floats of one sample's target: 1 for a class index, n for n values or labels.
    /// </summary>
    int TargetWidth { get; }

    /// <summary>
    /// Writes one preprocessed sample: <paramref name="features"/> has FeatureShape.Count floats,
    /// <paramref name="target"/> has <see cref="TargetWidth"/>.
    /// </summary>
    /// <exception cref="DataException">The file behind the sample cannot be read.</exception>
    void Read(int index, Span<float> features, Span<float> target);

    /// <summary>Writes the target of a sample alone.</summary>
    /// <exception cref="DataException">The file behind the sample cannot be read.</exception>
    void ReadTarget(int index, Span<float> target) =>
        Read(index, new float[FeatureShape.Count], target);

    /// <summary>
    /// The order of a shuffled epoch: a permutation of all samples that depends on seed and epoch
    /// alone. Data that are read fast in some orders only give one of these.
    /// </summary>
    int[] Order(ulong seed, int epoch) => Batches.Order(Count, seed, epoch);

    /// <summary>
    /// What <see cref="Order"/> depends on besides; a training can only be taken up where it is
    /// the same.
    /// </summary>
    string Shuffling => "";

    /// <summary>Where a sample lies, for messages: `rows.csv:17` or `train/cat/3.png`.</summary>
    string Locate(int index);
}

/// <summary>How targets are to be understood.</summary>
public enum TargetKind
{
    /// <summary>One of n labels; the target is its index.</summary>
    Classes,

    /// <summary>Any of n labels; the target is a 0/1 vector.</summary>
    MultiLabel,

    /// <summary>n numbers, standardised with the remembered mean and deviation.</summary>
    Numeric,
}

/// <summary>The target side of preprocessing, remembered in the model file.</summary>
public sealed record TargetSpec
{
    public required TargetKind Kind { get; init; }

    /// <summary>Target columns of a table, in order; `label` for class folders and IDX.</summary>
    public required string[] Names { get; init; }

    /// <summary>Class labels in index order; for multi-label the label of each output.</summary>
    public string[] Labels { get; init; } = [];

    /// <summary>
    /// Multi-label: what separates the labels in the one column; null: a 0/1 column each.
    /// </summary>
    public string? Separator { get; init; }

    /// <summary>Per numeric target: value = standardised * Std + Mean.</summary>
    public float[] Mean { get; init; } = [];

    public float[] Std { get; init; } = [];

    /// <summary>Outputs that a model needs: labels, or numeric targets.</summary>
    [JsonIgnore]
    public int Width => Kind == TargetKind.Numeric ? Names.Length : Labels.Length;
}

/// <summary>
/// One way to cut the data, with the preprocessing fitted on its training part only.
/// </summary>
public sealed record DataSplits(
    IDataset Train, IDataset? Validation, IDataset? Test, Preprocessing Preprocessing)
{
    /// <summary>
    /// An even sample of very many training samples, to be scored in their stead; null: all are.
    /// </summary>
    public IDataset? Scored { get; init; }
}
