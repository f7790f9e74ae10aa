// `dl bench`: what training costs on this machine, in figures that stand beside other frameworks'.
using System.Globalization;
using Dl.Benchmarks;
using Dl.Cli.Options;
using Dl.Cli.Terminal;
using Dl.OpenCl;
using Dl.Training;
using Microsoft.Extensions.Logging;
using static Dl.Cli.Options.CommonOptions;
using Device = Dl.Tensors.Device;

namespace Dl.Cli.Commands;

internal static class BenchCommand
{
    private const double PartSeconds = 0.3;
    private const int ProfiledSteps = 10;

    public static readonly ArgumentSpec What =
        new("WHAT", "workloads and parts, see dl info --list benchmarks [the usual workloads]", 0,
            Many: true);

    public static readonly OptionSpec Seconds = new("seconds", "time for each measurement")
    {
        Kind = ValueKind.Number, Value = "S", Min = 0, Max = 3600,
        More = "Seconds of steps of a workload (3 unless given), or of calls of a part (0.3). The "
            + "median counts.",
    };

    public static readonly OptionSpec Layers = new("layers", "show what each layer takes")
    {
        Kind = ValueKind.Flag,
        More = "Waits for the device after each layer, so the sum is more than a step takes.",
    };

    public static readonly OptionSpec Tune = new("tune", "find the fastest tiles of a GPU")
    {
        Kind = ValueKind.Flag,
        More = "Tries the tiles that matrix products and convolutions are cut into, in every "
            + "precision that the device has. Each is proven against a reference before its time "
            + "counts. What is fastest is written to a file in the cache folder, which later runs "
            + "on this device and driver follow; delete it to go back.",
    };

    public static readonly OptionSpec Sizes = new("sizes", "sizes of the matmul part")
    {
        Kind = ValueKind.Numbers, Value = "N,...", Min = 1, Max = 32768,
        Default = null,
    };

    public static readonly OptionSpec BatchSize = new("batch-size", "samples of a step")
    {
        Alias = 'b', Kind = ValueKind.Integer, Value = "N", Min = 1, Max = 1_000_000,
        More = "Instead of the workload's own; then figures of other frameworks do not compare.",
    };

    public static readonly CommandSpec Spec = new(
        "bench", "Measure what training costs on this machine")
    {
        Usage =
        [
            "[WORKLOAD...] [OPTION...]", "peak|matmul|conv|conv50|elementwise [OPTION...]",
            "images DIR... [OPTION...]", "ingest [FILE...] [OPTION...]",
            "--tune --device opencl:N",
        ],
        Arguments = [What],
        Groups =
        [
            new("Measurement", Seconds, Layers, Sizes, BatchSize, BenchImages.Size, Tune),
            new("Where", CommonOptions.Device, Precision, Threads, Seed), new("Output", Json),
            General,
        ],
        Examples =
        [
            new("dl bench", "Steps of all usual workloads on the fastest device."),
            new("dl bench resnet18 --layers --device cpu", "Where the time goes."),
            new("dl bench peak matmul --sizes 1024,2048", "How near products come to the peak."),
            new("dl bench ingest sales.csv", "How fast a table comes into memory."),
            new("dl bench images photos/ --image-size 224", "Pictures a second into batches."),
        ],
        Run = Run,
    };

    private static int Run(Session session)
    {
        string[] names = session.Values.Arguments(What);
        if (session.Values.Flag(Tune))
        {
            return TuneDevice(session, names);
        }
        if (names is [BenchImages.Name, .. string[] folders])
        {
            BenchImages.Run(session, folders);
            return 0;
        }
        if (names is [BenchIngest.Name, .. string[] files])
        {
            BenchIngest.Run(session, files);
            return 0;
        }
        if (names.Length == 0)
        {
            names = [.. Workloads.Usual.Select(workload => workload.Name)];
        }
        foreach (string name in names)
        {
            if (Workloads.Find(name) is null && Parts.Find(name) is null)
            {
                throw new UsageException(Nearest.Unknown(
                    "benchmark", name,
                    [
                        .. Workloads.All.Select(w => w.Name), .. Parts.All.Select(p => p.Name),
                        BenchImages.Name, BenchIngest.Name,
                    ]));
            }
        }
        CheckOptions(session, names);
        var table = new BenchTable(session);
        foreach (string name in names)
        {
            session.Token.ThrowIfCancellationRequested();
            if (Workloads.Find(name) is { } workload)
            {
                Measure(session, workload, table);
            }
            else
            {
                Measure(session, Parts.Find(name)!, table);
            }
        }
        return 0;
    }

