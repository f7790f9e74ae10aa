// From the schema tree to columns: every leaf is one, named by its path. Members of structs are
// columns like others, missing where the struct is; below a repeated field there is more than one
// value in a row, and such columns are named with the reason why they are not read.
namespace Dl.Data.Formats.Parquet;

/// <summary>Walks the depth-first list of schema elements.</summary>
internal sealed class SchemaReader
{
    private const int MaxDepth = 32;

    private readonly IReadOnlyList<SchemaElement> _elements;
    private readonly List<ParquetColumn> _columns = [];
    private int _next = 1;

    private SchemaReader(IReadOnlyList<SchemaElement> elements) => _elements = elements;

    /// <exception cref="InvalidDataException">The elements do not make a tree.</exception>
    public static IReadOnlyList<ParquetColumn> Columns(IReadOnlyList<SchemaElement> elements)
    {
        if (elements.Count == 0)
        {
            throw new InvalidDataException("the schema is empty");
        }
        var reader = new SchemaReader(elements);
        reader.Walk(elements[0], "", 0, repeatedBy: null, depth: 0);
        return reader._next == elements.Count
            ? reader._columns
            : throw new InvalidDataException(
                $"the schema has {elements.Count} elements, of which {reader._next} are reached");
    }

    private void Walk(
        SchemaElement parent, string prefix, int definition, string? repeatedBy, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new InvalidDataException($"the schema is nested deeper than {MaxDepth}");
        }
        if (parent.Children < 0 || parent.Children > _elements.Count - _next)
        {
            throw new InvalidDataException(
                $"'{parent.Name}' has {parent.Children} members, and "
                + $"{_elements.Count - _next} elements are left");
        }
        for (int i = 0; i < parent.Children; i++)
        {
            if (_next >= _elements.Count)
            {
                throw new InvalidDataException($"members of '{parent.Name}' are missing");
            }
            SchemaElement element = _elements[_next++];
            int level = definition + (element.Repetition == Repetition.Required ? 0 : 1);
            string name = prefix + element.Name;
            string? repeated = repeatedBy
                ?? (element.Repetition == Repetition.Repeated ? name : null);
            if (element.Children != 0)
            {
                Walk(element, name + ".", level, repeated, depth + 1);
            }
            else
            {
                _columns.Add(Leaf(element, name, level, repeated));
            }
        }
    }

    private static ParquetColumn Leaf(
        SchemaElement element, string name, int definition, string? repeatedBy)
    {
        string? unsupported = repeatedBy is null
            ? null
            : $"lists and maps ('{repeatedBy}' is repeated); write the file without the column";
        if (element.Type is not { } type)
        {
            // A struct without members: nothing is stored for it.
            throw new InvalidDataException($"'{name}' has neither a type nor members");
        }
        int width = type switch
        {
            PhysicalType.Int96 => 12,
            PhysicalType.FixedLenByteArray => element.TypeLength,
            _ => 0,
        };
        if (width < 0)
        {
            throw new InvalidDataException($"'{name}' is {width} bytes wide");
        }
        LogicalType logical = element.Logical ?? LogicalTypes.FromConverted(element);
        return new ParquetColumn(
            name, type, width, definition,
            LogicalTypes.Fits(logical, type, width) ? logical : default, unsupported);
    }
}
