// CSV (RFC 4180, with `\n` at line ends) and TSV: a line of names, then a line a row.
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Formats.Output;

/// <summary>Fields in quotes only where they have to be.</summary>
internal sealed class DelimitedWriter : RowWriter
{
    private readonly Utf8Output _output;
    private readonly byte _delimiter;
    private bool _first = true;

    public DelimitedWriter(Stream output, IReadOnlyList<ParquetField> columns, char delimiter)
    {
        _output = new Utf8Output(output);
        _delimiter = (byte)delimiter;
        foreach (ParquetField column in columns)
        {
            Text(column.Name);
        }
        EndRow();
    }

    public override void Text(ReadOnlySpan<char> value)
    {
        int length = System.Text.Encoding.UTF8.GetByteCount(value);
        Span<byte> utf8 = length <= 512 ? stackalloc byte[length] : new byte[length];
        System.Text.Encoding.UTF8.GetBytes(value, utf8);
        Text(utf8);
    }

    public override void Text(ReadOnlySpan<byte> utf8)
    {
        Next();
        if (utf8.IndexOfAny("\"\r\n"u8) < 0 && !utf8.Contains(_delimiter)
            && utf8 is not ([(byte)' ', ..] or [.., (byte)' ']))
        {
            _output.Append(utf8);
            return;
        }
        _output.Append((byte)'"');
        while (utf8.IndexOf((byte)'"') is >= 0 and int quote)
        {
            _output.Append(utf8[..(quote + 1)]);
            _output.Append((byte)'"');
            utf8 = utf8[(quote + 1)..];
        }
        _output.Append(utf8);
        _output.Append((byte)'"');
    }

    public override void Number(double value)
    {
        Next();
        _output.Append(value);
    }

    public override void Number(float value)
    {
        Next();
        _output.Append(value);
    }

    public override void Number(long value)
    {
        Next();
        _output.Append(value);
    }

    public override void Missing() => Next();

    public override void EndRow()
    {
        _output.EndLine();
        _first = true;
    }

    public override void Flush() => _output.Flush();

    public override void Finish() => _output.Flush();

    private void Next()
    {
        if (!_first)
        {
            _output.Append(_delimiter);
        }
        _first = false;
    }
}
