// Times what lies between picture files and the device: passes over a data set as training makes
// them (read, decoded, resized, normalised and put into batches on all threads, nothing kept), and
// the same four steps one by one on one thread.
using System.Diagnostics;
using Dl.Data;
using Dl.Data.Formats;
using Dl.Data.Images;
using Dl.Tensors;

namespace Dl.Benchmarks;

/// <summary>What is to be timed.</summary>
public sealed record ImageBenchOptions
{
    /// <summary>Folders or files.</summary>
    public required string[] Inputs { get; init; }

    public required int Size { get; init; }

    public required int BatchSize { get; init; }

    public required int Threads { get; init; }

    public required double Seconds { get; init; }
}

/// <summary>What the passes took.</summary>
/// <param name="PassSeconds">Median of a pass over all pictures.</param>
/// <param name="CpuSeconds">Processor time of a picture, all threads together.</param>
/// <param name="Steps">Each step's name and its seconds for a picture on one thread.</param>
public sealed record ImageBenchResult(
    int Pictures, int Passes, double PassSeconds, double CpuSeconds,
    IReadOnlyList<(string Name, double Seconds)> Steps)
{
    public double PicturesPerSecond => Pictures / PassSeconds;
}

public static class ImageBench
{
    /// <summary>Pictures whose steps are timed one by one.</summary>
    private const int Timed = 200;

    /// <exception cref="DataException">No pictures, or one of them is bad.</exception>
    public static ImageBenchResult Run(ImageBenchOptions options, CancellationToken cancel)
    {
        ImageItem[] items = List(options.Inputs);
        var preprocessing = new ImagePreprocessing
        {
            Target = new TargetSpec { Kind = TargetKind.Classes, Names = ["label"] },
            Height = options.Size,
            Width = options.Size,
            Channels = 3,
            Mean = [0.5f, 0.5f, 0.5f],
            Std = [0.25f, 0.25f, 0.25f],
        };
        var data = new Pictures(items, preprocessing);
        // The first pass finds the files on the disk and compiles the code.
        Pass(data, options, cancel);
        var times = new List<double>();
        var all = Stopwatch.StartNew();
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        do
        {
            long start = Stopwatch.GetTimestamp();
            Pass(data, options, cancel);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (all.Elapsed.TotalSeconds < options.Seconds);
        TimeSpan used = Process.GetCurrentProcess().TotalProcessorTime - before;
        times.Sort();
        return new ImageBenchResult(
            items.Length, times.Count, times[times.Count / 2],
            used.TotalSeconds / times.Count / items.Length,
            TimeSteps(items, preprocessing, cancel));
    }

    private static ImageItem[] List(string[] inputs)
    {
        List<Place> places = [.. inputs.SelectMany(Layout.Find)];
        if (places.Find(p => p.Kind is PlaceKind.Table) is Place table)
        {
            throw new DataException($"{table.Path}: a table, expected pictures");
        }
        return [.. places.SelectMany(place => ImageListing.List(place, []))];
    }

    private static void Pass(Pictures data, ImageBenchOptions options, CancellationToken cancel)
    {
        using var batches = new Batches(data, options.BatchSize, null, options.Threads);
        foreach (Batch _ in batches)
        {
            cancel.ThrowIfCancellationRequested();
        }
    }

    private static List<(string Name, double Seconds)> TimeSteps(
        ImageItem[] items, ImagePreprocessing preprocessing, CancellationToken cancel)
    {
        (int size, int channels) = (preprocessing.Width, preprocessing.Channels);
        var encoder = new ImageEncoder(preprocessing);
        var pixels = new byte[size * size * channels];
        var features = new float[pixels.Length];
        var ticks = new long[4];
        // IDX files lie in memory, where there is nothing to be timed.
        ImageItem[] files = [.. items.Where(item => item.File is not null)];
        int count = Math.Min(files.Length, Timed);
        for (int i = 0; i < count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            ImageItem item = files[(int)((long)i * files.Length / count)];
            long start = Stopwatch.GetTimestamp();
            byte[] bytes = InputFile.ReadAll(item.File!);
            long read = Stopwatch.GetTimestamp();
            Stored stored = ImageCodec.DecodeStored(
                bytes, item.Where, new Wanted(size, size) { Rented = true });
            long decoded = Stopwatch.GetTimestamp();
            ImageCodec.Fit(stored, size, size, channels, pixels);
            long resized = Stopwatch.GetTimestamp();
            encoder.Encode(pixels, features);
            long end = Stopwatch.GetTimestamp();
            stored.Return();
            ticks[0] += read - start;
            ticks[1] += decoded - read;
            ticks[2] += resized - decoded;
            ticks[3] += end - resized;
        }
        string[] names = ["read", "decode", "resize", "normalise"];
        return [.. names.Select((name, i) => (
            name, count == 0 ? 0 : (double)ticks[i] / Stopwatch.Frequency / count))];
    }

    private sealed class Pictures(ImageItem[] items, ImagePreprocessing preprocessing) : IDataset
    {
        private readonly ImageEncoder _encoder = new(preprocessing);

        public int Count => items.Length;

        public Shape FeatureShape { get; } = preprocessing.FeatureShape;

        public int TargetWidth => 1;

        public string Locate(int index) => items[index].Where;

        public void Read(int index, Span<float> features, Span<float> target)
        {
            _encoder.Encode(items[index], features);
            target[0] = items[index].Label;
        }
    }
}
