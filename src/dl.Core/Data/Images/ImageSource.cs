// Pictures with classes as training data. Small sets are decoded once and kept as bytes; larger
// ones are decoded whenever they are read, on the threads that read ahead.
using System.Buffers;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Images;

/// <summary>Pictures of class folders, tables of paths or IDX files.</summary>
internal sealed class ImageSource : IDataSource
{
    private const int DefaultSize = 64;

    /// <summary>Pictures whose mean and deviation stand for all.</summary>
    private const int StatisticsSample = 2000;

    private const string Label = "label";

    /// <summary>Milliseconds between two lines that say how far reading has come.</summary>
    private const int ReportEvery = 5000;

    private readonly string _target;
    private readonly string[] _classes;
    private readonly BadData _bad;
    private readonly ILogger _log;
    private readonly long _limit;
    private readonly int _height;
    private readonly int _width;
    private readonly int _channels;
    private ImageItem[] _items;
    private ImagesDescription _images;
    private PictureCache? _cache;
    private bool _loaded;

    /// <param name="limit">
    /// Bytes of decoded pictures that may be kept; null: <see cref="PictureCache.Limit"/>.
    /// </param>
    public ImageSource(
        List<Place> places, DataOptions options, BadData bad, ILogger log, CancellationToken cancel,
        long? limit = null)
    {
        bool table = places.TrueForAll(p => p.Kind == PlaceKind.PathTable);
        if (options.Task is not (null or "classification")
            || options.Target.Length > (table ? 1 : 0))
        {
            throw new UsageException(table
                ? "pictures named in a table: the class is the target, expected one --target at "
                    + "most and --task classification"
                : "pictures in class folders: the class is the target, expected no --target and "
                    + "--task classification");
        }
        _target = !table ? Label : new PathTable(
            places[0].Path, places[0].Target, places[0].DecimalComma).Label ?? Label;
        (_bad, _log, _limit) = (bad, log, limit ?? PictureCache.Limit);
        _classes = ImageListing.Classes(places);
        _items = [.. places.SelectMany(place => ImageListing.List(place, _classes))];
        _images = IdentifyAll(places, cancel);
        (_width, _height) = ChooseSize(options);
        _channels = options.Grayscale || _images.Channels == 1 ? 1 : 3;
        log.LogInformation(
            "pictures: {Count}, {Classes} classes, {Height}x{Width}x{Channels}",
            _items.Length, _classes.Length, _height, _width, _channels);
    }

    public int Count => _items.Length;

    public Part PartOf(int sample) => _items[sample].Part;

    public int Stratum(int sample) => _items[sample].Label;

    /// <summary>Names and places of all pictures, for the fingerprint.</summary>
    public IReadOnlyList<ImageItem> Items => _items;

    /// <summary>
    /// Decodes everything once where it fits, so that damage is met before training.
    /// </summary>
    public void Load(CancellationToken cancel)
    {
        if (_loaded)
        {
            return;
        }
        _loaded = true;
        int size = ImageEncoder.Bytes(_height, _width, _channels);
        if ((long)size * Count > _limit)
        {
            _log.LogInformation(
                "pictures: {Needed} MiB once decoded, more than the {Limit} MiB that are kept; "
                + "they are decoded again in each epoch", ((long)size * Count) >> 20, _limit >> 20);
            if (_bad.Skips)
            {
                // What is to be left out has to be known before training counts its samples.
                Keep(ForAll("checked", cancel, i =>
                {
                    byte[] bytes = ArrayPool<byte>.Shared.Rent(size);
                    try
                    {
                        return _items[i].Load(_height, _width, _channels, bytes.AsSpan(0, size));
                    }
                    finally
                    {
                        ArrayPool<byte>.Shared.Return(bytes);
                    }
                }));
            }
            return;
        }
        var cache = new PictureCache(Count, size);
        bool[] good = ForAll("decoded", cancel, i => _items[i].Load(
            _height, _width, _channels, cache[i]));
        int kept = 0;
        for (int i = 0; i < good.Length; i++)
        {
            if (good[i])
            {
                if (kept < i)
                {
                    cache[i].CopyTo(cache[kept]);
                }
                kept++;
            }
        }
        Keep(good);
        _cache = cache;
    }

    public Preprocessing Fit(int[] train, ILogger? log)
    {
        int sampled = Math.Min(train.Length, StatisticsSample);
        // Whole numbers: the sums are the same in whatever order threads add to them.
        var sum = new long[_channels];
        var squares = new long[_channels];
        var errors = new DataException?[sampled];
        Parallel.For(0, sampled, s =>
        {
            ReadOnlySpan<byte> pixels = [];
            try
            {
                pixels = Bytes(train[(int)((long)s * train.Length / sampled)]);
            }
            catch (DataException error)
            {
                errors[s] = error;
            }
            for (int c = 0; c < _channels; c++)
            {
                (long values, long powers) = (0, 0);
                for (int i = c; i < pixels.Length; i += _channels)
                {
                    int value = pixels[i];
                    values += value;
                    powers += value * value;
                }
                Interlocked.Add(ref sum[c], values);
                Interlocked.Add(ref squares[c], powers);
            }
        });
        if (Array.Find(errors, e => e is not null) is DataException first)
        {
            throw first;
        }
        double count = (double)sampled * _height * _width;
        var mean = new float[_channels];
        var std = new float[_channels];
        for (int c = 0; c < _channels; c++)
        {
            double m = sum[c] / count;
            double variance = Math.Max(0, (squares[c] / count) - (m * m));
            mean[c] = (float)(m / 255);
            std[c] = variance < 1e-3 ? 1 : (float)(Math.Sqrt(variance) / 255);
        }
        return new ImagePreprocessing
        {
            Target = new TargetSpec
            {
                Kind = TargetKind.Classes,
                Names = [_target],
                Labels = _classes,
            },
            Height = _height,
            Width = _width,
            Channels = _channels,
            Mean = mean,
            Std = std,
        };
    }

