// The footer (struct FileMetaData): the counterpart of FooterReader. Numbers of fields are those of
// parquet.thrift.
namespace Dl.Data.Formats.Parquet;

/// <summary>A row group in the file, a chunk for every column.</summary>
internal sealed record WrittenGroup(long Rows, WrittenChunk[] Chunks);

/// <summary>Writes footers.</summary>
internal static class FooterWriter
{
    /// <summary>2: with the encodings and meanings that came after the first format.</summary>
    private const int Version = 2;

    public static void Write(
        ThriftWriter writer, IReadOnlyList<ParquetField> fields,
        IReadOnlyList<WrittenGroup> groups, Codec codec)
    {
        writer.Begin();
        writer.Int32(1, Version);
        WriteSchema(writer, fields);
        writer.Int64(3, groups.Sum(g => g.Rows));
        writer.List(4, ThriftType.Struct, groups.Count);
        for (int i = 0; i < groups.Count; i++)
        {
            WriteGroup(writer, fields, groups[i], i, codec);
        }
        writer.Text(6, CreatedBy());
        // Every column is ordered as its type says; without this, bounds are not to be believed.
        writer.List(7, ThriftType.Struct, fields.Count);
        for (int i = 0; i < fields.Count; i++)
        {
            writer.Begin();
            writer.Empty(1);
            writer.End();
        }
        writer.End();
    }

    /// <summary>As other programs read it: NAME version VERSION.</summary>
    private static string CreatedBy() =>
        $"dl version {typeof(FooterWriter).Assembly.GetName().Version!.ToString(3)}";

    private static void WriteSchema(ThriftWriter writer, IReadOnlyList<ParquetField> fields)
    {
        writer.List(2, ThriftType.Struct, fields.Count + 1);
        writer.Begin();
        writer.Text(4, "schema");
        writer.Int32(5, fields.Count);
        writer.End();
        foreach (ParquetField field in fields)
        {
            writer.Begin();
            writer.Int32(1, (int)field.Physical);
            writer.Int32(3, (int)(field.Optional ? Repetition.Optional : Repetition.Required));
            writer.Text(4, field.Name);
            WriteMeaning(writer, field.Type);
            writer.End();
        }
    }

    /// <summary>The older annotation in field 6, for older readers, and the newer in 10.</summary>
    private static void WriteMeaning(ThriftWriter writer, FieldType type)
    {
        switch (type)
        {
            case FieldType.String:
                writer.Int32(6, 0);
                writer.Begin(10);
                writer.Empty(1);
                writer.End();
                break;
            case FieldType.Date:
                writer.Int32(6, 6);
                writer.Begin(10);
                writer.Empty(6);
                writer.End();
                break;
            case FieldType.Timestamp:
                writer.Int32(6, 10);
                writer.Begin(10);
                writer.Begin(8);
                // An instant, in microseconds.
                writer.Boolean(1, true);
                writer.Begin(2);
                writer.Empty(2);
                writer.End();
                writer.End();
                writer.End();
                break;
        }
    }

    private static void WriteGroup(
        ThriftWriter writer, IReadOnlyList<ParquetField> fields, WrittenGroup group, int ordinal,
        Codec codec)
    {
        writer.Begin();
        writer.List(1, ThriftType.Struct, fields.Count);
        for (int i = 0; i < fields.Count; i++)
        {
            writer.Begin();
            // Where the metadata stand outside the footer: nowhere.
            writer.Int64(2, 0);
            WriteChunk(writer, fields[i], group.Chunks[i], codec);
            writer.End();
        }
        writer.Int64(2, group.Chunks.Sum(c => c.PlainLength));
        writer.Int64(3, group.Rows);
        writer.Int64(5, group.Chunks[0].Start);
        writer.Int64(6, group.Chunks.Sum(c => c.Length));
        if (ordinal <= short.MaxValue)
        {
            writer.Int16(7, (short)ordinal);
        }
        writer.End();
    }

    private static void WriteChunk(
        ThriftWriter writer, ParquetField field, WrittenChunk chunk, Codec codec)
    {
        writer.Begin(3);
        writer.Int32(1, (int)field.Physical);
        PageEncoding[] encodings = chunk.HasDictionary
            ? [PageEncoding.Plain, PageEncoding.Rle, PageEncoding.RleDictionary]
            : [PageEncoding.Plain, PageEncoding.Rle];
        writer.List(2, ThriftType.Int32, encodings.Length);
        foreach (PageEncoding encoding in encodings)
        {
            writer.Element((int)encoding);
        }
        writer.List(3, ThriftType.Binary, 1);
        writer.Element(field.Name);
        writer.Int32(4, (int)codec);
        writer.Int64(5, chunk.Rows);
        writer.Int64(6, chunk.PlainLength);
        writer.Int64(7, chunk.Length);
        writer.Int64(9, chunk.DataStart);
        if (chunk.HasDictionary)
        {
            writer.Int64(11, chunk.Start);
        }
        chunk.Statistics.Write(writer, 12);
        writer.End();
    }
}