    private static int TuneDevice(Session session, string[] names)
    {
        if (names.Length > 0)
        {
            throw new UsageException(
                $"{Tune.Long}: {string.Join(", ", names)} given, expected no workload; every "
                + "kind of product is tuned");
        }
        string name = session.Values.Text(CommonOptions.Device)!;
        using Device device = Devices.Chooser(session).Open(
            name, DeviceChooser.WorthAGpu, session.Values.Integer(Threads));
        if (device is not OpenClDevice tunable)
        {
            throw new UsageException(
                $"{Tune.Long}: device {device.Name} given, expected a GPU; name one of "
                + "dl info --devices with --device");
        }
        string file = new Tuner(tunable, session.Out, session.Log).Run(session.Token);
        session.Log.LogInformation("tuned: {File}", file);
        return 0;
    }

    private static void CheckOptions(Session session, string[] names)
    {
        bool works = names.Any(name => Workloads.Find(name) is not null);
        foreach (var option in new[] { Layers, BatchSize })
        {
            if (session.Values.Given(option) && !works)
            {
                throw new UsageException(
                    $"{option.Long}: {string.Join(", ", names)} given, expected a workload such as "
                    + "mlp; see dl info --list benchmarks");
            }
        }
        if (session.Values.Given(BenchImages.Size))
        {
            throw new UsageException(
                $"{BenchImages.Size.Long}: {string.Join(", ", names)} given, expected images DIR");
        }
        if (session.Values.Given(Sizes) && !names.Any(name => Parts.Find(name) is
            { TakesSizes: true }))
        {
            throw new UsageException(
                $"{Sizes.Long}: {string.Join(", ", names)} given, expected matmul");
        }
    }

    private static void Measure(Session session, Workload workload, BenchTable table)
    {
        int? batch = session.Values.Integer(BatchSize);
        if (batch is { } count)
        {
            workload = count <= workload.LargestBatch
                ? workload with { Batch = count }
                : throw new UsageException(
                    $"{BatchSize.Long}: {count} given, {workload.Name} takes at most "
                    + $"{workload.LargestBatch}");
        }
        double work = workload.MultiplyAdds * Workload.TrainingPasses;
        using Device device = Devices.Chooser(session).Open(
            session.Values.Text(CommonOptions.Device)!, work, session.Values.Integer(Threads));
        session.Log.LogDebug("{Device}: {What}", device.Name, device.Description);
        using var run = new WorkloadRun(workload, device, (ulong)session.Values.Long(Seed)!.Value);
        table.Add(run.Run(session.Values.Number(Seconds) ?? 3, session.Token));
        if (session.Values.Flag(Layers))
        {
            table.Add(workload, device.Name, run.TimeLayers(ProfiledSteps, session.Token));
        }
    }

    private static int Whole(double size) => size == Math.Floor(size)
        ? (int)size
        : throw new UsageException(
            $"{Sizes.Long}: '{size.ToString(CultureInfo.InvariantCulture)}' given, whole numbers "
            + "expected");

    private static void Measure(Session session, Part part, BenchTable table)
    {
        using Device device = Devices.Chooser(session).Open(
            session.Values.Text(CommonOptions.Device)!, DeviceChooser.WorthAGpu,
            session.Values.Integer(Threads));
        session.Log.LogDebug("{Device}: {What}", device.Name, device.Description);
        var timer = new PartTimer(
            device, session.Values.Number(Seconds) ?? PartSeconds, table.Add, session.Token);
        int[] sizes = [.. session.Values.Numbers(Sizes).Select(Whole)];
        part.Run(timer, sizes);
    }
}

