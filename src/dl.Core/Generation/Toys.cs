// Toy data: small problems with known answers, for tests and first steps without a download.
// Sample i is a pure function of (seed, toy, i), so a longer set begins with the shorter one.
using Dl.Data.Formats.Output;
using Dl.Data.Formats.Parquet;
using Dl.Files;
using Dl.Tensors;

namespace Dl.Generation;

/// <summary>Settings that some toys heed.</summary>
public sealed record ToyOptions
{
    /// <summary>
    /// Spread of the noise as a factor of the toy's own; 0 draws the problem without any.
    /// </summary>
    public double Noise { get; init; } = 1;

    /// <summary>
    /// Form of a table, one of <see cref="OutputForm.All"/>; null: as the file ends, else CSV.
    /// </summary>
    public string? Form { get; init; }
}

/// <summary>One toy. Tables have columns and a row function, pictures a folder writer.</summary>
public sealed record Toy
{
    public required string Name { get; init; }

    public required string Summary { get; init; }

    /// <summary>Column names of a table, target last; null for pictures.</summary>
    public string[]? Columns { get; init; }

    /// <summary>What the target is; all other columns are numbers.</summary>
    internal FieldType Target { get; init; } = FieldType.Double;

    /// <summary>The cells of a row from its own generator; null for pictures.</summary>
    internal Action<int, Rng, float, RowWriter>? Row { get; init; }

    /// <summary>Writes n pictures into a new folder; null for tables.</summary>
    internal Action<int, string, Rng, float, ParallelOptions>? Folder { get; init; }
}

/// <summary>The toys, and writing them.</summary>
public static class Toys
{
    private const ulong Stream = 0x544F_5953;

    public static readonly Toy[] All =
    [
        new()
        {
            Name = "circle", Summary = "points inside and around a circle, 2 classes",
            Columns = ToyTables.Plane, Target = FieldType.String, Row = ToyTables.Circle,
        },
        new()
        {
            Name = "xor", Summary = "points in opposite quadrants, 2 classes",
            Columns = ToyTables.Plane, Target = FieldType.Int32, Row = ToyTables.Xor,
        },
        new()
        {
            Name = "spiral", Summary = "three arms of a spiral, 3 classes",
            Columns = ToyTables.Plane, Target = FieldType.String, Row = ToyTables.Spiral,
        },
        new()
        {
            Name = "moons", Summary = "two half circles that reach into each other, 2 classes",
            Columns = ToyTables.Plane, Target = FieldType.String, Row = ToyTables.Moons,
        },
        new()
        {
            Name = "blobs", Summary = "four clouds of points, 4 classes",
            Columns = ToyTables.Plane, Target = FieldType.String, Row = ToyTables.Blobs,
        },
        new()
        {
            Name = "linear", Summary = "y = 3 x1 - 2 x2 + x3 / 2 + 1 with noise, regression",
            Columns = ["x1", "x2", "x3", "y"], Row = ToyTables.Linear,
        },
        new()
        {
            Name = "sines", Summary = "y = sin 2x + sin(5x) / 2 with noise, regression",
            Columns = ["x", "y"], Row = ToyTables.Sines,
        },
        new()
        {
            Name = "crowd", Summary = "20 numbers around 5 far points, 5 classes, for long tables",
            Columns = ToyTables.Crowded, Target = FieldType.String, Row = ToyTables.Crowd,
        },
        new()
        {
            Name = "digits", Summary = "drawn digits, 28x28 grey, 10 classes, train/ and test/",
            Folder = ToyDigits.Write,
        },
        new()
        {
            Name = "shapes", Summary = "coloured shapes, 64x64, 6 classes, train/ and test/",
            Folder = ToyShapes.Write,
        },
        new()
        {
            Name = "boxes", Summary = "shapes to detect: images/, labels/*.txt (YOLO), data.yaml",
            Folder = ToyShapes.WriteBoxes,
        },
        new()
        {
            Name = "masks", Summary = "shapes to segment: images/, masks/ (0 or 255)",
            Folder = ToyShapes.WriteMasks,
        },
    ];

    /// <summary>
    /// Writes <paramref name="n"/> samples: tables as a file or to stdout (`-`), pictures as a new
    /// folder. What is written appears whole under its name or not at all.
    /// </summary>
    /// <param name="stdout">Where `-` leads; null: the process's own.</param>
    /// <exception cref="UsageException">No such toy, or the path does not suit it.</exception>
    public static void Write(
        string name, int n, string path, ulong seed, ToyOptions? options = null,
        Stream? stdout = null, CancellationToken cancel = default)
    {
        Toy toy = Array.Find(All, t => t.Name == name)
            ?? throw new UsageException(Nearest.Unknown("toy", name, All.Select(t => t.Name)));
        if (n < 1)
        {
            throw new UsageException($"-n: {n} given, expected at least 1 sample");
        }
        // Toys differ in their random streams by the characters of their names.
        ulong purpose = name.Aggregate(Stream, (hash, c) => (hash * 31) + c);
        var rng = new Rng(seed, purpose);
        options ??= new ToyOptions();
        if (toy.Folder is not null)
        {
            if (options.Form is not null)
            {
                throw new UsageException(
                    $"--format: toy '{name}' is a folder of pictures; leave it out");
            }
            WriteFolder(toy, n, path, rng, options, cancel);
            return;
        }
        string form = FormOf(toy, path, options);
        if (path == "-")
        {
            WriteRows(
                toy, n, form, stdout ?? Console.OpenStandardOutput(), rng, options, cancel);
            return;
        }
        AtomicFile.Write(path, file => OutputForm.Pack(
            path, file, stream => WriteRows(toy, n, form, stream, rng, options, cancel)));
    }

    private static string FormOf(Toy toy, string path, ToyOptions options) =>
        options.Form ?? OutputForm.Of(path) ?? (path == "-" || AtomicFile.IsDevice(path)
            ? OutputForm.Csv
            : throw new UsageException(
                $"{path}: toy '{toy.Name}' is a table, expected a name that ends in .csv, .tsv, "
                + ".jsonl or .parquet, --format, or - for stdout"));

    private static void WriteRows(
        Toy toy, int n, string form, Stream stream, Rng rng, ToyOptions options,
        CancellationToken cancel)
    {
        const int CancelEvery = 1 << 12;
        string[] names = toy.Columns!;
        RowWriter writer = RowWriter.Open(form, stream, [.. names.Select((column, i) =>
            new ParquetField(
                column, i == names.Length - 1 ? toy.Target : FieldType.Double, Optional: false))]);
        float noise = (float)options.Noise;
        for (int i = 0; i < n; i++)
        {
            if (i % CancelEvery == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            toy.Row!(i, rng.Fork((ulong)i), noise, writer);
            writer.EndRow();
        }
        writer.Finish();
    }

    private static void WriteFolder(
        Toy toy, int n, string path, Rng rng, ToyOptions options, CancellationToken cancel)
    {
        if (path == "-" || OutputForm.Of(path) is not null)
        {
            throw new UsageException(
                $"{path}: toy '{toy.Name}' is a folder of pictures, expected the name of a folder");
        }
        var parallel = new ParallelOptions { CancellationToken = cancel };
        AtomicFile.WriteFolder(
            path, folder => toy.Folder!(n, folder, rng, (float)options.Noise, parallel));
    }
}
