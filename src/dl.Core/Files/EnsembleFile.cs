// Several models in one file, whose answers are averaged (Hansen and Salamon 1990; Lakshminarayanan
// 2017). The members read the same prepared input, so their preprocessing has to be the same to the
// last digit; their graphs may differ.
using System.Text.Json;
using Dl.Data;
using Dl.Models;

namespace Dl.Files;

/// <summary>Writes ensembles.</summary>
public static class EnsembleFile
{
    /// <summary>Joins model files, or the members of ensembles, into one file.</summary>
    /// <param name="metrics">Of the ensemble, where they are known.</param>
    /// <returns>The document that was written.</returns>
    /// <exception cref="DataException">A file is no finished model, or does not go with the first.
    /// </exception>
    public static ModelDocument Join(
        string output, IReadOnlyList<string> paths, ModelMetrics? metrics = null)
    {
        FileRoles.Check(
            paths.Select(path => new FileRole("a member", path)), [new FileRole("-o", output)]);
        var models = new List<LoadedModel>();
        try
        {
            foreach (string path in paths)
            {
                models.Add(ModelFile.Load(path));
                CheckSame(models[0], models[^1]);
            }
            var document = Document(models, metrics);
            var sources = new List<TensorSource>();
            int members = 0;
            foreach (var model in models)
            {
                AddMembers(sources, model, members);
                members += model.Plans.Count;
            }
            AtomicFile.Write(output, stream => SafetensorsWriter.WriteSealed(
                stream, [(ModelFile.DocumentKey, ModelJson.Write(document))], sources));
            return document;
        }
        finally
        {
            foreach (var model in models)
            {
                model.Dispose();
            }
        }
    }

    private static ModelDocument Document(List<LoadedModel> models, ModelMetrics? metrics)
    {
        var first = models[0].Document;
        string graph = GraphText(first, 0);
        var members = new List<MemberDocument>();
        foreach (var document in models.Select(m => m.Document))
        {
            for (int i = 0; i < (document.Members?.Length ?? 1); i++)
            {
                var member = document.Members?[i] ?? new MemberDocument
                {
                    Seed = document.Seed, Epochs = document.Epochs, BestEpoch = document.BestEpoch,
                };
                bool same = GraphText(document, i) == graph;
                members.Add(member with
                {
                    Graph = same ? null : document.GraphOf(i),
                    Architecture = same ? null : member.Architecture ?? document.Architecture,
                });
            }
        }
        bool sameData = models.TrueForAll(
            m => m.Document.DataFingerprint == first.DataFingerprint);
        return first with
        {
            Format = ModelDocument.CurrentFormat,
            DataFingerprint = sameData ? first.DataFingerprint : null,
            Metrics = metrics ?? new ModelMetrics(),
            Members = [.. members],
        };
    }

    /// <summary>The weights of a file, under the names of the places that they get.</summary>
    /// <param name="before">Members that are in front of it.</param>
    private static void AddMembers(List<TensorSource> sources, LoadedModel model, int before)
    {
        for (int i = 0; i < model.Plans.Count; i++)
        {
            string from = ModelFile.Prefix(i), to = ModelFile.Prefix(before + i);
            foreach (var step in model.Plans[i].Steps)
            {
                foreach (var spec in step.Parameters)
                {
                    string name = $"{step.Layer.Name}.{spec.Name}";
                    sources.Add(TensorSource.Floats(
                        to + name, ModelFile.Extents(spec.Shape),
                        () => model.File.ReadFloats(from + name)));
                }
            }
            foreach (var spec in model.LossParameters)
            {
                string name = Model.LossPrefix + spec.Name;
                sources.Add(TensorSource.Floats(
                    to + name, ModelFile.Extents(spec.Shape),
                    () => model.File.ReadFloats(from + name)));
            }
        }
    }

    private static void CheckSame(LoadedModel first, LoadedModel other)
    {
        string path = other.File.Path;
        if (other.File.Metadata.ContainsKey(ModelFile.TrainingKey))
        {
            throw new DataException(
                $"{path}: is a checkpoint, expected a finished model; end its training first");
        }
        var (a, b) = (first.Document, other.Document);
        if (a.Task != b.Task || a.Loss != b.Loss)
        {
            throw new DataException(
                $"{path}: is for {b.Task} by {b.Loss}, {first.File.Path} for {a.Task} by "
                + $"{a.Loss}; members have to share both");
        }
        if (Text(a.Preprocessing) != Text(b.Preprocessing))
        {
            throw new DataException(
                $"{path}: prepares its input in another way than {first.File.Path} (columns, "
                + "labels or the samples that were held out differ); train the members on the "
                + "same data with the same --val and --seed, or all at once with --ensemble N");
        }
    }

    private static string Text(Preprocessing preprocessing) =>
        JsonSerializer.Serialize(preprocessing, ModelJson.Default.Preprocessing);

    private static string GraphText(ModelDocument document, int member) =>
        JsonSerializer.Serialize(document.GraphOf(member), ModelJson.Default.Graph);
}
