namespace Dl.Data.Tables.Storage;

/// <summary>Where the cells of a table are kept, and how much memory they may take.</summary>
public sealed record TableStorage
{
    /// <summary>
    /// Cells kept in memory, in bytes at 8 a cell, texts beside them. A table that has more goes
    /// to a scratch file, all of it.
    /// </summary>
    public long Memory { get; init; } = 256L << 20;

    /// <summary>Below which the scratch file lies; null: where temporary files go.</summary>
    public string? Folder { get; init; }

    /// <summary>
    /// Bytes of a block of rows at 8 a cell; a block has one row at least. Many small blocks mix
    /// better, large ones are read faster.
    /// </summary>
    public int BlockBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Blocks kept for reading, at least 4. Half of them are mixed with each other when an epoch
    /// is shuffled; the others are for threads that read ahead.
    /// </summary>
    public int CachedBlocks { get; init; } = 32;

    internal string ScratchFolder => Folder ?? Path.GetTempPath();
}
