// What tables and images have in common before they are cut into parts.
using Microsoft.Extensions.Logging;

namespace Dl.Data;

/// <summary>Which part of the data a sample was found in.</summary>
internal enum Part
{
    Train,
    Validation,
    Test,
}

/// <summary>All samples of all parts; parts are cut by index.</summary>
internal interface IDataSource
{
    int Count { get; }

    Part PartOf(int sample);

    /// <summary>Class of a sample for stratified cuts; 0 where there are no classes.</summary>
    int Stratum(int sample);

    /// <summary>Reads whatever was put off at opening, and checks it.</summary>
    void Load(CancellationToken cancel);

    /// <summary>Learns the preparation from training samples alone.</summary>
    /// <param name="log">Null where the same has been said before (second fold and later).</param>
    Preprocessing Fit(int[] train, ILogger? log);

    IDataset View(int[] samples, Preprocessing preprocessing);

    DataDescription Describe(string fingerprint);

    /// <summary>Gives back what lies on disk; its datasets cannot be read any more.</summary>
    void Dispose()
    {
    }
}
