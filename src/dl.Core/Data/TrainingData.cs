// Data to learn from: finds out what lies at the given paths, and cuts it into parts.
using Microsoft.Extensions.Logging;

namespace Dl.Data;

/// <summary>Training data of any kind, opened once and cut as often as needed.</summary>
public sealed class TrainingData
{
    private TrainingData()
    {
    }

    /// <summary>Hash of the names, sizes and contents; the same data elsewhere has the same.</summary>
    public string Fingerprint => throw new NotSupportedException();

    /// <summary>Opens files or folders, and infers what is to be learnt.</summary>
    /// <exception cref="DataException">Nothing usable is there, or something in it is bad.</exception>
    /// <exception cref="UsageException">An option names what is not there.</exception>
    public static TrainingData Open(
        DataOptions options, ILogger log, CancellationToken cancel = default) =>
        throw new NotSupportedException();

    /// <summary>Train, validation and test as the options and the folders say.</summary>
    public DataSplits Split() => throw new NotSupportedException();

    /// <summary>Cross-validation: each fold's Test is its held-out part.</summary>
    public IEnumerable<DataSplits> Folds(int folds, int repeats) =>
        throw new NotSupportedException();

    public DataDescription Describe() => throw new NotSupportedException();
}
