// A Parquet file as rows of cells, for tables: one row group after the other.
using Dl.Data.Tables;

namespace Dl.Data.Formats.Parquet;

/// <summary>Rows in the file's order; `Line` counts rows from 1.</summary>
internal sealed class ParquetRows : IRowReader
{
    private readonly ParquetFile _file;
    private readonly string[] _names;
    private int _next;
    private ParquetGroup? _group;

    /// <param name="stream">The file, which has to seek; disposed with the reader.</param>
    /// <param name="name">File name for messages.</param>
    public ParquetRows(Stream stream, string name)
    {
        Name = name;
        _file = ParquetFile.Open(stream, name);
        _names = [.. _file.Columns.Select(c => c.Name)];
        Refused = _file.Columns.Where(c => c.Unsupported is not null)
            .DistinctBy(c => c.Name)
            .ToDictionary(c => c.Name, c => $"dl does not read {c.Unsupported}");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? twice = Array.Find(_names, n => !seen.Add(n));
        if (twice is not null)
        {
            _file.Dispose();
            throw new DataException(
                $"{name}: column '{twice}' is there twice, expected distinct names; rename or "
                + "remove one");
        }
    }

    public string Name { get; }

    public IReadOnlyList<string>? Names => _names;

    public IReadOnlyDictionary<string, string> Refused { get; }

    public bool Sparse => false;

    public int Count => _names.Length;

    public int Line { get; private set; }

    public DataException? Problem => null;

    /// <exception cref="DataException">The column's part of the file cannot be read.</exception>
    public ReadOnlySpan<byte> Utf8(int field) => _group!.Utf8(field);

    /// <exception cref="DataException">The column's part of the file cannot be read.</exception>
    public CellKind Kind(int field, out double number) => _group!.Kind(field, out number);

    /// <summary>
    /// Whether this is Parquet: by its first bytes where the stream can go back, else by name.
    /// </summary>
    public static bool Detect(Stream stream, string name)
    {
        if (Path.GetExtension(InputFile.PlainName(name)) == ".parquet")
        {
            return true;
        }
        if (!stream.CanSeek)
        {
            return false;
        }
        Span<byte> head = stackalloc byte[4];
        long start = stream.Position;
        int read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        stream.Position = start;
        return ParquetFile.Detect(head[..read]);
    }

    public bool Read()
    {
        while (_group is null || _group.Row + 1 >= _group.RowCount)
        {
            if (!GoOn())
            {
                return false;
            }
        }
        _group.Row++;
        Line = _group.Line;
        return true;
    }

    public IRowBlock? NextBlock()
    {
        // A group of which rows have been read is gone on with row by row, unless it is done.
        return _group is not null && _group.Row >= 0 && _group.Row + 1 < _group.RowCount
            ? null
            : GoOn() ? _group : null;
    }

    public void Dispose()
    {
        _group?.Close();
        _file.Dispose();
    }

    private bool GoOn()
    {
        if (_next == _file.RowGroups.Count)
        {
            return false;
        }
        int before = _group is null ? 0 : _group.LinesBefore + _group.RowCount;
        _group?.Close();
        _group = new ParquetGroup(_file, _next++, before);
        return true;
    }
}
