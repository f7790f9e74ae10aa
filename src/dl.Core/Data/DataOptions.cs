using Dl.Data.Tables.Storage;

namespace Dl.Data;

/// <summary>What the user says about training data (cli.md, `fit`, Data).</summary>
public sealed record DataOptions
{
    /// <summary>Files or folders; `-` is stdin.</summary>
    public required string[] Inputs { get; init; }

    /// <summary>
    /// A file, a folder, or a share such as `0.1`; null: found in the folder, or none.
    /// </summary>
    public string? Validation { get; init; }

    public string? Test { get; init; }

    /// <summary>Shares for train, validation and test that add up to 1.</summary>
    public double[]? Split { get; init; }

    /// <summary>Target columns; empty: inferred, and said in the log.</summary>
    public string[] Target { get; init; } = [];

    public string[] Ignore { get; init; } = [];

    /// <summary>`classification`, `multilabel` or `regression`; null: inferred.</summary>
    public string? Task { get; init; }

    /// <summary>
    /// Numeric targets are counts: below 0 is an error, and they are scaled by their mean alone.
    /// </summary>
    public bool Counts { get; init; }

    /// <summary>Numbers in CSV and its kin are written `1,5`, not `1.5`.</summary>
    public bool DecimalComma { get; init; }

    /// <summary>Leave out bad rows and files, counted in a warning, instead of stopping.</summary>
    public bool SkipBad { get; init; }

    /// <summary>
    /// Height and width that images are resized to; null: their own common size, or 64.
    /// </summary>
    public int? ImageSize { get; init; }

    public bool Grayscale { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>How much of a table is kept in memory, and where the rest lies.</summary>
    public TableStorage Storage { get; init; } = new();
}
