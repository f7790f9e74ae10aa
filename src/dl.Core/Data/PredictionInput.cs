// Input of a trained model: rows or images, one record each, in the order they come.
using Dl.Data.Formats;
using Dl.Data.Images;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging;

namespace Dl.Data;

/// <summary>How prediction input is read.</summary>
public sealed record PredictionInputOptions
{
    /// <summary>Leave out bad rows and files, counted in a warning, instead of stopping.</summary>
    public bool SkipBad { get; init; }

    /// <summary>Scoring: an input without labels is an error.</summary>
    public bool NeedTarget { get; init; }

    /// <summary>A file with names of pictures, one a line; `-` is stdin; null: none.</summary>
    public string? Paths { get; init; }

    /// <summary>
    /// Called by the reading thread before each read of a pipe: all records of what has come so
    /// far have been given on, and the read may wait for ever.
    /// </summary>
    public Action? Waiting { get; init; }
}

/// <summary>Records of one kind of input.</summary>
internal interface IPredictionSource : IDisposable
{
    string IdName { get; }

    /// <summary>The ids are numbers of rows, not texts of the input.</summary>
    bool Numbered { get; }

    /// <summary>A record may be used again for the next one.</summary>
    IEnumerable<InputRecord> Read();
}

/// <summary>Streams records; stdin is read no further than what has arrived.</summary>
public sealed class PredictionInput : IDisposable
{
    private readonly IPredictionSource _source;
    private readonly BadData _bad;

    private PredictionInput(IPredictionSource source, BadData bad) =>
        (_source, _bad) = (source, bad);

    /// <summary>
    /// Name for the column of ids in output: the id column's own, `path` or `row`.
    /// </summary>
    public string IdName => _source.IdName;

    /// <summary>Ids are numbers of rows, not texts of the input.</summary>
    public bool Numbered => _source.Numbered;

    /// <summary>Records left out so far because they were bad (SkipBad).</summary>
    public int Skipped => _bad.Count;

    /// <summary>
    /// Looks at the inputs: files, folders, or `-` for stdin. Of a folder with parts the test part
    /// is taken, else the validation part, else all.
    /// </summary>
    /// <exception cref="DataException">Not there, or not what the model was trained on.</exception>
    public static PredictionInput Open(
        Preprocessing preprocessing, string[] inputs, PredictionInputOptions options, ILogger log)
    {
        var bad = new BadData(options.SkipBad, log);
        var places = new List<Place>();
        foreach (string input in inputs)
        {
            List<Place> found = Layout.Find(input);
            Part part = found.Max(p => p.Part);
            places.AddRange(found.Where(p => p.Part == part));
        }
        if (options.Paths is string list)
        {
            places.Add(new Place(list, Part.Train, PlaceKind.PathList));
        }
        if (places.Count == 0)
        {
            throw new UsageException(
                "predict: no input given; name files or folders, or - for stdin");
        }
        if (preprocessing is ImagePreprocessing image)
        {
            return new PredictionInput(new ImageInput(image, places, options, bad), bad);
        }
        foreach (Place place in places)
        {
            if (place.Kind == PlaceKind.PathList)
            {
                throw new UsageException(
                    "--paths: names of pictures, but the model was trained on a table; give "
                    + "tables as input");
            }
            if (place.Kind is not (PlaceKind.Table or PlaceKind.PathTable))
            {
                throw new DataException(
                    $"{InputFile.Display(place.Path)}: pictures, expected a table with the columns "
                    + "that the model was trained on");
            }
        }
        return new PredictionInput(
            new TableInput(
                (TablePreprocessing)preprocessing, places.ConvertAll(p => p.Path), options, bad,
                log),
            bad);
    }

    /// <summary>The records in order; enumerate once.</summary>
    /// <exception cref="DataException">A record is bad and is not to be left out.</exception>
    public IEnumerable<InputRecord> Read() => Stream().Select(record => record.Copy());

    /// <summary>As <see cref="Read"/>, each record good until the next one is asked for.</summary>
    internal IEnumerable<InputRecord> Stream()
    {
        foreach (InputRecord record in _source.Read())
        {
            yield return record;
        }
        _bad.Summarise("records");
    }

    public void Dispose() => _source.Dispose();
}
