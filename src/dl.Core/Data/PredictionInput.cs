// Input of a trained model: rows or images, one record each, in the order they come.
using Microsoft.Extensions.Logging;

namespace Dl.Data;

/// <summary>How prediction input is read.</summary>
public sealed record PredictionInputOptions
{
    /// <summary>Leave out bad rows and files, counted in a warning, instead of stopping.</summary>
    public bool SkipBad { get; init; }

    /// <summary>Scoring: an input without labels is an error.</summary>
    public bool NeedTarget { get; init; }
}

/// <summary>One sample, prepared as the model wants it.</summary>
public sealed record InputRecord
{
    /// <summary>The id column, the relative path, or the 1-based number.</summary>
    public required string Id { get; init; }

    /// <summary>FeatureShape.Count floats.</summary>
    public required float[] Features { get; init; }

    /// <summary>As in training (class index, 0/1 vector, standardised); null: no label here.</summary>
    public float[]? Target { get; init; }

    /// <summary>For messages: `rows.csv:17`.</summary>
    public required string Where { get; init; }
}

/// <summary>Streams records; stdin is read no further than what has arrived.</summary>
public sealed class PredictionInput : IDisposable
{
    private PredictionInput()
    {
    }

    /// <summary>Name for the column of ids in output: the id column's own, `path` or `row`.</summary>
    public string IdName => throw new NotSupportedException();

    /// <summary>Records left out so far because they were bad (SkipBad).</summary>
    public int Skipped => throw new NotSupportedException();

    /// <summary>Looks at the inputs; files, folders, or `-` for stdin.</summary>
    public static PredictionInput Open(
        Preprocessing preprocessing, string[] inputs, PredictionInputOptions options, ILogger log) =>
        throw new NotSupportedException();

    /// <summary>The records in order; enumerate once.</summary>
    public IEnumerable<InputRecord> Read() => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