/// <summary>Prints each result as soon as it is there: aligned for people, or JSON.</summary>
internal sealed class BenchTable(Session session)
{
    private const double Mebibyte = 1 << 20;
    private readonly bool _json = session.Values.Flag(Json);
    private string _heading = "";

    public void Add(WorkloadResult result)
    {
        if (_json)
        {
            Print(JsonLine.Object(
                ("workload", result.Workload.Name),
                ("samples_per_s", Math.Round(result.SamplesPerSecond, 1)),
                ("step_ms", Math.Round(result.StepSeconds * 1e3, 4)),
                ("batch", result.Workload.Batch), ("params", result.Parameters),
                ("loss_first", Math.Round(result.LossFirst, 4)),
                ("loss_last", Math.Round(result.LossLast, 4)), ("device", result.Device),
                ("steps", result.Steps), ("gflop", Math.Round(result.Workload.Flops / 1e9, 4)),
                ("gbyte", Math.Round(result.Workload.Bytes / 1e9, 4)),
                ("device_bytes", result.DeviceBytes), ("peak_bytes", PeakBytes())));
            return;
        }
        Head("workload     device      samples/s    ms/step     weights        loss   memory");
        Print(string.Create(CultureInfo.InvariantCulture,
            $"{result.Workload.Name,-11}  {result.Device,-9} {result.SamplesPerSecond,11:F1} "
            + $"{result.StepSeconds * 1e3,10:F3} {result.Parameters,11} "
            + $"{result.LossFirst,6:F2} {result.LossLast,4:F2} "
            + $"{result.DeviceBytes / Mebibyte,5:F0} MiB"));
    }

    public void Add(PartResult result)
    {
        if (_json)
        {
            Print(JsonLine.Object(
                ("part", result.Part), ("name", result.Name), ("device", result.Device),
                ("ms", Math.Round(result.Seconds * 1e3, 4)),
                result.Flops > 0 ? ("gflops", Math.Round(result.Gflops, 2))
                    : ("gb_per_s", Math.Round(result.GigabytesPerSecond, 2))));
            return;
        }
        Head("part         what                                      device            ms");
        var (speed, unit) = result.Flops > 0
            ? (result.Gflops, "GFLOP/s") : (result.GigabytesPerSecond, "GB/s");
        Print(string.Create(CultureInfo.InvariantCulture,
            $"{result.Part,-11}  {result.Name,-40}  {result.Device,-9} "
            + $"{result.Seconds * 1e3,10:F3}  {speed,9:F1} {unit}"));
    }

    public void Add(Workload workload, string device, IReadOnlyList<LayerTime> layers)
    {
        if (!_json)
        {
            Head("layer                       kind                  forward ms  backward ms");
        }
        foreach (var layer in layers)
        {
            Print(_json
                ? JsonLine.Object(
                    ("workload", workload.Name), ("device", device), ("layer", layer.Name),
                    ("kind", layer.Kind), ("forward_ms", Math.Round(layer.Forward * 1e3, 4)),
                    ("backward_ms", Math.Round(layer.Backward * 1e3, 4)))
                : string.Create(CultureInfo.InvariantCulture,
                    $"{layer.Name,-26}  {layer.Kind,-20}  {layer.Forward * 1e3,10:F3}  "
                    + $"{layer.Backward * 1e3,11:F3}"));
        }
    }

    /// <summary>Most memory that the process held, the runtime's own included.</summary>
    private static long PeakBytes()
    {
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    private void Head(string heading)
    {
        if (heading != _heading)
        {
            Print((_heading.Length > 0 ? "\n" : "") + heading);
            _heading = heading;
        }
    }

    private void Print(string line)
    {
        session.Out.Write(line + "\n");
        session.Out.Flush();
    }
}
