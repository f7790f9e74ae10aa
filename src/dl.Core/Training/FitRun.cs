// One training run on one device: epochs until done or interrupted, with checkpoints in between.
// A checkpoint lies beside the model (MODEL.dlm.checkpoint) until training has finished.
using System.Diagnostics;
using System.Globalization;
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

    /// <summary>The arena of the average of the weights.</summary>
    private const string AverageName = "training.average";

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
        (_fingerprint, _log) = (fingerprint, log);
        var options = setup.Options;
        int parts = MemoryPlan.Parts(setup, device, log);
        Model = new Model(setup.Graph, setup.Plan, device, setup.Task.LossParameters);
        // What the loss learns lies among the model's weights.
        _setup = setup with
        {
            Settings = setup.Settings with
            {
                Parts = parts,
                Loss = setup.Settings.Loss with { Learnt = Model.LossWeights },
            },
        };
        Model.Weights.Initialize(new Rng(setup.Settings.Seed, WeightStream), options.Init);
        _optimizer = CreateOptimizer();
        SayWhatDecays();
        Trainer = new Trainer(Model, setup.Task, _optimizer, _setup.Settings, setup.Data)
        {
            Cut = (parts, why) => MemoryPlan.Say(setup, parts, why, log),
        };
        Trainer.State.Options = setup.Fingerprint(fingerprint);
    }

    public Model Model { get; }

    public Trainer Trainer { get; }

    public double Seconds => _secondsBefore + _watch.Elapsed.TotalSeconds;

    public static string CheckpointPath(string output) => output + ".checkpoint";

    /// <summary>
    /// Before the first epoch: goes on from a checkpoint where that is asked for; otherwise takes
    /// the weights of a base model, and finds the rate.
    /// </summary>
    public void Start(CancellationToken cancel)
    {
        var options = _setup.Options;
        if (options.Resume && Resume())
        {
            return;
        }
        if (!options.Resume && options.Output is { } output
            && File.Exists(CheckpointPath(output)))
        {
            _log.LogWarning(
                "{Path}: is of a run that was cut short, or still runs; --resume would go on from "
                + "it, this run will replace it", CheckpointPath(output));
        }
        if (options.From is { } path)
        {
            Transfer.Apply(path, Model, _log);
        }
        if (options.FindRate)
        {
            FindRate(cancel);
        }
    }

    /// <summary>Goes on from the checkpoint beside the output, if there is one.</summary>
    /// <exception cref="UsageException">It was made with other options.</exception>
    private bool Resume()
    {
        string path = CheckpointPath(_setup.Options.Output!);
        if (!File.Exists(path))
        {
            _log.LogWarning("{Path}: no checkpoint; training starts from the beginning", path);
            return false;
        }
        using var checkpoint = LoadCheckpoint(path);
        var state = TrainerState.Parse(checkpoint.TrainingJson, path);
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
        _optimizer.Restore(name => State(checkpoint, name));
        _optimizer.Steps = state.OptimizerSteps;
        Trainer.Restore(
            state, state.BestEpoch > 0 ? Run(checkpoint, BestName) : null,
            state.Averaged > 0 ? Run(checkpoint, AverageName) : null);
        _secondsBefore = state.Seconds;
        _log.LogInformation(
            "resumed after epoch {Epoch}, step {Step}", state.Epoch, state.Step);
        return true;
    }

    private static Checkpoint LoadCheckpoint(string path)
    {
        try
        {
            return CheckpointFile.Load(path);
        }
        catch (DataException error)
        {
            throw new DataException(
                $"{error.Message}; without --resume training starts again, and replaces it", error);
        }
    }

    private void FindRate(CancellationToken cancel)
    {
        var search = RateFinder.Run(
            Model, _setup.Task, CreateOptimizer, _setup.Settings, _setup.Data, cancel);
        Trainer.State.FoundRate = search.Rate;
        _log.LogInformation(
            "learning rate {Rate}, found in a sweep of {Steps} steps up to {Highest}",
            search.Rate.ToString(CultureInfo.InvariantCulture), search.Points.Count,
            search.Points[^1].Rate.ToString("0.##e0", CultureInfo.InvariantCulture));
        if (_setup.Options.RatePlotFile is { } path)
        {
            RatePlot.Write(path, _setup.Options.Model, search);
        }
    }

    private Optimizer CreateOptimizer() => new(_setup.Optimizer, Model.Weights, Model.Device)
    {
        ClipValue = _setup.Options.ClipValue,
        L1 = _setup.Options.L1,
    };

    /// <summary>Trains until done. False: interrupted, and the state is saved.</summary>
    /// <exception cref="DeviceMemoryException">There is no room for a single sample.</exception>
    public bool Train(FitEvents events, Action<EpochRecord> epochDone)
    {
        try
        {
            return RunEpochs(events, epochDone);
        }
        catch (Exception error) when (MemoryPlan.IsShortage(error))
        {
            throw MemoryPlan.TooLarge(_setup, Model.Device, error);
        }
    }

    private bool RunEpochs(FitEvents events, Action<EpochRecord> epochDone)
    {
        var options = _setup.Options;
        while (!Trainer.Done && !OutOfTime())
        {
            var record = Trainer.RunEpoch(events.Progress, events.Cancel);
            if (record is not null)
            {
                _log.LogDebug(
                    "epoch {Epoch}: steps waited {Waited:F2} of {All:F2} s for data",
                    record.Epoch, Trainer.Waited.TotalSeconds, Trainer.Stepped.TotalSeconds);
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
                TrySaveCheckpoint();
            }
        }
        return true;
    }

    /// <summary>A disk that is full for a while is no reason to lose what was learnt.</summary>
    private void TrySaveCheckpoint()
    {
        try
        {
            SaveCheckpoint();
        }
        catch (DlException error) when (error is not (DeviceException or DataException))
        {
            _sinceCheckpoint.Restart();
            _log.LogWarning(
                "{Why}; training goes on, --resume would go on from before", error.Message);
        }
    }

    /// <summary>After training: the best weights are in place.</summary>
    public void Finish() => Trainer.UseBest();

    /// <summary>Writes the finished model; then no checkpoint is left.</summary>
    /// <exception cref="DlException">It cannot be written; a checkpoint stays.</exception>
    public void Save(ModelDocument document)
    {
        if (_setup.Options.Output is not { } output)
        {
            return;
        }
        string checkpoint = CheckpointPath(output);
        try
        {
            ModelFile.Save(output, document, Model);
        }
        catch (DlException error) when (File.Exists(checkpoint))
        {
            throw new DlException(
                $"{error.Message}; mend that, and the same line with --resume goes on from "
                + checkpoint, error);
        }
        AtomicFile.Delete(checkpoint);
    }

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
        if (Trainer.AverageWeights is { } average)
        {
            tensors.Add((AverageName, average));
        }
        CheckpointFile.Save(
            CheckpointPath(output), FitDocument.Create(_setup, Trainer.State, _fingerprint), Model,
            tensors, JsonSerializer.Serialize(state, TrainerStateJson.Default.TrainerState));
        _sinceCheckpoint.Restart();
    }

    public void Dispose()
    {
        Trainer.Dispose();
        _optimizer.Dispose();
        Model.Dispose();
    }

    private float[] Run(Checkpoint checkpoint, string name)
    {
        var values = State(checkpoint, name);
        return values.Length == Model.Weights.Length
            ? values
            : throw new DataException(
                $"{checkpoint.File.Path}: '{name}' does not fit the model; remove the checkpoint "
                + "to start again");
    }

    private static float[] State(Checkpoint checkpoint, string name) =>
        checkpoint.ReadState(name) ?? throw new DataException(
            $"{checkpoint.File.Path}: has no '{name}'; remove the checkpoint to start again");

    /// <summary>Which weights are pulled to 0 and which are not.</summary>
    private void SayWhatDecays()
    {
        var (decay, l1) = (_setup.Optimizer["weight_decay"], _setup.Options.L1);
        if (decay == 0 && l1 == 0)
        {
            return;
        }
        var pulled = Model.Weights.All.Where(p => p.Spec.Trains && p.Spec.Decays).ToList();
        int others = Model.Weights.All.Count(p => p.Spec.Trains && !p.Spec.Decays);
        string both = decay > 0 && l1 > 0 ? " and " : "";
        string what = (decay > 0 ? FormattableString.Invariant($"weight decay {decay}") : "")
            + both + (l1 > 0 ? FormattableString.Invariant($"L1 {l1}") : "");
        _log.LogInformation(
            "{What} on {Weights} weights ({Numbers}), not on {Others} biases, norms and embeddings",
            what, pulled.Count, Count(pulled.Sum(p => p.Spec.Shape.Count)), others);
    }

    /// <summary>`1.2 M numbers`, `45 k numbers`, `128 numbers`.</summary>
    private static string Count(long numbers) => numbers switch
    {
        >= 1_000_000 => FormattableString.Invariant($"{numbers / 1e6:0.#} M numbers"),
        >= 10_000 => FormattableString.Invariant($"{numbers / 1e3:0.#} k numbers"),
        _ => $"{numbers} numbers",
    };

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
