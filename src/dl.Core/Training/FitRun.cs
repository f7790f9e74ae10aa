// One training run on one device: epochs until done or interrupted, with checkpoints in between.
// A checkpoint lies beside the model (MODEL.dlm.checkpoint) until training has finished.
using System.Diagnostics;
using System.Text.Json;
using Dl.Files;
using Dl.Models;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

/// <summary>
/// What a job tells its surroundings while it works; an epoch comes with its metric's name.
/// </summary>
public sealed record FitEvents(
    Action<TrainingProgress> Progress, Action<EpochRecord, string> EpochDone,
    CancellationToken Cancel);

/// <summary>A model in training, from its first weights or from a checkpoint.</summary>
internal sealed class FitRun : IDisposable
{
    private const ulong WeightStream = 0x5765_6967;

    /// <summary>The arena of the best epoch so far.</summary>
    private const string BestName = "training.best";

    /// <summary>Seconds between checkpoints unless the user says otherwise.</summary>
    private const double CheckpointSeconds = 10;

    private readonly FitSetup _setup;
    private readonly Optimizer _optimizer;
    private readonly string _fingerprint;
    private readonly ILogger _log;
    private readonly Stopwatch _sinceCheckpoint = Stopwatch.StartNew();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private double _secondsBefore;

    public FitRun(FitSetup setup, Device device, string fingerprint, ILogger log)
    {
        (_setup, _fingerprint, _log) = (setup, fingerprint, log);
        var options = setup.Options;
        Model = new Model(setup.Graph, device, setup.Task.LossParameters);
        Model.Weights.Initialize(new Rng(setup.Settings.Seed, WeightStream), options.Init);
        _optimizer = new Optimizer(
            setup.Rule, Model.Weights, device, options.Momentum, options.WeightDecay);
        var settings = setup.Settings with
        {
            Loss = setup.Settings.Loss with { Learnt = Model.LossWeights },
        };
        Trainer = new Trainer(Model, setup.Task, _optimizer, settings, setup.Data);
        Trainer.State.Options = setup.Fingerprint(fingerprint);
    }

    public Model Model { get; }

    public Trainer Trainer { get; }

    public double Seconds => _secondsBefore + _watch.Elapsed.TotalSeconds;

    public static string CheckpointPath(string output) => output + ".checkpoint";

    /// <summary>Goes on from the checkpoint beside the output, if there is one.</summary>
    /// <exception cref="UsageException">It was made with other options.</exception>
    public void Resume()
    {
        string path = CheckpointPath(_setup.Options.Output!);
        if (!File.Exists(path))
        {
            _log.LogWarning("{Path}: no checkpoint; training starts from the beginning", path);
            return;
        }
        using var checkpoint = CheckpointFile.Load(path);
        var state = JsonSerializer.Deserialize(
            checkpoint.TrainingJson, TrainerStateJson.Default.TrainerState)
            ?? throw new DataException($"{path}: no training state");
        foreach (var (key, value) in Trainer.State.Options)
        {
            string before = state.Options.GetValueOrDefault(key, "");
            if (before != value)
            {
                throw new UsageException(
                    $"--resume: {path} was made with {key} '{before}', now it is '{value}'; give "
                    + "the same options, or remove the checkpoint to start again");
            }
        }
        checkpoint.Model.LoadWeights(Model);
        _optimizer.Restore(name => Run(checkpoint, name));
        _optimizer.Steps = state.OptimizerSteps;
        Trainer.Restore(state, state.BestEpoch > 0 ? Run(checkpoint, BestName) : null);
        _secondsBefore = state.Seconds;
        _log.LogInformation(
            "resumed after epoch {Epoch}, step {Step}", state.Epoch, state.Step);
    }

    /// <summary>Trains until done. False: interrupted, and the state is saved.</summary>
    public bool Train(FitEvents events, Action<EpochRecord> epochDone)
    {
        var options = _setup.Options;
        while (!Trainer.Done && !OutOfTime())
        {
            var record = Trainer.RunEpoch(events.Progress, events.Cancel);
            if (record is not null)
            {
                epochDone(record);
                events.EpochDone(record, _setup.Task.Metrics[0].Name);
            }
            if (events.Cancel.IsCancellationRequested && !Trainer.Done)
            {
                SaveCheckpoint();
                return false;
            }
            if (record is not null && Due(record.Epoch, options.CheckpointEvery))
            {
                SaveCheckpoint();
            }
        }
        return true;
    }

    /// <summary>After training: the best weights are in place and no checkpoint is left.</summary>
    public void Finish() => Trainer.UseBest();

    public void SaveCheckpoint()
    {
        if (_setup.Options.Output is not { } output)
        {
            return;
        }
        var state = Trainer.State;
        (state.OptimizerSteps, state.Seconds) = (_optimizer.Steps, Seconds);
        var tensors = new List<(string Name, float[] Values)>(_optimizer.Snapshot());
        if (Trainer.BestWeights is { } best)
        {
            tensors.Add((BestName, best));
        }
        CheckpointFile.Save(
            CheckpointPath(output), FitDocument.Create(_setup, Trainer.State, _fingerprint), Model,
            tensors, JsonSerializer.Serialize(state, TrainerStateJson.Default.TrainerState));
        _sinceCheckpoint.Restart();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Model.Dispose();
    }

    private float[] Run(Checkpoint checkpoint, string name)
    {
        var values = checkpoint.ReadState(name);
        return values?.Length == Model.Weights.Length
            ? values
            : throw new DataException(
                $"{checkpoint.File.Path}: '{name}' does not fit the model; remove the checkpoint "
                + "to start again");
    }

    private bool Due(int epoch, int? every) => every is { } n
        ? epoch % n == 0
        : _sinceCheckpoint.Elapsed.TotalSeconds >= CheckpointSeconds;

    private bool OutOfTime()
    {
        bool over = _setup.Options.TimeBudget is { } budget && Seconds >= budget
            && Trainer.State.Epoch > 0;
        if (over)
        {
            _log.LogInformation("time budget used up after epoch {Epoch}", Trainer.State.Epoch);
        }
        return over;
    }
}
