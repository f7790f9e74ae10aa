// The categories that a model knows, found by a cell's text: as it is written, or in the form under
// which training remembers a category (Cell.Canonical).
using System.Text;

namespace Dl.Data.Tables;

/// <summary>Places of categories.</summary>
internal sealed class Categories
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<byte>> _places;

    public Categories(string[] categories)
    {
        var places = new Dictionary<string, int>(Utf8Comparer.Instance);
        for (int i = 0; i < categories.Length; i++)
        {
            places.Add(categories[i], i);
        }
        // `True`, as it was written in training, is also found by JSON's `true`.
        for (int i = 0; i < categories.Length; i++)
        {
            places.TryAdd(Cell.Canonical(categories[i]), i);
        }
        _places = places.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Index of the category; -1: missing, or not known.</summary>
    public int Find(ReadOnlySpan<byte> cell) =>
        _places.TryGetValue(cell, out int place)
            || (!cell.IsEmpty && _places.Dictionary.TryGetValue(
                Cell.Canonical(Encoding.UTF8.GetString(cell)), out place))
            ? place
            : -1;
}
