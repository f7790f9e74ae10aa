// JSON lines (jsonlines.org): an object a row, with the names of the columns as keys.
using System.Text;
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Formats.Output;

/// <summary>What JSON has no number for (NaN, infinities) is null, as what is missing.</summary>
internal sealed class JsonLinesWriter : RowWriter
{
    private readonly Utf8Output _output;

    /// <summary>Each with what stands before it: `{"a":`, then `,"b":`.</summary>
    private readonly byte[][] _keys;
    private int _column;

    public JsonLinesWriter(Stream output, IReadOnlyList<ParquetField> columns)
    {
        _output = new Utf8Output(output);
        _keys = [.. columns.Select((column, i) => Encoding.UTF8.GetBytes(
            $"{(i == 0 ? '{' : ',')}\"{JsonText.Escaped(column.Name)}\":"))];
    }

    public override void Text(ReadOnlySpan<char> value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Span<byte> utf8 = length <= 512 ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(value, utf8);
        Text(utf8);
    }

    public override void Text(ReadOnlySpan<byte> utf8)
    {
        Next();
        _output.AppendJson(utf8);
    }

    public override void Number(double value)
    {
        Next();
        if (double.IsFinite(value))
        {
            _output.Append(value);
        }
        else
        {
            _output.Append("null"u8);
        }
    }

    public override void Number(float value)
    {
        Next();
        _output.AppendJson(value);
    }

    public override void Number(long value)
    {
        Next();
        _output.Append(value);
    }

    public override void Missing()
    {
        Next();
        _output.Append("null"u8);
    }

    public override void EndRow()
    {
        _output.Append((byte)'}');
        _output.EndLine();
        _column = 0;
    }

    public override void Flush() => _output.Flush();

    public override void Finish() => _output.Flush();

    private void Next() => _output.Append(_keys[_column++]);
}
