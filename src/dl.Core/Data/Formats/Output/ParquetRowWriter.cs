// Rows into a Parquet file: the cell of a row is a value of the column's type.
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Formats.Output;

/// <summary>The columns say what each cell becomes.</summary>
internal sealed class ParquetRowWriter(Stream output, IReadOnlyList<ParquetField> columns)
    : RowWriter
{
    private readonly ParquetWriter _writer = new(output, columns);
    private int _column;

    public override void Text(ReadOnlySpan<char> value) => _writer[_column++].Add(value);

    public override void Text(ReadOnlySpan<byte> utf8) => _writer[_column++].AddUtf8(utf8);

    public override void Number(double value) => _writer[_column++].Add(value);

    public override void Number(float value) => _writer[_column++].Add(value);

    public override void Number(long value)
    {
        ColumnBuffer column = _writer[_column++];
        if (column.Field.Physical == PhysicalType.Int32)
        {
            column.Add(checked((int)value));
        }
        else
        {
            column.Add(value);
        }
    }

    public override void Missing() => _writer[_column++].AddMissing();

    public override void EndRow()
    {
        _writer.EndRow();
        _column = 0;
    }

    /// <summary>Nothing: a row group is written when it is full.</summary>
    public override void Flush()
    {
    }

    public override void Finish() => _writer.Finish();
}
