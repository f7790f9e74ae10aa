// Files into a table, and one line on what that took where the table is a large one.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Tables.Storage;

/// <summary>Appends inputs to a table and keeps count of their bytes.</summary>
internal sealed class TableReading(RawTable table, ILogger log)
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long _bytes;

    /// <param name="stream">Disposed when it has been read.</param>
    public void Append(
        Stream stream, string name, Part part, BadData bad, CancellationToken cancel)
    {
        // Bytes as they lie: of what is packed, where the file is, is not known.
        long? length = stream.CanSeek ? stream.Length : null;
        table.Progress = () => length > 0 && _bytes == 0
            ? (double)stream.Position / length.Value
            : null;
        table.Append(stream, name, part, bad, cancel);
        _bytes += length ?? (stream as HashingStream)?.Length
            ?? (File.Exists(name) ? new FileInfo(name).Length : 0);
        table.Progress = null;
    }

    /// <summary>Says what was read if it is kept on disk.</summary>
    public void Complete()
    {
        table.Complete();
        if (table.Store is not { } store)
        {
            return;
        }
        double seconds = Math.Max(1e-3, _watch.Elapsed.TotalSeconds);
        string read = _bytes == 0 ? "" : string.Create(
            CultureInfo.InvariantCulture,
            $", {ScratchFile.Size(_bytes)} read at {_bytes / seconds / 1e6:0} MB/s");
        log.LogInformation(
            "table: {Rows} rows{Read}; {Size} of cells kept in a scratch file below {Folder}",
            table.Rows.ToString("N0", CultureInfo.InvariantCulture), read,
            ScratchFile.Size(store.Length), store.Folder);
    }
}
