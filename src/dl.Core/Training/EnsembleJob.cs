// `dl fit --ensemble N`: one member after the other, from seeds in a row, each into a file of its
// own (MODEL.dlm.member1, ...); at the end they are joined and scored together. A run that was
// interrupted finds finished members by their files and goes on with the one that was not.
using System.Globalization;
using System.Text.Json;
using Dl.Data;
using Dl.Files;
using Dl.Models;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

internal static class EnsembleJob
{
    /// <summary>Trains what is not trained yet, and writes the ensemble.</summary>
    public static FitResult Run(
        FitSetup setup, Device device, string fingerprint, FitEvents events, ILogger log)
    {
        var options = setup.Options;
        int members = options.Ensemble!.Value;
        string[] paths = new string[members];
        for (int m = 0; m < members; m++)
        {
            paths[m] = MemberPath(options.Output!, m);
            if (!options.Resume)
            {
                AtomicFile.Delete(paths[m]);
            }
        }
        double seconds = 0;
        for (int m = 0; m < members; m++)
        {
            var member = Member(setup, m, paths[m]);
            if (File.Exists(paths[m]))
            {
                CheckFinished(paths[m], member, fingerprint);
                log.LogInformation("member {Member} of {Members} is finished", m + 1, members);
                continue;
            }
            log.LogInformation(
                "member {Member} of {Members}, seed {Seed}", m + 1, members, member.Settings.Seed);
            var result = FitJob.Train(member, device, fingerprint, events, log);
            seconds += result.Seconds;
            if (result.Interrupted)
            {
                return result with { Output = options.Output, Setup = setup };
            }
        }
        return Join(setup, device, paths, seconds);
    }

    private static string MemberPath(string output, int member) =>
        string.Create(CultureInfo.InvariantCulture, $"{output}.member{member + 1}");

    /// <summary>The training of one member; files beside the model get its number.</summary>
    private static FitSetup Member(FitSetup setup, int member, string path)
    {
        var options = setup.Options;
        return setup with
        {
            Settings = setup.Settings with { Seed = setup.Settings.Seed + (ulong)member },
            Options = options.Numbered(member) with
            {
                Output = path,
                Resume = options.Resume && File.Exists(FitRun.CheckpointPath(path)),
                TimeBudget = options.TimeBudget / options.Ensemble,
            },
        };
    }

    /// <exception cref="UsageException">The member was trained in another way.</exception>
    private static void CheckFinished(string path, FitSetup member, string fingerprint)
    {
        using var loaded = ModelFile.Load(path);
        var (there, here) = (
            loaded.Document, FitDocument.Create(member, new TrainerState(), fingerprint));
        bool same = there.Seed == here.Seed && there.DataFingerprint == here.DataFingerprint
            && Course(there) == Course(here);
        if (!same)
        {
            throw new UsageException(
                $"--resume: {path} was made with other data or options; give the same, or remove "
                + "it to train that member again");
        }
    }

    /// <summary>What decides the bits of a model, as text.</summary>
    private static string Course(ModelDocument document) => ModelJson.Write(document with
    {
        ProgramVersion = "",
        Metrics = new ModelMetrics(),
        Epochs = 0,
        BestEpoch = 0,
        History = [],
    });

    private static FitResult Join(FitSetup setup, Device device, string[] paths, double seconds)
    {
        var files = new List<LoadedModel>();
        try
        {
            foreach (string path in paths)
            {
                files.Add(ModelFile.Load(path));
            }
            using var predictor = new Predictor(files, setup.Task, device, null, 0);
            var settings = setup.Settings with
            {
                Loss = setup.Settings.Loss with { Learnt = predictor.LossWeights },
            };
            var evaluator = new Evaluator(device, predictor.Forward, setup.Task, settings);
            Scores? Of(IDataset? data) =>
                data is { Count: > 0 } ? new Scores(evaluator.Run(data, new Rng(0))) : null;
            var first = files[0].Document;
            var result = new FitResult(
                setup.Options.Model, files.Max(f => f.Document.Epochs), first.BestEpoch, seconds,
                device.Name, Of(setup.Data.Scored ?? setup.Data.Train),
                Of(setup.Data.Validation), Of(setup.Data.Test),
                [], false, setup.Options.Output, setup, [])
            {
                Members = [.. files.Select(f => f.Document)],
            };
            EnsembleFile.Join(setup.Options.Output!, paths, FitDocument.Metrics(result));
            foreach (string path in paths)
            {
                AtomicFile.Delete(path);
            }
            return result;
        }
        finally
        {
            foreach (var file in files)
            {
                file.Dispose();
            }
        }
    }
}
