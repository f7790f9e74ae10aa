// Writing Parquet (apache/parquet-format): rows are gathered until a row group is full, and its
// columns written one after the other; the footer comes last. Nothing is ever gone back to, so the
// output may be a pipe. Memory holds one row group, and some 150 bytes for every chunk before it.
using System.Buffers.Binary;
using System.Diagnostics;

namespace Dl.Data.Formats.Parquet;

/// <summary>
/// Takes rows: a cell for each column through <see cref="this[int]"/>, then
/// <see cref="EndRow"/>; at last <see cref="Finish"/>, without which there is no file.
/// </summary>
internal sealed class ParquetWriter
{
    private readonly IReadOnlyList<ParquetField> _fields;
    private readonly ParquetOptions _options;
    private readonly CountingStream _output;
    private readonly ChunkWriter _chunks;
    private readonly ColumnBuffer[] _columns;
    private readonly List<WrittenGroup> _groups = [];
    private int _untilCheck = 1;

    /// <param name="output">Written forwards only; not closed.</param>
    /// <exception cref="UsageException">
    /// No columns, names that are empty or there twice, or a codec whose library is missing.
    /// </exception>
    public ParquetWriter(
        Stream output, IReadOnlyList<ParquetField> fields, ParquetOptions? options = null)
    {
        Check(fields);
        _fields = fields;
        _options = options ?? new ParquetOptions();
        _output = new CountingStream(output);
        _chunks = new ChunkWriter(_output, _options);
        _columns = [.. fields.Select(f => new ColumnBuffer(f))];
        _output.Write("PAR1"u8);
    }

    /// <summary>Where the next cell of a column goes.</summary>
    public ColumnBuffer this[int column] => _columns[column];

    /// <summary>Rows so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Ends the row: every column has got a cell.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public void EndRow()
    {
        Rows++;
        Debug.Assert(Array.TrueForAll(_columns, c => c.Rows == _columns[0].Rows));
        // Adding up the columns of a wide table for every row would take longer than the row.
        if (--_untilCheck > 0)
        {
            return;
        }
        long bytes = 0;
        foreach (ColumnBuffer column in _columns)
        {
            bytes += column.Bytes;
        }
        int rows = _columns[0].Rows;
        if (bytes >= _options.GroupBytes || rows >= _options.GroupRows)
        {
            EndGroup();
            bytes = rows = 0;
        }
        // A part of what still fits, should rows stay as they are; every row where they are large.
        long fitting = rows == 0 ? 1 : (_options.GroupBytes - bytes) / Math.Max(1, bytes / rows);
        _untilCheck = (int)Math.Clamp(
            Math.Min(fitting / 8, _options.GroupRows - rows), 1, 1024);
    }

    /// <summary>Writes the rows that are left, and the footer.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public void Finish()
    {
        if (_columns[0].Rows > 0)
        {
            EndGroup();
        }
        var footer = new ThriftWriter();
        FooterWriter.Write(footer, _fields, _groups, _options.Codec);
        _output.Write(footer.Bytes);
        Span<byte> tail = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(tail, footer.Bytes.Length);
        "PAR1"u8.CopyTo(tail[4..]);
        _output.Write(tail);
        _output.Flush();
    }

    private void EndGroup()
    {
        int rows = _columns[0].Rows;
        _groups.Add(new WrittenGroup(rows, Array.ConvertAll(_columns, _chunks.Write)));
        foreach (ColumnBuffer column in _columns)
        {
            column.Clear();
        }
    }

    private static void Check(IReadOnlyList<ParquetField> fields)
    {
        if (fields.Count == 0)
        {
            throw new UsageException("parquet: no columns, expected at least one");
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (ParquetField field in fields)
        {
            if (field.Name.Length == 0)
            {
                throw new UsageException("parquet: a column without a name, expected one");
            }
            if (!names.Add(field.Name))
            {
                throw new UsageException(
                    $"parquet: column '{field.Name}' is there twice, expected distinct names; "
                    + "choose csv, tsv or jsonl, or rename one");
            }
        }
    }
}
