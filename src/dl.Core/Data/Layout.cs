// What lies at a path, by its first bytes and its folders (cli.md, "Data on disk"):
//   a table; a table of paths to pictures; IDX images; a folder of class folders; or a folder with
//   any of these for each part.
using Dl.Data.Formats;
using Dl.Data.Images;

namespace Dl.Data;

internal enum PlaceKind
{
    Table,
    Idx,

    /// <summary>A folder with one folder of pictures per class.</summary>
    Classes,

    /// <summary>Pictures without labels: a file, or a folder. Only for prediction.</summary>
    Pictures,

    /// <summary>A table whose first column names pictures.</summary>
    PathTable,

    /// <summary>Names of pictures, one a line. Only for prediction.</summary>
    PathList,
}

/// <summary>A file or folder that holds samples of one part.</summary>
internal sealed record Place(string Path, Part Part, PlaceKind Kind)
{
    /// <summary>The column of labels in a table of paths; null: found by its name.</summary>
    public string? Target { get; init; }

    /// <summary>Numbers in a table of paths are written `1,5`.</summary>
    public bool DecimalComma { get; init; }
}

/// <summary>Finds the places of data.</summary>
internal static class Layout
{
    private static readonly (string Name, Part Part)[] PartNames =
    [
        ("train", Part.Train), ("training", Part.Train),
        ("val", Part.Validation), ("valid", Part.Validation), ("validation", Part.Validation),
        ("test", Part.Test), ("t10k", Part.Test),
    ];

    /// <summary>Everything at a path that training may use. Parts come from names.</summary>
    /// <exception cref="DataException">Nothing there, or nothing that can be used.</exception>
    public static List<Place> Find(string path)
    {
        try
        {
            return Directory.Exists(path)
                ? FindInFolder(path)
                : [new Place(path, Part.Train, KindOfFile(path))];
        }
        catch (UnauthorizedAccessException error)
        {
            throw new DataException($"{path}: permission denied ({error.Message})", error);
        }
    }

    private static List<Place> FindInFolder(string path)
    {
        Contents contents = Look(path);
        List<Place> places = FindParts(contents);
        if (places.Count > 0)
        {
            return places;
        }
        string[] tables = contents.Tables;
        bool classes = HasClassFolders(contents);
        if (classes && tables.Length == 0)
        {
            return [new Place(path, Part.Train, PlaceKind.Classes)];
        }
        if (tables.Length == 1 && KindOfFile(tables[0]) is PlaceKind kind
            && (kind == PlaceKind.PathTable || !classes))
        {
            return [new Place(tables[0], Part.Train, kind)];
        }
        if (contents.Pictures && tables.Length == 0)
        {
            return [new Place(path, Part.Train, PlaceKind.Pictures)];
        }
        throw new DataException(tables.Length > 1
            ? $"{path}: {tables.Length} tables and none called train ("
                + $"{string.Join(", ", tables.Take(5).Select(Path.GetFileName))}); name one of them"
            : $"{path}: no data found, expected a table, IDX files, or a folder of pictures for "
                + "each class");
    }

    /// <summary>
    /// All places of training data, validation and test files of the options included.
    /// </summary>
    public static List<Place> Find(DataOptions options)
    {
        if (options.Inputs.Length == 0)
        {
            throw new UsageException("fit: no data given; name a file or a folder");
        }
        var places = new List<Place>();
        foreach (string input in options.Inputs)
        {
            places.AddRange(Find(input));
        }
        AddPart(places, options.Validation, Part.Validation);
        AddPart(places, options.Test, Part.Test);
        places = places.ConvertAll(place => AsSaid(place, options));
        foreach (Place place in places)
        {
            if ((place.Kind == PlaceKind.Table) != (places[0].Kind == PlaceKind.Table))
            {
                throw new UsageException(
                    $"{place.Path}: pictures and tables together, expected one kind of data");
            }
        }
        return places;
    }

    /// <summary>
    /// A table of paths with its column of labels; where the paths are to be ignored, a table.
    /// </summary>
    private static Place AsSaid(Place place, DataOptions options) =>
        place.Kind != PlaceKind.PathTable ? place
        : options.Ignore.Contains(new PathTable(
                place.Path, null, options.DecimalComma).Columns[0])
            ? place with { Kind = PlaceKind.Table }
        : place with
        {
            Target = options.Target.FirstOrDefault(),
            DecimalComma = options.DecimalComma,
        };

