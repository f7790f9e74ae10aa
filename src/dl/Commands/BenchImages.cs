// `dl bench images DIR`: how many pictures a second come from files into batches.
using System.Globalization;
using Dl.Benchmarks;
using Dl.Cli.Options;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class BenchImages
{
    public const string Name = "images";

    public const string Description = "pictures from files into batches, bench images DIR";

    private const double UsualSeconds = 3;
    private const int UsualBatch = 32, UsualSize = 224;

    public static readonly OptionSpec Size = new("image-size", "extent that images are resized to")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 1, Max = 4096,
        More = "Only for `images`; 224 unless given.",
    };

    /// <exception cref="UsageException">No pictures are named.</exception>
    public static void Run(Session session, string[] inputs)
    {
        if (inputs.Length == 0)
        {
            throw new UsageException(
                "bench: images without a folder, expected dl bench images DIR");
        }
        var options = new ImageBenchOptions
        {
            Inputs = inputs,
            Size = session.Values.Integer(Size) ?? UsualSize,
            BatchSize = session.Values.Integer(BenchCommand.BatchSize) ?? UsualBatch,
            Threads = session.Values.Integer(Threads) ?? Environment.ProcessorCount,
            Seconds = session.Values.Number(BenchCommand.Seconds) ?? UsualSeconds,
        };
        ImageBenchResult result = ImageBench.Run(options, session.Token);
        session.Out.Write(
            (session.Values.Flag(Json) ? AsJson(options, result) : AsText(options, result)) + "\n");
        session.Out.Flush();
    }

    private static string AsJson(ImageBenchOptions options, ImageBenchResult result) =>
        JsonLine.Object(
        [
            ("workload", Name), ("samples_per_s", Math.Round(result.PicturesPerSecond, 1)),
            ("pictures", result.Pictures), ("passes", result.Passes),
            ("image_size", options.Size), ("batch", options.BatchSize),
            ("threads", options.Threads), ("cpu_ms", Math.Round(result.CpuSeconds * 1e3, 4)),
            .. result.Steps.Select(step =>
                ($"{step.Name}_ms", (object)Math.Round(step.Seconds * 1e3, 4))),
        ]);

    private static string AsText(ImageBenchOptions options, ImageBenchResult result)
    {
        string text = string.Create(CultureInfo.InvariantCulture,
            $"{result.PicturesPerSecond:F1} images/s: {result.Pictures} in {result.Passes} passes, "
            + $"{options.Size}x{options.Size}, {options.Threads} threads, "
            + $"{result.CpuSeconds * 1e3:F3} ms of processor time each\n");
        return text + "on one thread, ms an image: " + string.Join(", ", result.Steps.Select(
            step => string.Create(
                CultureInfo.InvariantCulture, $"{step.Name} {step.Seconds * 1e3:F3}")));
    }
}
