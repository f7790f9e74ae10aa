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

    /// <summary>`csv`, `tsv` or `jsonl`.</summary>
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

    /// <summary>For the bootstrap of confidence intervals.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>What a prediction run did.</summary>
/// <param name="Rows">Samples answered.</param>
/// <param name="Skipped">Samples left out because they were bad.</param>
/// <param name="Score">With scoring: how good the predictions are; else null.</param>
public sealed record PredictResult(
    int Rows, int Skipped, double Seconds, string Device, Score? Score);
