// JSON lines (jsonlines.org; also called NDJSON): an object a line, in UTF-8. The keys of an object
// are the columns of its row, in any order; those of an object inside it are joined by points. What
// is null, or not there, is missing. Only the line at hand is in memory.
using System.Text.Json;

namespace Dl.Data.Formats;

/// <summary>Objects as rows.</summary>
internal sealed class JsonLinesReader : IRowReader
{
    private readonly ByteLines _lines;
    private readonly JsonKey _root = new("");
    private readonly List<string> _names = [];
    private readonly Dictionary<string, int> _columnOf = new(StringComparer.Ordinal);

    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);

    /// <summary>Where each column's cell lies in the text, and the row it belongs to.</summary>
    private readonly List<(int Row, int Start, int Length)> _cells = [];

    /// <summary>The cells of the row one behind the other: never more than its line.</summary>
    private byte[] _text = new byte[1 << 12];

    /// <summary>Columns that are wanted, and what their paths begin with; null: all are.</summary>
    private readonly HashSet<string>? _wanted;
    private int _row;
    private int _found;
    private int _used;

    /// <param name="stream">Bytes, decompressed; disposed with the reader.</param>
    /// <param name="name">File name for messages.</param>
    /// <param name="columns">
    /// The wanted columns: other keys are passed over, whatever they hold. Null: every key is a
    /// column.
    /// </param>
    public JsonLinesReader(Stream stream, string name, string[]? columns)
    {
        Name = name;
        _lines = new ByteLines(stream, name);
        if (columns is null)
        {
            return;
        }
        _wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (string column in columns)
        {
            ColumnOf(column);
            for (int at = column.Length; at > 0; at = column.LastIndexOf('.', at - 1))
            {
                _wanted.Add(column[..at]);
            }
        }
    }

    public string Name { get; }

    public IReadOnlyList<string> Names => _names;

    public IReadOnlyDictionary<string, string> Refused => _refused;

    public bool Sparse => true;

    public int Count => _names.Count;

    public int Line { get; private set; }

    public DataException? Problem { get; private set; }

    public ReadOnlySpan<byte> Utf8(int field)
    {
        (int row, int start, int length) = _cells[field];
        return row == _row ? _text.AsSpan(start, length) : default;
    }

    /// <summary>Goes to the next object; empty lines are passed over.</summary>
    public bool Read()
    {
        while (_lines.Next(out ReadOnlySpan<byte> line))
        {
            if (_lines.Line == 1)
            {
                line = WithoutMark(line);
            }
            line = line.Trim(" \t\r"u8);
            if (line.Length > 0)
            {
                Line = _lines.Line;
                Problem = Parse(line);
                return true;
            }
        }
        return false;
    }

    public void Dispose() => _lines.Dispose();

    private ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> line) =>
        line is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]
            ? throw new DataException(
                $"{Name}: text in UTF-16, but JSON lines are UTF-8; convert it, for example with "
                + "iconv -f UTF-16 -t UTF-8")
            : line.StartsWith("\uFEFF"u8) ? line[3..] : line;

    private DataException? Parse(ReadOnlySpan<byte> line)
    {
        (_row, _found, _used) = (_row + 1, 0, 0);
        if (_text.Length < line.Length)
        {
            _text = new byte[Math.Max(line.Length, 2 * _text.Length)];
        }
        if (line[0] != '{')
        {
            string first = line[0] == '[' ? "an array" : "no object";
            return Bad($"{first}, expected one JSON object a line; jq -c '.[]' takes an array "
                + "apart");
        }
        try
        {
            var json = new Utf8JsonReader(line);
            json.Read();
            ReadObject(ref json, _root);
            // Throws where something stands behind the object.
            json.Read();
        }
        catch (JsonException error)
        {
            string reason = error.Message.Split(" LineNumber:")[0].TrimEnd('.');
            return Bad(
                $"byte {error.BytePositionInLine + 1}: {reason}; expected one complete JSON object "
                + "a line, with null for what is missing", error);
        }
        catch (InvalidOperationException error)
        {
            return Bad("a text is not valid UTF-8; convert the file with iconv", error);
        }
        catch (DataException error)
        {
            return error;
        }
        return _wanted is null || _found > 0 ? null : Bad(
            "the object has none of the keys that the model knows: "
            + string.Join(", ", _names.Take(12)));
    }

    private void ReadObject(ref Utf8JsonReader json, JsonKey parent)
    {
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            JsonKey? key = parent.Find(ref json) ?? Meet(ref json, parent);
            json.Read();
            if (key is null)
            {
                json.Skip();
            }
            else if (json.TokenType == JsonTokenType.StartObject)
            {
                ReadObject(ref json, key);
            }
            else if (IsRefused(key, json.TokenType))
            {
                json.Skip();
            }
            else if (json.TokenType == JsonTokenType.StartArray)
            {
                throw Bad(
                    $"key '{key.Path}' holds an array, expected a number, a text, true, false or "
                    + "null; take it apart, or leave the key out");
            }
            else
            {
                Set(key, ref json);
            }
        }
    }

    /// <summary>
    /// Where all keys are taken, one that holds arrays from the start is left out; one that a model
    /// needs, or that held something else before, makes a bad row.
    /// </summary>
    private bool IsRefused(JsonKey key, JsonTokenType token)
    {
        if (token == JsonTokenType.StartArray && key.Column < 0 && _wanted is null)
        {
            _refused.TryAdd(key.Path, "it holds arrays, and a cell has one value");
        }
        return _refused.Count > 0 && _refused.ContainsKey(key.Path);
    }

    /// <summary>A key that was not there before; null: nobody wants it.</summary>
    private JsonKey? Meet(ref Utf8JsonReader json, JsonKey parent)
    {
        string name = json.GetString()!;
        if (name.Length == 0)
        {
            throw Bad("a key is empty, expected a name; rename it");
        }
        if (_wanted is null || _wanted.Contains(parent.Below(name)))
        {
            return parent.Add(name);
        }
        if (_row == 1)
        {
            // Named, so that it can be said that they are not used.
            ColumnOf(parent.Below(name));
        }
        return null;
    }

    private void Set(JsonKey key, ref Utf8JsonReader json)
    {
        if (key.Column < 0)
        {
            key.Column = ColumnOf(key.Path);
        }
        if (_cells[key.Column].Row == _row)
        {
            throw Bad($"key '{key.Path}' is there twice; rename or remove one");
        }
        Span<byte> free = _text.AsSpan(_used);
        int length = 0;
        if (json.TokenType == JsonTokenType.String)
        {
            length = json.CopyString(free);
        }
        else if (json.TokenType != JsonTokenType.Null)
        {
            json.ValueSpan.CopyTo(free);
            length = json.ValueSpan.Length;
        }
        ReadOnlySpan<byte> cell = Blanks.Trim(free[..length]);
        cell.CopyTo(free);
        _cells[key.Column] = (_row, _used, cell.Length);
        _used += cell.Length;
        _found++;
    }

    private int ColumnOf(string path)
    {
        if (!_columnOf.TryGetValue(path, out int column))
        {
            column = _names.Count;
            _columnOf.Add(path, column);
            _names.Add(path);
            _cells.Add(default);
        }
        return column;
    }

    private DataException Bad(string what, Exception? inner = null) =>
        new($"{Name}:{Line}: {what}", inner);
}
