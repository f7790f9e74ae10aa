// How raw records become floats. It is fitted on training data, stored in the model file, and is
// all that prediction needs to know about the data.
using System.Text.Json.Serialization;
using Dl.Tensors;

namespace Dl.Data;

/// <summary>The remembered preparation of features and targets.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TablePreprocessing), "table")]
[JsonDerivedType(typeof(ImagePreprocessing), "image")]
public abstract record Preprocessing
{
    public required TargetSpec Target { get; init; }

    /// <summary>Shape of one prepared sample, channels last.</summary>
    [JsonIgnore]
    public abstract Shape FeatureShape { get; }
}

/// <summary>Columns of a table become one flat vector.</summary>
public sealed record TablePreprocessing : Preprocessing
{
    public required FeatureColumn[] Columns { get; init; }

    /// <summary>
    /// False: the file had no line of names; columns are c1, c2, ... by position.
    /// </summary>
    public bool Header { get; init; } = true;

    /// <summary>
    /// All columns of the training file in their order, targets and ignored ones too.
    /// </summary>
    public string[] Source { get; init; } = [];

    /// <summary>`comma`: numbers in CSV and its kin are written `1,5`; null: `1.5`.</summary>
    public string? Decimal { get; init; }

    /// <summary>A column that only names the rows; it is echoed beside predictions.</summary>
    public string? IdColumn { get; init; }

    [JsonIgnore]
    public override Shape FeatureShape => new(Columns.Sum(c => c.Width));
}

public enum ColumnKind
{
    /// <summary>
    /// (value - Mean) / Std; a missing value becomes Fill and, with MissingFlag, sets one.
    /// </summary>
    Number,

    /// <summary>One-hot over Categories, plus one place for unknown and missing values.</summary>
    Category,
}

/// <summary>What is done to a number before it is standardised.</summary>
public enum ColumnTransform
{
    None,

    /// <summary>ln(1 + x) for x >= 0 and -ln(1 - x) below: tames long tails of amounts.</summary>
    Log,

    /// <summary>An ISO date, with a time or not, is read as days since 1970-01-01.</summary>
    Date,
}

/// <summary>One input column and how it is encoded.</summary>
public sealed record FeatureColumn
{
    public required string Name { get; init; }

    public required ColumnKind Kind { get; init; }

    public ColumnTransform Transform { get; init; }

    /// <summary>Mean and deviation of the training values, after Transform; double, because
    /// a year or a time stamp has a large mean and a small deviation.</summary>
    public double Mean { get; init; }

    public double Std { get; init; } = 1;

    /// <summary>Value (before Transform) that stands in for a missing one: the median.</summary>
    public double Fill { get; init; }

    /// <summary>An extra 0/1 input says that the value was missing.</summary>
    public bool MissingFlag { get; init; }

    public string[] Categories { get; init; } = [];

    [JsonIgnore]
    public int Width => Kind == ColumnKind.Category
        ? Categories.Length + 1
        : MissingFlag ? 2 : 1;
}

/// <summary>
/// Images are resized, converted to the given channels, and standardised per channel.
/// </summary>
public sealed record ImagePreprocessing : Preprocessing
{
    public required int Height { get; init; }

    public required int Width { get; init; }

    /// <summary>1 (grey) or 3 (red, green, blue).</summary>
    public required int Channels { get; init; }

    /// <summary>Per channel, in units of pixel/255: x = (pixel / 255 - Mean) / Std.</summary>
    public required float[] Mean { get; init; }

    public required float[] Std { get; init; }

    [JsonIgnore]
    public override Shape FeatureShape => new(Height, Width, Channels);
}
