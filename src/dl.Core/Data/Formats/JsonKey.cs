// The keys of JSON objects as a tree: `{"a": {"b": 1}}` has the key b below the key a, and the
// column `a.b`. Rows mostly have their keys in one order, so the next one is guessed first: then no
// text is made and nothing is looked up.
using System.Text;
using System.Text.Json;

namespace Dl.Data.Formats;

/// <summary>A key that was met, and the keys below it.</summary>
/// <param name="path">`a.b`; empty for the object of a line.</param>
internal sealed class JsonKey(string path)
{
    private readonly List<(byte[] Name, JsonKey Key)> _below = [];
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private int _next;

    public string Path { get; } = path;

    /// <summary>The column of its values; -1: none so far.</summary>
    public int Column { get; set; } = -1;

    /// <summary>The key that the reader stands on; null: not met before.</summary>
    public JsonKey? Find(ref Utf8JsonReader json)
    {
        if (_below.Count == 0)
        {
            return null;
        }
        int place = _next < _below.Count ? _next : 0;
        if (!json.ValueTextEquals(_below[place].Name)
            && !_places.TryGetValue(json.GetString()!, out place))
        {
            return null;
        }
        _next = place + 1;
        return _below[place].Key;
    }

    /// <summary>The path of a key below this one.</summary>
    public string Below(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public JsonKey Add(string name)
    {
        var key = new JsonKey(Below(name));
        _places.Add(name, _below.Count);
        _below.Add((Encoding.UTF8.GetBytes(name), key));
        _next = _below.Count;
        return key;
    }
}
