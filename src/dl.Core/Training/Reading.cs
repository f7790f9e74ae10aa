// A model, its input, and the threads between them, opened and closed as one.
using Dl.Data;
using Dl.Files;
using Dl.Tasks;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

/// <summary>A model and an input that are open together, ready to run once.</summary>
internal sealed class Reading : IDisposable
{
    private readonly PredictOptions _options;
    private readonly LearningTask _task;
    private readonly Predictor _predictor;
    private readonly RecordQueue _queue;
    private readonly PredictRun _run;

    /// <param name="columns">Columns of uncertainty that are wanted.</param>
    /// <param name="scored">Takes answers and labels; null: nothing is scored.</param>
    public Reading(
        PredictOptions options, LoadedModel loaded, LearningTask task, Device device, int columns,
        ScoredRows? scored, ILogger log, CancellationToken cancel)
    {
        (_options, _task) = (options, task);
        _predictor = new Predictor([loaded], task, device, options.McDropout, options.Seed);
        try
        {
            string[] inputs = options.Inputs.Length == 0 && options.Paths is null
                ? ["-"]
                : options.Inputs;
            RecordQueue? queue = null;
            Input = PredictionInput.Open(
                loaded.Document.Preprocessing, inputs,
                new PredictionInputOptions
                {
                    SkipBad = options.SkipBad, NeedTarget = scored is not null,
                    Paths = options.Paths, Waiting = () => queue?.HandOver(),
                },
                log);
            bool live = Array.Exists(inputs, PredictJob.IsPipe)
                || (options.Paths is string list && PredictJob.IsPipe(list));
            int batch = PredictJob.BatchSize(options, loaded);
            int width = checked((int)_predictor.Input.Count);
            int targetWidth = scored is null ? 0
                : task.Target.Kind == TargetKind.Classes ? 1 : task.Target.Width;
            queue = new RecordQueue(
                Input, () => new RecordBatch(batch, width, targetWidth), live);
            _queue = queue;
            _run = new PredictRun(_predictor, task, queue, columns, scored, cancel);
        }
        catch
        {
            Input?.Dispose();
            _predictor.Dispose();
            throw;
        }
    }

    public PredictionInput Input { get; }

    /// <summary>Reads, answers and scores everything; returns the rows.</summary>
    /// <param name="output">For predictions; null: they are only scored.</param>
    /// <param name="columns">Names of the columns of uncertainty.</param>
    public long All(Stream? output, string[] columns)
    {
        var writer = output is null
            ? null
            : PredictWriter.Open(output, _options, _task, Input, columns);
        _queue.Start();
        return _run.All(writer);
    }

    public void Dispose()
    {
        _queue.Dispose();
        _predictor.Dispose();
    }
}