    /// <summary>
    /// A share such as `0.1`; null for a path or nothing; `0` and `none` say none.
    /// </summary>
    public static double? Share(string? option, string flag)
    {
        if (option is null)
        {
            return null;
        }
        if (option == "none")
        {
            return 0;
        }
        if (!Tables.Cell.TryNumber(option, out double share) || File.Exists(option))
        {
            return null;
        }
        return share is >= 0 and < 1
            ? share
            : throw new UsageException(
                $"{flag}: {option} given, expected a share below 1 or a path");
    }

    /// <summary>Names of the class folders below, ordinal order.</summary>
    public static string[] ClassFolders(string path) =>
        [.. Look(path).Folders.Where(AnyPictures).Select(f => Path.GetFileName(f))];

    /// <summary>Pictures in a folder and below, in ordinal order of their relative paths.</summary>
    public static IEnumerable<string> Pictures(string folder) =>
        PictureFolder.Names(folder).Select(name => Path.Combine(folder, name));

    private static bool AnyPictures(string folder) => PictureFolder.Names(folder).Any();

    private static void AddPart(List<Place> places, string? option, Part part)
    {
        if (option is null || Share(option, part == Part.Test ? "--test" : "--val") is not null)
        {
            return;
        }
        // What was found under the part's name gives way to what is named.
        places.RemoveAll(p => p.Part == part);
        List<Place> found = Find(option);
        // A folder with parts of its own: the part of the same name, else its training part.
        bool own = found.Exists(p => p.Part == part);
        places.AddRange(found
            .Where(p => p.Part == (own ? part : Part.Train))
            .Select(p => p with { Part = part }));
    }

    private static List<Place> FindParts(Contents folder)
    {
        var places = new List<Place>();
        foreach (string file in folder.Idx)
        {
            places.Add(new Place(file, PartByPrefix(file), PlaceKind.Idx));
        }
        if (places.Count > 0)
        {
            return places;
        }
        foreach (string file in folder.Tables)
        {
            string stem = Path.GetFileNameWithoutExtension(InputFile.PlainName(file));
            foreach ((string name, Part part) in PartNames)
            {
                if (stem == name)
                {
                    places.Add(new Place(file, part, KindOfFile(file)));
                }
            }
        }
        foreach (string sub in folder.Folders)
        {
            foreach ((string name, Part part) in PartNames)
            {
                if (Path.GetFileName(sub).Equals(name, StringComparison.OrdinalIgnoreCase)
                    && HasClassFolders(Look(sub)))
                {
                    places.Add(new Place(sub, part, PlaceKind.Classes));
                }
            }
        }
        // A test part alone is not a data set cut into parts.
        return places.Exists(p => p.Part == Part.Train) ? places : [];
    }

    private static Part PartByPrefix(string file)
    {
        string name = Path.GetFileName(file);
        foreach ((string prefix, Part part) in PartNames)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return part;
            }
        }
        return Part.Train;
    }

    private static PlaceKind KindOfFile(string path)
    {
        if (InputFile.IsStream(path))
        {
            return PlaceKind.Table;
        }
        if (!File.Exists(path))
        {
            throw InputFile.Missing(path);
        }
        if (InputFile.LooksLikeTable(path))
        {
            return PathTable.Detect(path) ? PlaceKind.PathTable : PlaceKind.Table;
        }
        byte[] head = InputFile.Head(path, 64);
        return IdxFile.Detect(head) ? PlaceKind.Idx
            : ImageCodec.IsImage(head) || ImageCodec.IsImageName(path) ? PlaceKind.Pictures
            : PlaceKind.Table;
    }

    private static bool HasClassFolders(Contents folder) =>
        Array.Exists(folder.Folders, AnyPictures);

    /// <summary>
    /// A folder may hold a million names, so it is read once for all that is asked of it.
    /// </summary>
    private static Contents Look(string path)
    {
        var (folders, idx, tables) = (new List<string>(), new List<string>(), new List<string>());
        bool pictures = false;
        foreach ((string name, bool folder) in PictureFolder.Everything(path))
        {
            string file = Path.Combine(path, name);
            if (folder)
            {
                folders.Add(file);
                continue;
            }
            pictures = pictures || ImageCodec.IsImageName(file);
            if (IdxFile.IsImagesName(file))
            {
                idx.Add(file);
            }
            else if (InputFile.LooksLikeTable(file))
            {
                tables.Add(file);
            }
        }
        return new Contents(Sorted(folders), Sorted(idx), Sorted(tables), pictures);
    }

    private static string[] Sorted(List<string> names)
    {
        names.Sort(StringComparer.Ordinal);
        return [.. names];
    }

    /// <summary>What lies in a folder, by names alone, each as a path.</summary>
    private sealed record Contents(
        string[] Folders, string[] Idx, string[] Tables, bool Pictures);
}
