// What `dl info DATA` prints about data that no model has seen yet.
namespace Dl.Data;

/// <summary>Shape and contents of a data set; serialised by <see cref="DataJson"/>.</summary>
public sealed record DataDescription
{
    /// <summary>`table` or `images`.</summary>
    public required string Kind { get; init; }

    /// <summary>Samples of all parts.</summary>
    public required int Rows { get; init; }

    /// <summary>Samples of each part that was found: `train`, `val`, `test`.</summary>
    public required PartDescription[] Parts { get; init; }

    /// <summary>Columns of a table in file order; null for images.</summary>
    public ColumnDescription[]? Columns { get; init; }

    /// <summary>Classes in index order; null where the target is a number.</summary>
    public ClassDescription[]? Classes { get; init; }

    /// <summary>Sizes and formats of images; null for tables.</summary>
    public ImagesDescription? Images { get; init; }

    public required string Fingerprint { get; init; }
}

public sealed record PartDescription(string Name, int Rows);

/// <summary>
/// One column: <c>Type</c> is number, date (in days since 1970) or category; <c>Missing</c> counts
/// cells without a value; numbers have <c>Min</c>, <c>Max</c>, <c>Mean</c>.
/// </summary>
public sealed record ColumnDescription(
    string Name, string Type, int Missing, int Distinct, double? Min, double? Max, double? Mean);

public sealed record ClassDescription(string Label, int Count);

/// <summary>
/// Smallest and largest extents in pixels; <c>Channels</c> is 1 when all are grey.
/// </summary>
public sealed record ImagesDescription(
    int Count, int MinWidth, int MinHeight, int MaxWidth, int MaxHeight, int Channels,
    string[] Formats);
