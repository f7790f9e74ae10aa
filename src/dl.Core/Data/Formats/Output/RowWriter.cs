// Tables as they leave dl: one interface for CSV, TSV, JSON lines and Parquet, so that whoever has
// rows need not know where they go.
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Formats.Output;

/// <summary>
/// Takes a row's cells in the order of the columns, then <see cref="EndRow"/>; at last
/// <see cref="Finish"/>. All methods may throw <see cref="IOException"/>.
/// </summary>
internal abstract class RowWriter
{
    /// <param name="form">One of <see cref="OutputForm.All"/>.</param>
    /// <param name="output">Written forwards only; not closed.</param>
    /// <exception cref="UsageException">The form cannot hold such columns.</exception>
    public static RowWriter Open(
        string form, Stream output, IReadOnlyList<ParquetField> columns) => form switch
        {
            OutputForm.Parquet => new ParquetRowWriter(output, columns),
            OutputForm.JsonLines => new JsonLinesWriter(output, columns),
            OutputForm.Tsv => new DelimitedWriter(output, columns, '\t'),
            _ => new DelimitedWriter(output, columns, ','),
        };

    public abstract void Text(ReadOnlySpan<char> value);

    /// <param name="utf8">A text.</param>
    public abstract void Text(ReadOnlySpan<byte> utf8);

    public abstract void Number(double value);

    /// <summary>Of a column of floats: seven digits where it becomes text.</summary>
    public abstract void Number(float value);

    public abstract void Number(long value);

    public abstract void Missing();

    public abstract void EndRow();

    /// <summary>Sends on what can be sent: whole lines, or whole row groups.</summary>
    public abstract void Flush();

    /// <summary>Writes what is left, and what has to stand at the end.</summary>
    public abstract void Finish();
}
