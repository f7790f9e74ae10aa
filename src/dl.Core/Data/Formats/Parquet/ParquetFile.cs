// Parquet (apache/parquet-format): "PAR1", column chunks, the footer with schema and row groups,
// its length, and "PAR1" again. Opening reads the footer; columns are read one chunk at a time, so
// memory holds one row group of the columns that somebody asks for.
using System.Buffers.Binary;

namespace Dl.Data.Formats.Parquet;

/// <summary>A file's schema and row groups, and their values on demand.</summary>
internal sealed class ParquetFile : IDisposable
{
    /// <summary>Length of the footer, and the magic number behind it.</summary>
    private const int TailLength = 8;

    private readonly Stream _stream;
    private readonly string _name;
    private readonly long _end;

    private ParquetFile(Stream stream, string name, long end, Footer footer)
    {
        _stream = stream;
        _name = name;
        _end = end;
        Columns = SchemaReader.Columns(footer.Schema);
        RowGroups = footer.RowGroups;
    }

    /// <summary>Leaves of the schema, those that cannot be read among them.</summary>
    public IReadOnlyList<ParquetColumn> Columns { get; }

    public IReadOnlyList<RowGroup> RowGroups { get; }

    public long Rows { get; private set; }

    public static bool Detect(ReadOnlySpan<byte> head) => head.StartsWith("PAR1"u8);

    /// <param name="stream">
    /// The file; a pipe is copied to a temporary one. Disposed with the result, or when there is
    /// none.
    /// </param>
    /// <param name="name">File name for messages.</param>
    /// <exception cref="DataException">No Parquet file, damaged, or encrypted.</exception>
    public static ParquetFile Open(Stream stream, string name)
    {
        try
        {
            if (!stream.CanSeek)
            {
                // Its directory stands at the end.
                stream = SpoolFile.Of(stream, name);
            }
            return Guard(name, () =>
            {
                Footer footer = ReadFooter(stream, out long end);
                var file = new ParquetFile(stream, name, end, footer);
                file.CheckRowGroups();
                return file;
            });
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The values of a column in one row group.</summary>
    /// <param name="group">Index of the row group.</param>
    /// <param name="column">Index of the column.</param>
    /// <exception cref="DataException">Damaged, or a feature that is not here.</exception>
    public ColumnValues Read(int group, int column)
    {
        ParquetColumn description = Columns[column];
        string where = $"{_name}: column '{description.Name}', row group {group}";
        return Guard(where, () =>
        {
            RowGroup rows = RowGroups[group];
            ColumnChunk chunk = rows.Columns[column];
            if ((description.Unsupported ?? chunk.Unsupported) is { } feature)
            {
                throw new NotSupportedException(feature);
            }
            CheckChunk(chunk, description, rows.Rows);
            // Without rows there are no pages, and no place where they would begin.
            var bytes = new byte[rows.Rows == 0 ? 0 : chunk.Length];
            // Columns are decoded side by side, and the file has one place to read from.
            lock (_stream)
            {
                _stream.Position = chunk.Start;
                _stream.ReadExactly(bytes);
            }
            return ChunkReader.Read(description, chunk.Codec, bytes, (int)rows.Rows);
        });
    }

    public void Dispose() => _stream.Dispose();

    private static Footer ReadFooter(Stream stream, out long end)
    {
        Span<byte> tail = stackalloc byte[TailLength];
        if (stream.Length < 4 + TailLength)
        {
            throw new InvalidDataException($"{stream.Length} bytes are too few");
        }
        stream.Position = 0;
        stream.ReadExactly(tail[..4]);
        if (tail[..4].SequenceEqual("PARE"u8))
        {
            throw new NotSupportedException("an encrypted footer");
        }
        bool begins = Detect(tail);
        stream.Position = stream.Length - TailLength;
        stream.ReadExactly(tail);
        if (!begins || !tail[4..].SequenceEqual("PAR1"u8))
        {
            throw new InvalidDataException(
                begins
                    ? "it does not end with PAR1; it is cut off"
                    : "it does not begin with PAR1; it is no Parquet file");
        }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        end = stream.Length - TailLength - length;
        if (end < 4 || length > Array.MaxLength)
        {
            throw new InvalidDataException(
                $"a footer of {length} bytes in a file of {stream.Length}");
        }
        var bytes = new byte[length];
        stream.Position = end;
        stream.ReadExactly(bytes);
        Footer footer = FooterReader.Read(bytes);
        return footer.Encrypted
            ? throw new NotSupportedException("encrypted columns")
            : footer;
    }

    private void CheckRowGroups()
    {
        long limit = Math.Min(
            Limits.Cells(_stream.Length) / Math.Max(1, Columns.Count), Array.MaxLength);
        for (int i = 0; i < RowGroups.Count; i++)
        {
            RowGroup group = RowGroups[i];
            if (group.Rows < 0 || group.Rows > limit - Rows)
            {
                throw new InvalidDataException(
                    $"row group {i} has {group.Rows} rows, which the file cannot hold");
            }
            if (group.Columns.Count != Columns.Count)
            {
                throw new InvalidDataException(
                    $"row group {i} has {group.Columns.Count} columns, expected {Columns.Count} "
                    + "as in the schema");
            }
            Rows += group.Rows;
        }
    }

    private void CheckChunk(ColumnChunk chunk, ParquetColumn column, long rows)
    {
        if (chunk.Type != column.Type)
        {
            throw new InvalidDataException(
                $"its values are {chunk.Type}, expected {column.Type} as in the schema");
        }
        if (chunk.Values != rows)
        {
            throw new InvalidDataException($"{chunk.Values} values in {rows} rows");
        }
        if (chunk.Start < (rows > 0 ? 4 : 0) || chunk.Start > _end
            || chunk.Length < 0 || chunk.Length > _end - chunk.Start)
        {
            throw new InvalidDataException(
                $"{chunk.Length} bytes from {chunk.Start} on, and the footer begins at {_end}");
        }
        if (chunk.Length > Array.MaxLength)
        {
            throw new NotSupportedException($"column chunks of {chunk.Length} bytes");
        }
    }

    /// <summary>Damage and missing features with the place where they were met.</summary>
    private static T Guard<T>(string where, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (NotSupportedException error)
        {
            throw new DataException($"{where}: dl does not read {error.Message}", error);
        }
        catch (InvalidDataException error)
        {
            throw new DataException(
                $"{where}: the Parquet data are damaged: {error.Message}", error);
        }
        catch (IOException error)
        {
            throw new DataException($"{where}: cannot be read ({error.Message})", error);
        }
    }
}
