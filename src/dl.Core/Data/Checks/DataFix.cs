// `dl check DATA --fix -o CLEAN`: writes what can be repaired, and a log of every change beside it.
using System.Text;
using Dl.Data.Formats;
using Dl.Data.Formats.Output;

namespace Dl.Data.Checks;

/// <summary>Data that have been checked, to be written mended.</summary>
public sealed class DataFix
{
    private readonly List<Place> _places;
    private readonly TableProfile? _table;
    private readonly PictureFact[] _facts;
    private readonly string _output;

    internal DataFix(
        List<Place> places, TableProfile? table, PictureFact[]? facts, string output) =>
        (_places, _table, _facts, _output) = (places, table, facts ?? [], output);

    /// <summary>The file with a line for every change.</summary>
    public string LogFile => Path.TrimEndingDirectorySeparator(_output) + ".log";

    /// <summary>Refuses, before anything is read, what should not be written.</summary>
    /// <exception cref="UsageException">The output is the input, or would overwrite.</exception>
    public static void CheckOutput(DataOptions options, string output)
    {
        string?[] parts = [options.Validation, options.Test];
        string[] inputs = [.. options.Inputs, .. parts.OfType<string>().Where(Path.Exists)];
        string? stream = Array.Find(inputs, InputFile.IsStream);
        if (stream is not null)
        {
            throw new UsageException(
                $"--fix: reads the data twice, which {InputFile.Display(stream)} does not allow; "
                + "save them to a file first");
        }
        FixOutput.Check(output, inputs);
    }

    /// <summary>Writes the output and its log.</summary>
    /// <param name="writeFile">Puts a file in place as a whole, or not at all.</param>
    /// <param name="writeFolder">The same for a folder, which is filled first.</param>
    /// <param name="cancel">Ends it; nothing is left behind.</param>
    /// <exception cref="DlException">It cannot be written.</exception>
    public FixResult Write(
        Action<string, Action<Stream>> writeFile, Action<string, Action<string>> writeFolder,
        CancellationToken cancel)
    {
        FixResult? result = null;
        writeFile(LogFile, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, true);
            var log = new FixLog(writer);
            result = _table is not null
                ? WriteTables(_table, log, writeFile, writeFolder, cancel)
                : WritePictures(log, writeFolder, cancel);
        });
        return result!;
    }

    private FixResult WriteTables(
        TableProfile table, FixLog log, Action<string, Action<Stream>> writeFile,
        Action<string, Action<string>> writeFolder, CancellationToken cancel)
    {
        var fix = new TableFix(table, log, cancel);
        if (_places.Count == 1)
        {
            WriteTable(fix, _places[0], _output, writeFile);
        }
        else
        {
            writeFolder(_output, folder =>
            {
                var names = new HashSet<string>();
                foreach (Place place in _places.OrderByDescending(p => p.Part))
                {
                    string part = new PartProfile(place.Part).Name;
                    string form = OutputForm.Of(place.Path) ?? OutputForm.Csv;
                    string name = $"{part}.{form}";
                    if (!names.Add(name))
                    {
                        throw new UsageException(
                            $"--fix: several files for {part}; mend them one by one");
                    }
                    WriteTable(fix, place, Path.Combine(folder, name), writeFile);
                }
            });
        }
        return log.Result(fix.Kept, "rows");
    }

    private static void WriteTable(
        TableFix fix, Place place, string output, Action<string, Action<Stream>> writeFile) =>
        writeFile(output, file => OutputForm.Pack(output, file, stream =>
            fix.Write(place, OutputForm.Of(output) ?? OutputForm.Csv, stream)));

    private FixResult WritePictures(
        FixLog log, Action<string, Action<string>> writeFolder, CancellationToken cancel)
    {
        if (_places.Exists(p => p.Kind is not (PlaceKind.Classes or PlaceKind.Pictures)))
        {
            throw new UsageException(
                "--fix: mends tables and folders of pictures; IDX files and tables of paths are "
                + "only checked");
        }
        long kept = 0;
        writeFolder(
            _output, folder => kept = PictureFix.Write(_facts, _places, folder, log, cancel));
        return log.Result(kept, "pictures");
    }
}
