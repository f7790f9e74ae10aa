// Data to learn from: finds out what lies at the given paths, and cuts it into parts.
using Dl.Data.Formats;
using Dl.Data.Images;
using Dl.Data.Tables;
using Dl.Data.Tables.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data;

/// <summary>Training data of any kind, opened once and cut as often as needed.</summary>
public sealed class TrainingData : IDisposable
{
    /// <summary>Fewer training samples are not cut for validation unless asked.</summary>
    private const int MinForValidation = 50;
    private const double DefaultValidation = 0.1;

    /// <summary>
    /// More would cost time in every epoch, and tell an accuracy to 0.05 % no better.
    /// </summary>
    private const int MaxForValidation = 1_000_000;

    /// <summary>Training samples that are scored when training is done; evenly spaced.</summary>
    private const int MaxScored = 1_000_000;

    private readonly IDataSource _source;
    private readonly DataOptions _options;
    private readonly ILogger _log;
    private readonly CancellationToken _cancel;
    private readonly BadData _bad;
    private bool _summarised;

    private TrainingData(
        IDataSource source, string fingerprint, DataOptions options, BadData bad, ILogger log,
        CancellationToken cancel)
    {
        (_source, Fingerprint, _options, _bad, _log, _cancel) =
            (source, fingerprint, options, bad, log, cancel);
    }

    /// <summary>
    /// Hash of the names, sizes and contents; the same data elsewhere has the same.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Opens files or folders, and infers what is to be learnt.</summary>
    /// <exception cref="DataException">Nothing usable is there, or something in it is
    /// bad.</exception>
    /// <exception cref="UsageException">An option names what is not there.</exception>
    public static TrainingData Open(
        DataOptions options, ILogger log, CancellationToken cancel = default)
    {
        List<Place> places = Layout.Find(options);
        var bad = new BadData(options.SkipBad, log);
        using var fingerprint = new Fingerprint();
        IDataSource source;
        if (places[0].Kind == PlaceKind.Table)
        {
            RawTable table = ReadTables(places, options, bad, fingerprint, log, cancel);
            source = new TableSource(table, options, bad, log);
        }
        else
        {
            var images = new ImageSource(places, options, bad, log, cancel);
            AddImages(fingerprint, images);
            source = images;
        }
        return new TrainingData(source, fingerprint.Finish(), options, bad, log, cancel);
    }

    /// <summary>
    /// Train, validation and test as the options and the folders say. Cuts are stratified by class
    /// and depend on the seed alone; preparation is learnt from the training part.
    /// </summary>
    public DataSplits Split()
    {
        Load();
        int[] pool = Of(Part.Train);
        int[] validation = Of(Part.Validation);
        int[] test = Of(Part.Test);
        (double validationShare, double testShare) = Shares(pool.Length, validation, test);
        int[] train = pool;
        if (testShare > 0 || validationShare > 0)
        {
            int testEnd = (int)Math.Round(testShare * pool.Length);
            int end = testEnd + (int)Math.Round(validationShare * pool.Length);
            var cut = new Cut(pool, _source.Stratum, _options.Seed);
            test = testShare > 0 ? cut.Run(0, testEnd) : test;
            validation = validationShare > 0 ? cut.Run(testEnd, end) : validation;
            train = cut.Without(0, end);
        }
        _log.LogInformation(
            "samples: {Train} to train, {Validation} to validate, {Test} to test",
            train.Length, validation.Length, test.Length);
        return Make(train, validation, test, _log);
    }

    /// <summary>
    /// Cross-validation, stratified by class: each fold's Test is its held-out part. A validation
    /// part is cut from a fold's training part only where <see cref="DataOptions.Validation"/>
    /// asks.
    /// </summary>
    /// <exception cref="UsageException">Fewer than 2 folds, or more folds than samples.</exception>
    public IEnumerable<DataSplits> Folds(int folds, int repeats)
    {
        Load();
        // A separate test part stays out of it: it is for the model that is chosen.
        int pool = Of(Part.Train).Length;
        if (folds < 2 || folds > pool)
        {
            throw new UsageException(
                $"--folds: {folds} given, expected 2 to {pool} (the number of samples)");
        }
        if (repeats < 1)
        {
            throw new UsageException($"--repeats: {repeats} given, expected at least 1");
        }
        return MakeFolds(folds, repeats);
    }

