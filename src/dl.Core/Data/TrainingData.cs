// Data to learn from: finds out what lies at the given paths, and cuts it into parts.
using Dl.Data.Formats;
using Dl.Data.Images;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data;

/// <summary>Training data of any kind, opened once and cut as often as needed.</summary>
public sealed class TrainingData
{
    /// <summary>Fewer training samples are not cut for validation unless asked.</summary>
    private const int MinForValidation = 50;
    private const double DefaultValidation = 0.1;

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
        int[] order = Cut.Stratified(pool, _source.Stratum, _options.Seed);
        int testEnd = (int)Math.Round(testShare * pool.Length);
        int end = testEnd + (int)Math.Round(validationShare * pool.Length);
        if (testShare > 0)
        {
            test = Cut.Run(order, 0, testEnd);
        }
        if (validationShare > 0)
        {
            validation = Cut.Run(order, testEnd, end);
        }
        int[] train = Cut.Run(order, end, order.Length);
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
        int[] pool = Of(Part.Train);
        if (folds < 2 || folds > pool.Length)
        {
            throw new UsageException(
                $"--folds: {folds} given, expected 2 to {pool.Length} (the number of samples)");
        }
        if (repeats < 1)
        {
            throw new UsageException($"--repeats: {repeats} given, expected at least 1");
        }
        return MakeFolds(pool, folds, repeats);
    }

    /// <summary>What is there, for `dl info`.</summary>
    public DataDescription Describe() => _source.Describe(Fingerprint);

    private IEnumerable<DataSplits> MakeFolds(int[] pool, int folds, int repeats)
    {
        double? share = Layout.Share(_options.Validation, "--val");
        int[] validationPart = Of(Part.Validation);
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            int[] order = Cut.Stratified(pool, _source.Stratum, _options.Seed, repeat);
            for (int fold = 0; fold < folds; fold++)
            {
                int from = (int)((long)order.Length * fold / folds);
                int to = (int)((long)order.Length * (fold + 1) / folds);
                int[] train = Cut.Without(order, from, to);
                int[] validation = validationPart;
                if (share > 0)
                {
                    int[] inner = Cut.Stratified(train, _source.Stratum, _options.Seed, repeat);
                    int count = (int)Math.Round(share.Value * inner.Length);
                    validation = Cut.Run(inner, 0, count);
                    train = Cut.Run(inner, count, inner.Length);
                }
                bool first = repeat == 0 && fold == 0;
                yield return Make(
                    train, validation, Cut.Run(order, from, to), first ? _log : null);
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
        return new DataSplits(
            _source.View(train, preprocessing),
            validation.Length > 0 ? _source.View(validation, preprocessing) : null,
            test.Length > 0 ? _source.View(test, preprocessing) : null,
            preprocessing);
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
        _log.LogInformation(
            "validation: 10 % of the training samples are held out (--val none keeps them)");
        return (DefaultValidation * (1 - testShare), testShare);
    }

    private int[] Of(Part part)
    {
        double? validation = Layout.Share(_options.Validation, "--val");
        double? test = Layout.Share(_options.Test, "--test");
        // A share that is asked for takes the place of a part that was found, which then counts as
        // training data for validation, and is left alone for test.
        bool replaced = part == Part.Validation && validation is not null
            || part == Part.Test && test is not null;
        var samples = new List<int>();
        for (int i = 0; i < _source.Count && !replaced; i++)
        {
            if (_source.PartOf(i) == part
                || (part == Part.Train && validation is not null
                    && _source.PartOf(i) == Part.Validation))
            {
                samples.Add(i);
            }
        }
        return [.. samples];
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
        var table = new RawTable(options.DecimalComma);
        // Training files come first: they name the columns.
        foreach (Place place in places.OrderBy(p => p.Part))
        {
            string name = InputFile.Display(place.Path);
            if (InputFile.IsStream(place.Path))
            {
                byte[] content = InputFile.ReadStream(place.Path);
                fingerprint.Add("stdin", content);
                table.Append(new MemoryStream(content), name, place.Part, bad, cancel);
                continue;
            }
            if (place.Part == Part.Test && options.Test is null
                && !HasTargets(place.Path, table, options))
            {
                log.LogInformation("{Name}: no target column, not used for testing", name);
                continue;
            }
            fingerprint.AddFile(Path.GetFileName(place.Path), place.Path, sampled: true);
            table.Append(InputFile.Open(place.Path), name, place.Part, bad, cancel);
        }
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
