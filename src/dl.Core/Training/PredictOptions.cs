namespace Dl.Training;

/// <summary>
/// Everything that `dl predict` can be told; the command fills it, PredictJob reads it.
/// </summary>
public sealed record PredictOptions
{
    /// <summary>Path of the model file.</summary>
    public required string Model { get; init; }

    /// <summary>Files or folders; `-` or none: stdin.</summary>
    public string[] Inputs { get; init; } = [];

    /// <summary>A file with names of pictures, one a line; `-` is stdin; null: none.</summary>
    public string? Paths { get; init; }

    /// <summary>`csv`, `tsv`, `jsonl` or `parquet`.</summary>
    public string Format { get; init; } = "csv";

    /// <summary>
    /// The K likeliest labels with their probabilities; null: only the first. With
    /// <see cref="Score"/>: the K of the top-k accuracy.
    /// </summary>
    public int? Top { get; init; }

    /// <summary>The probability of every label.</summary>
    public bool Probabilities { get; init; }

    /// <summary>Metrics against the labels of the input, in place of predictions.</summary>
    public bool Score { get; init; }

    /// <summary>With <see cref="Score"/>: a second model to be compared on the same rows.</summary>
    public string? Against { get; init; }

    /// <summary>Passes with dropout on, whose answers are averaged; null: dropout is off.</summary>
    public int? McDropout { get; init; }

    /// <summary>Columns that say how far the members of an ensemble disagree.</summary>
    public bool Uncertainty { get; init; }

    /// <summary>The metrics as one JSON object.</summary>
    public bool Json { get; init; }

    /// <summary>File for the predictions, written atomically; null or `-`: stdout.</summary>
    public string? Output { get; init; }

    /// <summary>Samples a step; null: chosen by the size of a sample.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Leave out bad rows and files, counted in a warning, instead of stopping.</summary>
    public bool SkipBad { get; init; }

    /// <summary>`auto`, `cpu`, `opencl` or `opencl:N`.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Worker threads of the managed device; null: all cores.</summary>
    public int? Threads { get; init; }

    /// <summary>For the bootstrap of confidence intervals, and for Monte Carlo dropout.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>What a prediction run did.</summary>
/// <param name="Rows">Samples answered.</param>
/// <param name="Skipped">Samples left out because they were bad.</param>
/// <param name="Score">With scoring: how good the predictions are; else null.</param>
public sealed record PredictResult(
    long Rows, int Skipped, double Seconds, string Device, Score? Score)
{
    /// <summary>A second model on the same rows, where one was named.</summary>
    public Against? Against { get; init; }
}
