// What a file may become. Run lengths and compression let a few bytes stand for any number of
// values, so there is no size that is right by itself; these bounds hold for all files that are
// written to be read, and keep a damaged or hostile one from taking the memory.
namespace Dl.Data.Formats.Parquet;

/// <summary>Bounds on what is allocated for an input of so many bytes.</summary>
internal static class Limits
{
    /// <summary>A little more than gzip's best.</summary>
    private const long Ratio = 1100;

    /// <summary>Bytes of a page, decompressed or expanded.</summary>
    public static long Expanded(long bytes) =>
        Math.Min(Array.MaxLength, (1L << 24) + (Ratio * bytes));

    /// <summary>
    /// Cells (rows times columns) of a file of so many bytes. At 16 bytes, the most that one takes,
    /// a row group in memory is no more than 256 MB and 17,600 times the file.
    /// </summary>
    public static long Cells(long bytes) => (1L << 24) + (Ratio * bytes);
}