    public IDataset View(int[] samples, Preprocessing preprocessing) =>
        new ImageDataset(this, samples, (ImagePreprocessing)preprocessing);

    public DataDescription Describe(string fingerprint)
    {
        var counts = new int[_classes.Length];
        foreach (ImageItem item in _items)
        {
            counts[item.Label]++;
        }
        return new DataDescription
        {
            Kind = "images",
            Rows = Count,
            Parts = PartDescriptions.Of(this),
            Classes = [.. _classes.Zip(counts, (l, c) => new ClassDescription(l, c))],
            Images = _images with { Count = Count },
            Fingerprint = fingerprint,
        };
    }

    /// <summary>A picture's resized bytes, from memory or from its file.</summary>
    private ReadOnlySpan<byte> Bytes(int sample)
    {
        if (_cache is not null)
        {
            return _cache[sample];
        }
        var bytes = new byte[ImageEncoder.Bytes(_height, _width, _channels)];
        _items[sample].Load(_height, _width, _channels, bytes);
        return bytes;
    }

    private (int Width, int Height) ChooseSize(DataOptions options)
    {
        if (options.ImageSize is int size)
        {
            return size is > 0 and <= 4096
                ? (size, size)
                : throw new UsageException($"--image-size: {size} given, expected 1 to 4096");
        }
        if ((_images.MinWidth, _images.MinHeight) == (_images.MaxWidth, _images.MaxHeight))
        {
            return (_images.MinWidth, _images.MinHeight);
        }
        _log.LogInformation(
            "pictures differ in size: resized to {Size}x{Size2} (--image-size chooses another)",
            DefaultSize, DefaultSize);
        return (DefaultSize, DefaultSize);
    }

    /// <summary>Reads all headers: a fraction of the time that decoding takes.</summary>
    private ImagesDescription IdentifyAll(List<Place> places, CancellationToken cancel)
    {
        var infos = new ImageInfo[_items.Length];
        bool[] good = ForAll("looked at", cancel, i =>
        {
            if (_items[i].UnknownLabel is string label)
            {
                throw new DataException(
                    $"{_items[i].Where}: class '{label}' is not among the training classes");
            }
            infos[i] = _items[i].Identify();
            if (_items[i].Label < 0)
            {
                throw new DataException(
                    $"{_items[i].Where}: a picture without a label, expected its class");
            }
            return null;
        });
        Keep(good);
        infos = [.. infos.Where((_, i) => good[i])];
        if (infos.Length == 0)
        {
            throw new DataException($"{places[0].Path}: no readable picture");
        }
        return new ImagesDescription(
            infos.Length, infos.Min(i => i.Upright.Width), infos.Min(i => i.Upright.Height),
            infos.Max(i => i.Upright.Width), infos.Max(i => i.Upright.Height),
            infos.Max(i => i.Channels),
            [.. infos.Select(i => i.Format).Distinct().Order(StringComparer.Ordinal)]);
    }

    /// <summary>
    /// Runs over all pictures in parallel; false where one is bad and may be left out. The work
    /// returns a warning, or null.
    /// </summary>
    private bool[] ForAll(string done, CancellationToken cancel, Func<int, string?> work)
    {
        int count = 0;
        long report = Environment.TickCount64 + ReportEvery;
        var errors = new DataException?[_items.Length];
        var warnings = new string?[_items.Length];
        Parallel.For(0, _items.Length, new ParallelOptions { CancellationToken = cancel }, i =>
        {
            try
            {
                warnings[i] = work(i);
            }
            catch (DataException error)
            {
                errors[i] = error;
            }
            int now = Interlocked.Increment(ref count);
            long due = Interlocked.Read(ref report), time = Environment.TickCount64;
            if (time >= due
                && Interlocked.CompareExchange(ref report, time + ReportEvery, due) == due)
            {
                _log.LogInformation(
                    "pictures: {Now} of {All} {Done}", now, _items.Length, done);
            }
        });
        // Reported in order, so that the message does not depend on threads.
        for (int i = 0; i < errors.Length; i++)
        {
            if (errors[i] is DataException error)
            {
                _bad.Report(error);
            }
            _bad.Warn(warnings[i]);
        }
        return Array.ConvertAll(errors, e => e is null);
    }

    private void Keep(bool[] good)
    {
        if (Array.Exists(good, g => !g))
        {
            _items = [.. _items.Where((_, i) => good[i])];
        }
    }

    /// <summary>Chosen pictures as samples.</summary>
    private sealed class ImageDataset(
        ImageSource source, int[] samples, ImagePreprocessing preprocessing) : IDataset
    {
        private readonly ImageEncoder _encoder = new(preprocessing);

        public int Count => samples.Length;

        public Shape FeatureShape { get; } = preprocessing.FeatureShape;

        public int TargetWidth => 1;

        public string Locate(int index) => source._items[samples[index]].Where;

        public void Read(int index, Span<float> features, Span<float> target)
        {
            int sample = samples[index];
            target[0] = source._items[sample].Label;
            if (source._cache is PictureCache cache)
            {
                _encoder.Encode(cache[sample], features);
                return;
            }
            _encoder.Encode(source._items[sample], features);
        }
    }
}
