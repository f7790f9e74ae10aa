// Lists the pictures of class folders, IDX files and tables of paths, with their classes.
using Dl.Data.Formats;

namespace Dl.Data.Images;

/// <summary>
/// Pictures in a fixed order: places as given, classes and files in ordinal order.
/// </summary>
internal static class ImageListing
{
    /// <summary>
    /// Classes of training data: folder names, labels in tables, or IDX labels by their names.
    /// </summary>
    public static string[] Classes(List<Place> places)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        int labels = 0;
        string[]? given = null;
        foreach (Place place in places)
        {
            if (place.Kind == PlaceKind.Classes)
            {
                names.UnionWith(Layout.ClassFolders(place.Path));
            }
            else if (place.Kind == PlaceKind.PathTable)
            {
                names.UnionWith(LabelsInTable(place));
            }
            else if (place.Kind == PlaceKind.Idx)
            {
                labels = Math.Max(labels, Labels(place.Path).Max() + 1);
                given ??= NamesBeside(place.Path);
            }
            else
            {
                throw new DataException(
                    $"{place.Path}: pictures without classes, expected a folder for each class");
            }
        }
        if (names.Count > 0 && labels > 0)
        {
            throw new UsageException(
                "fit: named classes and IDX files together, expected one kind");
        }
        for (int i = 0; given is not null && i < given.Length; i++)
        {
            labels = Math.Max(labels, i + 1);
        }
        string[] classes = labels == 0
            ? [.. names]
            : [.. Enumerable.Range(0, labels).Select(i => Name(given, i))];
        return classes.Length >= 2
            ? classes
            : throw new DataException(
                $"{places[0].Path}: one class ({string.Join(", ", classes)}), expected two or "
                + "more");
    }

    /// <summary>
    /// The pictures of a place; labels are indices into <paramref name="classes"/>.
    /// </summary>
    public static IEnumerable<ImageItem> List(Place place, string[] classes) => place.Kind switch
    {
        PlaceKind.Idx => ListIdx(place, classes),
        PlaceKind.Classes => ListFolders(place, classes),
        PlaceKind.PathTable => ListTable(place, classes),
        _ => ListFlat(place),
    };

    private static IEnumerable<ImageItem> ListFolders(Place place, string[] classes)
    {
        foreach (string name in Layout.ClassFolders(place.Path))
        {
            int label = Array.IndexOf(classes, name);
            foreach (string below in PictureFolder.Names(Path.Combine(place.Path, name)))
            {
                yield return Of(place, $"{name}/{below}", label, label < 0 ? name : null);
            }
        }
    }

    /// <summary>A file below the folder of a place.</summary>
    private static ImageItem Of(
        Place place, string name, int label = ImageItem.NoLabel, string? unknown = null)
    {
        string file = Path.Combine(place.Path, name);
        return new ImageItem
        {
            Id = name,
            Where = file,
            File = file,
            Label = label,
            UnknownLabel = unknown,
            Part = place.Part,
            Bad = Unnameable(file),
        };
    }

    /// <summary>
    /// What is no UTF-8 in a name is read as U+FFFD, and cannot be written back to open the file.
    /// </summary>
    private static DataException? Unnameable(string file) =>
        file.Contains('\uFFFD') && !File.Exists(file)
            ? new DataException(
                $"{file}: the name is not UTF-8, so the file cannot be opened; rename it")
            : null;

    private static IEnumerable<string> LabelsInTable(Place place)
    {
        var table = new PathTable(place.Path, place.Target, place.DecimalComma);
        if (table.Label is null || (place.Target is string said && table.Label != said))
        {
            throw new UsageException(
                $"{place.Path}: no column {place.Target ?? "'label' or 'class'"} with the classes "
                + $"of the pictures; the table has {string.Join(", ", table.Columns)}; say "
                + "--target COL, or --ignore the column of paths to learn from the other columns");
        }
        return table.Rows().Where(r => r.Label is not null).Select(r => r.Label!);
    }

    private static IEnumerable<ImageItem> ListTable(Place place, string[] classes)
    {
        var table = new PathTable(place.Path, place.Target, place.DecimalComma);
        foreach (PathRow row in table.Rows())
        {
            int label = row.Label is null
                ? ImageItem.NoLabel
                : Array.IndexOf(classes, row.Label);
            yield return new ImageItem
            {
                Id = row.Name,
                Where = $"{place.Path}:{row.Line}: {row.Name}",
                File = table.Resolve(row.Name),
                Label = label,
                UnknownLabel = label < 0 ? row.Label : null,
                Bad = row.Bad,
                Part = place.Part,
            };
        }
    }

    /// <summary>Pictures by their names, as a list of paths gives them.</summary>
    public static ImageItem[] Listed(string[] names) => Array.ConvertAll(
        names, name => new ImageItem
        {
            Id = name,
            Where = name,
            File = name,
            Bad = Unnameable(name),
        });

    private static IEnumerable<ImageItem> ListFlat(Place place)
    {
        if (Directory.Exists(place.Path))
        {
            return PictureFolder.Names(place.Path).Select(name => Of(place, name));
        }
        string file = place.Path;
        return [new ImageItem { Id = file, Where = file, File = file, Part = place.Part }];
    }

    private static IEnumerable<ImageItem> ListIdx(Place place, string[] classes)
    {
        IdxFile block = IdxFile.Read(place.Path);
        ImageItem.BlockShape(block);
        byte[]? labels = IdxFile.LabelsBeside(place.Path) is null ? null : Labels(place.Path);
        string[]? given = NamesBeside(place.Path);
        if (labels is not null && labels.Length != block.Extents[0])
        {
            throw new DataException(
                $"{place.Path}: {block.Extents[0]} pictures but {labels.Length} labels beside "
                + "them");
        }
        for (int i = 0; i < block.Extents[0]; i++)
        {
            int label = labels is null ? ImageItem.NoLabel : labels[i];
            // A model knows labels by name; the numbers themselves are names too.
            if (label >= 0)
            {
                label = Array.IndexOf(classes, Name(given, label));
                label = label < 0 ? Array.IndexOf(classes, Name(null, labels![i])) : label;
            }
            if (label < 0 && labels is not null && given is null && labels[i] < classes.Length)
            {
                // Named in training, numbered here: the order is that of the names.
                label = labels[i];
            }
            yield return new ImageItem
            {
                Id = i.ToString(),
                Where = $"{place.Path}[{i}]",
                Block = block,
                Index = i,
                Label = label,
                UnknownLabel = label < 0 && labels is not null ? Name(given, labels[i]) : null,
                Part = place.Part,
            };
        }
    }

    private static byte[] Labels(string imagesPath)
    {
        string path = IdxFile.LabelsBeside(imagesPath)
            ?? throw new DataException(
                $"{imagesPath}: no labels beside it, expected a file of the same name with "
                + "'labels' and 'idx1'");
        IdxFile labels = IdxFile.Read(path);
        return labels.Extents.Length == 1 && labels.Data.Length > 0
            ? labels.Data
            : throw new DataException(
                $"{path}: extents {string.Join('x', labels.Extents)}, expected one label a "
                + "picture");
    }

    /// <summary>Names of the classes, one a line, in `labels.txt` of the same folder.</summary>
    private static string[]? NamesBeside(string path)
    {
        string names = Path.Combine(Path.GetDirectoryName(path) ?? "", "labels.txt");
        return File.Exists(names)
            ? [.. File.ReadAllLines(names).Select(l => l.Trim()).Where(l => l.Length > 0)]
            : null;
    }

    private static string Name(string[]? given, int label) =>
        given is not null && label < given.Length ? given[label] : label.ToString();
}
