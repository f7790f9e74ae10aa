// Pictures as prediction input: decoded by all cores in blocks, given on in order.
using System.Globalization;

namespace Dl.Data.Images;

/// <summary>Streams pictures of files, folders, tables or lists of paths, and IDX files.</summary>
internal sealed class ImageInput : IPredictionSource
{
    private const int BlockSize = 64;

    private readonly ImagePreprocessing _preprocessing;
    private readonly PredictionInputOptions _options;
    private readonly BadData _bad;
    private readonly List<Place> _places;

    public ImageInput(
        ImagePreprocessing preprocessing, List<Place> places, PredictionInputOptions options,
        BadData bad)
    {
        string target = preprocessing.Target.Names[0];
        (_preprocessing, _options, _bad) = (preprocessing, options, bad);
        _places = places.ConvertAll(p => p with { Target = target });
        foreach (Place place in places)
        {
            if (place.Kind == PlaceKind.Table)
            {
                throw new DataException(
                    $"{place.Path}: a table, expected pictures like those the model was trained "
                    + "on");
            }
        }
    }

    public string IdName => Numbered ? "row" : "path";

    public bool Numbered => _places.TrueForAll(p => p.Kind == PlaceKind.Idx);

    public IEnumerable<InputRecord> Read()
    {
        var encoder = new ImageEncoder(_preprocessing);
        foreach (ImageItem[] block in Blocks())
        {
            var records = new InputRecord?[block.Length];
            var errors = new DataException?[block.Length];
            var warnings = new string?[block.Length];
            Parallel.For(0, block.Length, i =>
            {
                try
                {
                    records[i] = Encode(block[i], encoder, out warnings[i]);
                }
                catch (DataException error)
                {
                    errors[i] = error;
                }
            });
            for (int i = 0; i < block.Length; i++)
            {
                if (errors[i] is DataException error)
                {
                    _bad.Report(error);
                }
                else
                {
                    _bad.Warn(warnings[i]);
                    yield return records[i]!;
                }
            }
        }
    }

    public void Dispose()
    {
    }

    /// <summary>Lists come last; what has arrived of them makes a block.</summary>
    private IEnumerable<ImageItem[]> Blocks()
    {
        string[] labels = _preprocessing.Target.Labels;
        ILookup<bool, Place> places = _places.ToLookup(p => p.Kind == PlaceKind.PathList);
        IEnumerable<ImageItem> items = places[false].SelectMany(p => ImageListing.List(p, labels));
        return items.Chunk(BlockSize).Concat(places[true]
            .SelectMany(p => PathList.Blocks(p.Path, BlockSize, _options.Waiting))
            .Select(ImageListing.Listed));
    }

    private InputRecord Encode(ImageItem item, ImageEncoder encoder, out string? warning)
    {
        if (item.Label < 0 && _options.NeedTarget)
        {
            throw new DataException(item.UnknownLabel is string label
                ? $"{item.Where}: class '{label}' was not seen in training, expected one of "
                    + string.Join(", ", _preprocessing.Target.Labels.Take(20))
                : $"{item.Where}: a picture without a label, which is needed for scoring; put it "
                    + "in a folder named after its class, or name both in a table path,label");
        }
        var record = new InputRecord(new float[_preprocessing.FeatureShape.Count])
        {
            Target = item.Label >= 0 ? [item.Label] : null,
        };
        warning = encoder.Encode(item, record.Features);
        if (Numbered)
        {
            record.SetId(long.Parse(item.Id, CultureInfo.InvariantCulture));
        }
        else
        {
            record.SetId(item.Id);
        }
        record.SetPlace(item.Where, 0);
        return record;
    }
}