    /// <summary>What is there, for `dl info`.</summary>
    public DataDescription Describe() => _source.Describe(Fingerprint);

    /// <summary>A part as it was found, prepared as is said.</summary>
    internal IDataset View(Preprocessing preprocessing, Part part) =>
        _source.View(Of(part), preprocessing);

    /// <summary>Datasets that were made of it cannot be read any more.</summary>
    public void Dispose() => _source.Dispose();

    private IEnumerable<DataSplits> MakeFolds(int folds, int repeats)
    {
        double? share = Layout.Share(_options.Validation, "--val");
        int[] validationPart = Of(Part.Validation);
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            var cut = new Cut(Of(Part.Train), _source.Stratum, _options.Seed, repeat);
            for (int fold = 0; fold < folds; fold++)
            {
                int from = (int)((long)cut.Count * fold / folds);
                int to = (int)((long)cut.Count * (fold + 1) / folds);
                int[] train = cut.Without(from, to);
                int[] validation = validationPart;
                if (share > 0)
                {
                    var inner = new Cut(train, _source.Stratum, _options.Seed, repeat);
                    int count = (int)Math.Round(share.Value * inner.Count);
                    validation = inner.Run(0, count);
                    train = inner.Without(0, count);
                }
                bool first = repeat == 0 && fold == 0;
                yield return Make(train, validation, cut.Run(from, to), first ? _log : null);
            }
        }
    }

    private DataSplits Make(int[] train, int[] validation, int[] test, ILogger? log)
    {
        if (train.Length == 0)
        {
            throw new DataException("data: no sample is left to train on; lower the other shares");
        }
        Preprocessing preprocessing = _source.Fit(train, log);
        if (train.Length > MaxScored)
        {
            // What the cut and the fit took.
            HeldMemory.GiveBack();
        }
        return new DataSplits(
            _source.View(train, preprocessing),
            validation.Length > 0 ? _source.View(validation, preprocessing) : null,
            test.Length > 0 ? _source.View(test, preprocessing) : null,
            preprocessing)
        {
            Scored = train.Length > MaxScored
                ? _source.View(Spaced(train, MaxScored), preprocessing)
                : null,
        };
    }

    private static int[] Spaced(int[] samples, int count)
    {
        var spaced = new int[count];
        for (int i = 0; i < count; i++)
        {
            spaced[i] = samples[(int)((long)i * samples.Length / count)];
        }
        return spaced;
    }

    /// <summary>
    /// Shares of the training part to hold out; 0 where a part was found or none is due.
    /// </summary>
    private (double Validation, double Test) Shares(int pool, int[] validation, int[] test)
    {
        if (_options.Split is double[] split)
        {
            double sum = split.Sum();
            bool valid = split.Length is 2 or 3 && Math.Abs(sum - 1) < 1e-6
                && Array.TrueForAll(split, s => s >= 0) && split[0] > 0;
            if (!valid)
            {
                throw new UsageException(
                    $"--split: {string.Join(',', split)} given, expected shares for train, "
                    + "validation and test that add up to 1, e.g. 0.8,0.1,0.1");
            }
            if (validation.Length > 0 || test.Length > 0)
            {
                throw new UsageException(
                    "--split: the data have a validation or test part of their own; leave it out");
            }
            return (split[1], split.Length == 3 ? split[2] : 0);
        }
        double testShare = Layout.Share(_options.Test, "--test") ?? 0;
        if (Layout.Share(_options.Validation, "--val") is double share)
        {
            return share + testShare < 1
                ? (share, testShare)
                : throw new UsageException(
                    "--val and --test: together no sample is left to train on");
        }
        if (validation.Length > 0 || _options.Validation is not null || pool < MinForValidation)
        {
            return (0, testShare);
        }
        double held = DefaultValidation * (1 - testShare);
        if (held * pool > MaxForValidation)
        {
            _log.LogInformation(
                "validation: {Count} training samples are held out (--val SHARE takes more or "
                + "fewer, --val none keeps them)", MaxForValidation);
            return ((double)MaxForValidation / pool, testShare);
        }
        _log.LogInformation(
            "validation: 10 % of the training samples are held out (--val none keeps them)");
        return (held, testShare);
    }

    private int[] Of(Part part)
    {
        double? validation = Layout.Share(_options.Validation, "--val");
        double? test = Layout.Share(_options.Test, "--test");
        // A share that is asked for takes the place of a part that was found, which then counts as
        // training data for validation, and is left alone for test.
        bool replaced = part == Part.Validation && validation is not null
            || part == Part.Test && test is not null;
        bool Belongs(int sample) => !replaced && (_source.PartOf(sample) == part
            || (part == Part.Train && validation is not null
                && _source.PartOf(sample) == Part.Validation));
        // Counted first: a list that grows would take twice the memory.
        int count = 0;
        for (int i = 0; i < _source.Count; i++)
        {
            count += Belongs(i) ? 1 : 0;
        }
        var samples = new int[count];
        for (int i = 0, at = 0; at < count; i++)
        {
            if (Belongs(i))
            {
                samples[at++] = i;
            }
        }
        return samples;
    }

    private void Load()
    {
        _source.Load(_cancel);
        if (!_summarised)
        {
            _summarised = true;
            _bad.Summarise("rows or files");
        }
    }

    private static RawTable ReadTables(
        List<Place> places, DataOptions options, BadData bad, Fingerprint fingerprint, ILogger log,
        CancellationToken cancel)
    {
        var table = new RawTable(options.DecimalComma, options.Storage);
        var reading = new TableReading(table, log);
        // Training files come first: they name the columns.
        foreach (Place place in places.OrderBy(p => p.Part))
        {
            if (InputFile.IsStream(place.Path))
            {
                using var pipe = new PipedInput(place.Path, options.Storage, cancel);
                reading.Append(
                    pipe.Content, InputFile.Display(place.Path), place.Part, bad, cancel);
                pipe.Finish(fingerprint);
                continue;
            }
            if (place.Part == Part.Test && options.Test is null
                && !HasTargets(place.Path, table, options))
            {
                log.LogInformation(
                    "{Name}: no target column, not used for testing", place.Path);
                continue;
            }
            fingerprint.AddFile(Path.GetFileName(place.Path), place.Path, sampled: true);
            reading.Append(InputFile.Open(place.Path), place.Path, place.Part, bad, cancel);
        }
        reading.Complete();
        return table;
    }

    /// <summary>A test part for a contest comes without its answers.</summary>
    private static bool HasTargets(string path, RawTable table, DataOptions options)
    {
        if (!table.HasHeader)
        {
            return true;
        }
        using IRowReader reader = TableFormats.Open(
            InputFile.Open(path), path, streaming: false, decimalComma: options.DecimalComma);
        if (!reader.Read())
        {
            return true;
        }
        IReadOnlyList<string> names = reader.Names ?? reader.Row();
        return Array.TrueForAll(
            Targets.Choose(table, options, NullLogger.Instance), t => names.Contains(t.Name));
    }

    private static void AddImages(Fingerprint fingerprint, ImageSource images)
    {
        const int contents = 64;
        IReadOnlyList<ImageItem> items = images.Items;
        int step = Math.Max(1, items.Count / contents);
        var blocks = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < items.Count; i++)
        {
            ImageItem item = items[i];
            if (item.File is not null)
            {
                fingerprint.AddFile(
                    $"{item.Part}/{item.Id}", item.File, sampled: i % step == 0, item.Length);
            }
            else if (blocks.Add(item.Block!.Path))
            {
                fingerprint.Add(Path.GetFileName(item.Block.Path), item.Block.Data);
            }
        }
        byte[] labels = new byte[items.Count];
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = (byte)items[i].Label;
        }
        fingerprint.Add("labels", labels);
    }
}
