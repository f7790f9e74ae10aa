// Pictures with classes as training data. Small sets are decoded once and kept as bytes; larger
// ones are decoded whenever they are read, on the threads that read ahead.
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Data.Images;

/// <summary>Pictures of class folders, tables of paths or IDX files.</summary>
internal sealed class ImageSource : IDataSource
{
    private const int DefaultSize = 64;
    private const long CacheBytes = 1 << 30;

    /// <summary>Pictures whose mean and deviation stand for all.</summary>
    private const int StatisticsSample = 2000;

    private const string Label = "label";

    private readonly string _target;
    private readonly string[] _classes;
    private readonly BadData _bad;
    private readonly int _height;
    private readonly int _width;
    private readonly int _channels;
    private ImageItem[] _items;
    private ImageInfo[] _infos;
    private byte[]? _cache;
    private bool _loaded;

    public ImageSource(
        List<Place> places, DataOptions options, BadData bad, ILogger log, CancellationToken cancel)
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
        _bad = bad;
        _classes = ImageListing.Classes(places);
        _items = [.. places.SelectMany(place => ImageListing.List(place, _classes))];
        _infos = [];
        IdentifyAll(cancel);
        if (_items.Length == 0)
        {
            throw new DataException($"{places[0].Path}: no readable picture");
        }
        (_width, _height) = ChooseSize(options, log);
        bool grey = options.Grayscale || Array.TrueForAll(_infos, i => i.Channels == 1);
        _channels = grey ? 1 : 3;
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
        if ((long)size * Count > CacheBytes)
        {
            return;
        }
        var cache = new byte[size * Count];
        bool[] good = ForAll(cancel, i => _items[i].Load(
            _height, _width, _channels, cache.AsSpan(i * size, size)));
        if (Array.TrueForAll(good, g => g))
        {
            _cache = cache;
            return;
        }
        int kept = 0;
        for (int i = 0; i < good.Length; i++)
        {
            if (good[i])
            {
                cache.AsSpan(i * size, size).CopyTo(cache.AsSpan(kept++ * size));
            }
        }
        Keep(good);
        _cache = cache;
    }

    public Preprocessing Fit(int[] train, ILogger? log)
    {
        int sampled = Math.Min(train.Length, StatisticsSample);
        var sum = new double[_channels];
        var squares = new double[_channels];
        var buffer = new byte[ImageEncoder.Bytes(_height, _width, _channels)];
        for (int s = 0; s < sampled; s++)
        {
            int sample = train[(int)((long)s * train.Length / sampled)];
            ReadOnlySpan<byte> pixels = Bytes(sample, buffer);
            for (int i = 0; i < pixels.Length; i++)
            {
                double value = pixels[i];
                sum[i % _channels] += value;
                squares[i % _channels] += value * value;
            }
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
        (int Width, int Height)[] sizes = Array.ConvertAll(_infos, i => i.Upright);
        return new DataDescription
        {
            Kind = "images",
            Rows = Count,
            Parts = PartDescriptions.Of(this),
            Classes = [.. _classes.Zip(counts, (l, c) => new ClassDescription(l, c))],
            Images = new ImagesDescription(
                Count, sizes.Min(s => s.Width), sizes.Min(s => s.Height), sizes.Max(s => s.Width),
                sizes.Max(s => s.Height), _infos.Max(i => i.Channels),
                [.. _infos.Select(i => i.Format).Distinct().Order(StringComparer.Ordinal)]),
            Fingerprint = fingerprint,
        };
    }

    /// <summary>
    /// A picture's resized bytes, from memory or (into the buffer) from its file.
    /// </summary>
    private ReadOnlySpan<byte> Bytes(int sample, byte[] buffer)
    {
        if (_cache is not null)
        {
            return _cache.AsSpan(sample * buffer.Length, buffer.Length);
        }
        _items[sample].Load(_height, _width, _channels, buffer);
        return buffer;
    }

    private (int Width, int Height) ChooseSize(DataOptions options, ILogger log)
    {
        if (options.ImageSize is int size)
        {
            return size is > 0 and <= 4096
                ? (size, size)
                : throw new UsageException($"--image-size: {size} given, expected 1 to 4096");
        }
        (int Width, int Height) common = _infos[0].Upright;
        if (Array.TrueForAll(_infos, i => i.Upright == common))
        {
            return common;
        }
        log.LogInformation(
            "pictures differ in size: resized to {Size}x{Size2} (--image-size chooses another)",
            DefaultSize, DefaultSize);
        return (DefaultSize, DefaultSize);
    }

    private void IdentifyAll(CancellationToken cancel)
    {
        _infos = new ImageInfo[_items.Length];
        Keep(ForAll(cancel, i =>
        {
            if (_items[i].UnknownLabel is string label)
            {
                throw new DataException(
                    $"{_items[i].Where}: class '{label}' is not among the training classes");
            }
            _infos[i] = _items[i].Identify();
            if (_items[i].Label < 0)
            {
                throw new DataException(
                    $"{_items[i].Where}: a picture without a label, expected its class");
            }
            return null;
        }));
    }

    /// <summary>
    /// Runs over all pictures in parallel; false where one is bad and may be left out. The work
    /// returns a warning, or null.
    /// </summary>
    private bool[] ForAll(CancellationToken cancel, Func<int, string?> work)
    {
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
        _items = [.. _items.Where((_, i) => good[i])];
        _infos = [.. _infos.Where((_, i) => good[i])];
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
            if (source._cache is byte[] cache)
            {
                _encoder.Encode(
                    cache.AsSpan(checked(sample * features.Length), features.Length), features);
                return;
            }
            _encoder.Encode(source._items[sample], features);
        }
    }
}
