// `dl predict`, whole: rows in, answers out, in the same order. One thread reads ahead, one runs
// batches, one writes. On a pipe nothing waits for a batch to fill: each row is answered, and the
// output flushed, as soon as no further row is there.
using System.Diagnostics;
using System.Text;
using Dl.Data;
using Dl.Data.Formats.Output;
using Dl.Files;
using Dl.Tasks;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

public static class PredictJob
{
    /// <summary>Floats of input in one batch, about.</summary>
    private const int BatchFloats = 1 << 20;

    /// <summary>Predicts, or scores, as the options say.</summary>
    /// <param name="output">For predictions and scores; flushed here, not closed.</param>
    /// <exception cref="DlException">
    /// Anything that keeps it from working; says what to do.
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// Cancelled; the rows before are written.
    /// </exception>
    public static PredictResult Run(
        PredictOptions options, DeviceChooser devices, Stream output, ILogger log,
        CancellationToken cancel)
    {
        using var loaded = ModelFile.Load(options.Model);
        var task = CreateTask(loaded, options.Model);
        PredictChecks.Check(options, task, loaded.Plans.Count);
        var result = options.Score
            ? ScoreJob.Run(options, loaded, task, devices, log, cancel)
            : Predict(options, loaded, task, devices, output, log, cancel);
        if (options.Score)
        {
            output.Write(Encoding.UTF8.GetBytes(
                options.Json ? PredictReport.Json(result) + "\n" : PredictReport.Text(result)));
            output.Flush();
        }
        return result;
    }

    private static PredictResult Predict(
        PredictOptions options, LoadedModel loaded, LearningTask task, DeviceChooser devices,
        Stream output, ILogger log, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        bool toFile = options.Output is not null and not "-";
        if (toFile)
        {
            FileRoles.Check(
                [new("the model", options.Model), new("--paths", options.Paths),
                    .. options.Inputs.Select(path => new FileRole("input", path))],
                [new("-o", options.Output)]);
            AtomicFile.CheckWritable(options.Output!);
        }
        using var device = OpenDevice(options, loaded, devices, log);
        string[] columns = options.Uncertainty || options.McDropout is not null
            ? Predictor.UncertaintyColumns(loaded, task, options.McDropout)
            : [];
        using var pass = new Reading(options, loaded, task, device, columns.Length, null, log,
            cancel);
        long rows = 0;
        if (toFile)
        {
            AtomicFile.Write(options.Output!, file => OutputForm.Pack(
                options.Output!, file, stream => rows = pass.All(stream, columns)));
        }
        else
        {
            rows = pass.All(output, columns);
        }
        return new PredictResult(
            rows, pass.Input.Skipped, watch.Elapsed.TotalSeconds, device.Name, null);
    }

    internal static Device OpenDevice(
        PredictOptions options, LoadedModel loaded, DeviceChooser devices, ILogger log)
    {
        double work = loaded.Plans.Sum(p => (double)p.MultiplyAdds)
            * (options.McDropout ?? BatchSize(options, loaded));
        var device = devices.Open(options.Device, work, options.Threads);
        log.LogDebug("device {Device}: {Description}", device.Name, device.Description);
        return device;
    }

    internal static int BatchSize(PredictOptions options, LoadedModel loaded) => options.BatchSize
        ?? (int)Math.Clamp(BatchFloats / Math.Max(1, loaded.Plan.Input.Count), 16, 1024);

    /// <exception cref="DataException">The document contradicts itself.</exception>
    internal static LearningTask CreateTask(LoadedModel loaded, string path)
    {
        var document = loaded.Document;
        LearningTask task;
        try
        {
            task = LearningTask.Create(document.Preprocessing.Target, document.Loss);
        }
        catch (UsageException error)
        {
            throw new DataException($"{path}: {error.Message}; the file is damaged", error);
        }
        if (!task.LossParameters.Select(p => p.Name).Order()
            .SequenceEqual(loaded.LossParameters.Select(p => p.Name).Order()))
        {
            throw new DataException(
                $"{path}: its loss is {document.Loss}, the weights stored for it are not; the "
                + "file is damaged");
        }
        for (int i = 0; i < (document.Members?.Length ?? 1); i++)
        {
            if (task.Kind != document.Task
                || task.Outputs != document.GraphOf(i).Plan().Output.Count)
            {
                throw new DataException(
                    $"{path}: is for {document.Task}, its target asks for {task.Kind} with "
                    + $"{task.Outputs} outputs; the file is damaged");
            }
        }
        return task;
    }

    /// <summary>
    /// Rows may come one by one, with time between them. Named pipes show as files of no length.
    /// </summary>
    internal static bool IsPipe(string input) =>
        input == "-" || input.StartsWith("/dev/", StringComparison.Ordinal)
        || new FileInfo(input) is { Exists: true, Length: 0 };
}
