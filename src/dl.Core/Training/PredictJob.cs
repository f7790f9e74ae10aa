// `dl predict`, whole: rows in, answers out, in the same order. A thread reads ahead; what it has
// is run as one batch. On a pipe nothing waits for a batch to fill: each row is answered, and the
// output flushed, as soon as no further row is there.
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Text;
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Models;
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
        PredictOptions options, DeviceChooser devices, TextWriter output, ILogger log,
        CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        using var loaded = ModelFile.Load(options.Model);
        var document = loaded.Document;
        var task = CreateTask(loaded, options.Model);
        PredictWriter.Check(options, task);
        bool toFile = options.Output is not null and not "-";
        if (toFile)
        {
            AtomicFile.CheckWritable(options.Output!);
        }
        int batch = options.BatchSize
            ?? (int)Math.Clamp(BatchFloats / Math.Max(1, loaded.Plan.Input.Count), 16, 1024);
        using var device = devices.Open(
            options.Device, (double)loaded.Plan.MultiplyAdds * batch, options.Threads);
        log.LogDebug("device {Device}: {Description}", device.Name, device.Description);
        using var model = loaded.CreateModel(device);
        string[] inputs = options.Inputs.Length == 0 ? ["-"] : options.Inputs;
        var input = PredictionInput.Open(
            document.Preprocessing, inputs,
            new PredictionInputOptions { SkipBad = options.SkipBad, NeedTarget = options.Score },
            log);
        bool live = Array.Exists(inputs, IsPipe);
        var scored = options.Score ? new Predictions(task) : null;
        int rows;
        using (var queue = new RecordQueue(input, batch * 2, live))
        {
            var run = new PredictRun(model, task, queue, batch, live, scored, cancel);
            rows = toFile
                ? ToFile(run, options, task, input)
                : run.All(
                    options.Score ? null : new PredictWriter(output, options, task, input.IdName),
                    output);
        }
        var result = Result(options, scored, rows, input.Skipped, device.Name, watch);
        if (options.Score)
        {
            output.Write(options.Json ? PredictReport.Json(result) + "\n"
                : PredictReport.Text(result));
        }
        output.Flush();
        return result;
    }

    private static LearningTask CreateTask(LoadedModel loaded, string path)
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
        return task.Kind == document.Task && task.Outputs == document.Graph.Plan().Output.Count
            ? task
            : throw new DataException(
                $"{path}: is for {document.Task}, its target asks for {task.Kind} with "
                + $"{task.Outputs} outputs; the file is damaged");
    }

    private static int ToFile(
        PredictRun run, PredictOptions options, LearningTask task, PredictionInput input)
    {
        int rows = 0;
        AtomicFile.Write(options.Output!, stream =>
        {
            using var file = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, true);
            rows = run.All(new PredictWriter(file, options, task, input.IdName), null);
        });
        return rows;
    }

    private static PredictResult Result(
        PredictOptions options, Predictions? scored, int rows, int skipped, string device,
        Stopwatch watch)
    {
        if (scored is null)
        {
            return new PredictResult(
                rows, skipped, watch.Elapsed.TotalSeconds, device, null, null);
        }
        if (rows == 0)
        {
            throw new DataException("predict --score: the input has no rows to score");
        }
        // A thousand draws where that is quick; 100 still give the ends of a 95 % interval.
        int draws = (int)Math.Clamp(20_000_000L / rows, 100, 1000);
        var metrics = scored.Compute();
        var intervals = scored.Bootstrap(draws, options.Seed);
        return new PredictResult(
            rows, skipped, watch.Elapsed.TotalSeconds, device, metrics, intervals);
    }

    /// <summary>
    /// Rows may come one by one, with time between them. Named pipes show as files of no length.
    /// </summary>
    private static bool IsPipe(string input) =>
        input == "-" || input.StartsWith("/dev/", StringComparison.Ordinal)
        || new FileInfo(input) is { Exists: true, Length: 0 };
}

/// <summary>One pass over the input with a model.</summary>
internal sealed class PredictRun(
    Model model, LearningTask task, RecordQueue queue, int batchSize, bool live,
    Predictions? scored, CancellationToken cancel)
{
    private ExceptionDispatchInfo? _failure;
    private readonly List<InputRecord> _records = [];
    private readonly int _featureCount = (int)model.Plan.Input.Count;
    private float[] _features = [];
    private float[] _outputs = [];
    private float[] _targets = [];

    /// <summary>Runs everything; returns the rows.</summary>
    /// <param name="writer">Null: nothing is printed, only scored.</param>
    /// <param name="flush">Flushed whenever the input keeps us waiting; null: never.</param>
    public int All(PredictWriter? writer, TextWriter? flush)
    {
        int rows = 0;
        writer?.Header();
        using var tape = new Tape(model.Device, recording: false);
        var pass = new Pass(tape, false, new Rng(0));
        var values = new float[task.InterpretedWidth];
        while (Collect(writer is null ? null : flush))
        {
            Forward(pass);
            int outputs = task.Outputs;
            for (int i = 0; i < _records.Count && writer is not null; i++)
            {
                task.Interpret(_outputs.AsSpan(i * outputs, outputs), values);
                writer.Row(_records[i].Id, values);
            }
            Score();
            rows = checked(rows + _records.Count);
            tape.Reset();
        }
        return rows;
    }

    /// <summary>The next batch: on a pipe what is there, else a full one. False: the end.</summary>
    private bool Collect(TextWriter? flush)
    {
        _records.Clear();
        _failure?.Throw();
        var record = queue.Take(wait: !live, cancel);
        if (record is null)
        {
            if (live)
            {
                flush?.Flush();
            }
            record = queue.Take(wait: true, cancel);
        }
        while (record is not null)
        {
            _records.Add(record);
            record = _records.Count < batchSize ? TakeOrKeepFailure() : null;
        }
        return _records.Count > 0;
    }

    /// <summary>A bad record is reported when the good ones before it are answered.</summary>
    private InputRecord? TakeOrKeepFailure()
    {
        try
        {
            return queue.Take(wait: !live, cancel);
        }
        catch (DataException error)
        {
            _failure = ExceptionDispatchInfo.Capture(error);
            return null;
        }
    }

    private void Forward(Pass pass)
    {
        int rows = _records.Count;
        Grow(ref _features, rows * _featureCount);
        for (int i = 0; i < rows; i++)
        {
            _records[i].Features.CopyTo(_features, i * _featureCount);
        }
        var shape = model.Plan.Input.Prepend(rows);
        var output = model.Forward(
            pass, pass.Tape.Input(shape, _features.AsSpan(0, rows * _featureCount)));
        Grow(ref _outputs, rows * task.Outputs);
        model.Device.Read(output.Storage, _outputs.AsSpan(0, rows * task.Outputs));
    }

    private void Score()
    {
        if (scored is null)
        {
            return;
        }
        int width = task.Target.Kind == TargetKind.Classes ? 1 : task.Target.Width;
        Grow(ref _targets, _records.Count * width);
        for (int i = 0; i < _records.Count; i++)
        {
            var target = _records[i].Target ?? throw new DataException(
                $"{_records[i].Where}: has no label to score against");
            target.CopyTo(_targets, i * width);
        }
        scored.Add(_outputs, _targets, _records.Count);
    }

    private static void Grow(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new float[length];
        }
    }
}
