// MODEL.dlm: a safetensors container with the weights in graph order (`conv2d_1.weight`) and one
// JSON document in the metadata (ModelDocument.cs). A checkpoint is the same file with more tensors
// (runs of optimiser state) and a second document, the trainer's own. An ensemble (EnsembleFile.cs)
// has the weights of further members behind those of the first.
using Dl.Data;
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Files;

/// <summary>Writes and opens model files.</summary>
public static class ModelFile
{
    internal const string DocumentKey = "dl";
    internal const string TrainingKey = "training";

    /// <summary>Writes a model atomically.</summary>
    /// <exception cref="DlException">It cannot be written; the old file is as it was.</exception>
    public static void Save(string path, ModelDocument document, Model model) =>
        AtomicFile.Write(path, stream => SafetensorsWriter.WriteSealed(
            stream, [(DocumentKey, ModelJson.Write(document))], Sources(model)));

    /// <summary>
    /// Opens a model (`-`: stdin). Weights stay on disk until they are asked for.
    /// </summary>
    /// <exception cref="DataException">
    /// Missing, damaged, of a newer format, or no model; names the file.
    /// </exception>
    public static LoadedModel Load(string path)
    {
        var file = SafetensorsFile.Open(path);
        try
        {
            if (!file.Metadata.TryGetValue(DocumentKey, out string? json))
            {
                throw new DataException(
                    $"{path}: holds tensors but no model of dl; expected a file written by "
                    + "`dl fit`");
            }
            return new LoadedModel(ModelJson.Read(json, path), file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What stands before the weights of a member, counted from 0.</summary>
    internal static string Prefix(int member) => member == 0 ? "" : $"member{member + 1}.";

    internal static List<TensorSource> Sources(Model model)
    {
        var sources = new List<TensorSource>();
        foreach (var parameter in model.Weights.All)
        {
            var tensor = parameter.Tensor;
            sources.Add(TensorSource.Floats(
                parameter.Name, Extents(tensor.Shape), tensor.ToArray));
        }
        return sources;
    }

    internal static long[] Extents(Shape shape)
    {
        var extents = new long[shape.Rank];
        for (int i = 0; i < extents.Length; i++)
        {
            extents[i] = shape[i];
        }
        return extents;
    }
}

/// <summary>A model file that is open: its document is read, its weights are not yet.</summary>
public sealed class LoadedModel : IDisposable
{
    internal LoadedModel(ModelDocument document, SafetensorsFile file)
    {
        (Document, File) = (document, file);
        Plans = CheckedPlans();
        CheckWeights();
    }

    public ModelDocument Document { get; }

    public SafetensorsFile File { get; }

    /// <summary>The graph with every shape and weight worked out; of an ensemble the first.
    /// </summary>
    public GraphPlan Plan => Plans[0];

    /// <summary>One a member; of a single model its own.</summary>
    public IReadOnlyList<GraphPlan> Plans { get; }

    /// <summary>Weights that belong to the loss: `loss.NAME`, beside those of the graph.</summary>
    public IReadOnlyList<ParameterSpec> LossParameters { get; private set; } = [];

    /// <summary>The model on a device, its weights as stored.</summary>
    /// <param name="member">Of an ensemble, counted from 0.</param>
    /// <exception cref="DeviceException">The device has no room for it.</exception>
    public Model CreateModel(Device device, int member = 0)
    {
        var model = new Model(Document.GraphOf(member), device, LossParameters);
        try
        {
            LoadWeights(model, member);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Copies the stored weights into a model of the same graph.</summary>
    public void LoadWeights(Model model, int member = 0)
    {
        string prefix = ModelFile.Prefix(member);
        var values = Array.Empty<float>();
        foreach (var parameter in model.Weights.All)
        {
            int count = (int)parameter.Spec.Shape.Count;
            if (values.Length < count)
            {
                values = new float[count];
            }
            File.ReadFloats(prefix + parameter.Name, values.AsSpan(0, count));
            model.Device.Write(parameter.Tensor.Storage, values.AsSpan(0, count));
        }
    }

    public void Dispose() => File.Dispose();

    private GraphPlan[] CheckedPlans()
    {
        try
        {
            var plans = new GraphPlan[Document.Members?.Length ?? 1];
            if (plans.Length == 0 || Document.Members?[0].Graph is not null)
            {
                throw new DataException(
                    $"{File.Path}: its list of members does not begin with its own model; the "
                    + "file is damaged");
            }
            for (int i = 0; i < plans.Length; i++)
            {
                plans[i] = CheckedPlan(Document.GraphOf(i));
            }
            return plans;
        }
        catch (Exception error) when (error is UsageException or OverflowException
            or NullReferenceException)
        {
            // NullReferenceException: a null where the document has to have a list.
            throw new DataException(
                $"{File.Path}: its graph does not fit together: {Reason(error)}", error);
        }
    }

    private GraphPlan CheckedPlan(Graph graph)
    {
        var plan = graph.Plan();
        if (plan.Input != Document.Preprocessing.FeatureShape)
        {
            throw new DataException(
                $"{File.Path}: its graph takes {plan.Input}, its preprocessing gives "
                + $"{Document.Preprocessing.FeatureShape}; the file is damaged");
        }
        CheckTarget(plan);
        return plan;
    }

    /// <summary>Outputs are read by the target's lists, so their lengths have to agree.</summary>
    private void CheckTarget(GraphPlan plan)
    {
        var target = Document.Preprocessing.Target;
        // A number may come with its deviation.
        bool fits = target.Kind == TargetKind.Numeric
            ? target.Mean.Length == target.Width && target.Std.Length == target.Width
                && (plan.Output.Count == target.Width || plan.Output.Count == 2L * target.Width)
            : plan.Output.Count == target.Width
                || (target.Kind == TargetKind.Classes && target.Width == 2
                    && plan.Output.Count == 1);
        if (!fits)
        {
            throw new DataException(
                $"{File.Path}: its graph gives {plan.Output}, its target has {target.Width} "
                + "labels or numbers; the file is damaged");
        }
        if (Document.Preprocessing is ImagePreprocessing image
            && (image.Mean.Length != image.Channels || image.Std.Length != image.Channels))
        {
            throw new DataException(
                $"{File.Path}: has means for {image.Mean.Length} channels of {image.Channels}; "
                + "the file is damaged");
        }
    }

    private static string Reason(Exception error) =>
        error is UsageException ? error.Message : "a part of it is missing or too large";

    /// <summary>Every weight of every graph is there in its shape, and nothing else is.</summary>
    private void CheckWeights()
    {
        var weights = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < Plans.Count; i++)
        {
            foreach (var step in Plans[i].Steps)
            {
                foreach (var spec in step.Parameters)
                {
                    string name = $"{ModelFile.Prefix(i)}{step.Layer.Name}.{spec.Name}";
                    CheckWeight(name, spec);
                    weights.Add(name);
                }
            }
        }
        LossParameters = [.. File.Tensors
            .Where(t => t.Name.StartsWith(Model.LossPrefix, StringComparison.Ordinal)
                && !weights.Contains(t.Name))
            .Select(LossParameter)];
        for (int i = 0; i < Plans.Count; i++)
        {
            foreach (var spec in LossParameters)
            {
                string name = ModelFile.Prefix(i) + Model.LossPrefix + spec.Name;
                CheckWeight(name, spec);
                weights.Add(name);
            }
        }
        if (weights.Count < File.Tensors.Count && !File.Metadata.ContainsKey(ModelFile.TrainingKey))
        {
            throw new DataException(
                $"{File.Path}: holds {File.Tensors.Count} tensors, its graph has {weights.Count} "
                + "weights; it is damaged");
        }
    }

    private ParameterSpec LossParameter(StoredTensor stored) => stored.Shape is [var count]
        && count == Document.Preprocessing.Target.Width
        ? new ParameterSpec(
            stored.Name[Model.LossPrefix.Length..], new Shape((int)count), "zeros", 1, 1, false)
        : throw new DataException(
            $"{File.Path}: '{stored.Name}' is stored as {stored.ShapeText}, its loss needs one "
            + $"number for each of {Document.Preprocessing.Target.Width} targets; it is damaged");

    private void CheckWeight(string name, ParameterSpec spec)
    {
        if (!File.Contains(name))
        {
            throw new DataException(
                $"{File.Path}: lacks '{name}', which its graph needs; it is damaged");
        }
        var stored = File.Find(name);
        if (!stored.Shape.AsSpan().SequenceEqual(ModelFile.Extents(spec.Shape)))
        {
            throw new DataException(
                $"{File.Path}: '{name}' is stored as {stored.ShapeText}, its graph needs "
                + $"{spec.Shape}; it is damaged");
        }
    }
}

/// <summary>A model in the middle of its training.</summary>
public static class CheckpointFile
{
    /// <summary>Writes a checkpoint atomically.</summary>
    /// <param name="state">Flat runs of state by name (`optimizer.m`); no weight's name.</param>
    /// <param name="trainingJson">The trainer's own document.</param>
    /// <exception cref="DlException">It cannot be written; the old file is as it was.</exception>
    public static void Save(
        string path, ModelDocument document, Model model,
        IReadOnlyList<(string Name, float[] Values)> state, string trainingJson)
    {
        var sources = ModelFile.Sources(model);
        foreach (var (name, values) in state)
        {
            sources.Add(TensorSource.Floats(name, [values.Length], () => values));
        }
        AtomicFile.Write(path, stream => SafetensorsWriter.WriteSealed(
            stream,
            [(ModelFile.DocumentKey, ModelJson.Write(document)),
                (ModelFile.TrainingKey, trainingJson)],
            sources));
    }

    /// <summary>Opens a checkpoint; the caller disposes the model, and with it the file.</summary>
    /// <exception cref="DataException">Missing, damaged, or no checkpoint.</exception>
    public static Checkpoint Load(string path)
    {
        var model = ModelFile.Load(path);
        if (model.File.Metadata.TryGetValue(ModelFile.TrainingKey, out string? json))
        {
            return new Checkpoint(model, json);
        }
        model.Dispose();
        throw new DataException(
            $"{path}: is a finished model, not a checkpoint; remove it to start again");
    }
}

/// <summary>An open checkpoint.</summary>
/// <param name="TrainingJson">What the trainer gave to be kept.</param>
public sealed record Checkpoint(LoadedModel Model, string TrainingJson) : IDisposable
{
    public ModelDocument Document => Model.Document;

    public SafetensorsFile File => Model.File;

    public void Deconstruct(
        out ModelDocument document, out SafetensorsFile file, out string trainingJson) =>
        (document, file, trainingJson) = (Document, File, TrainingJson);

    /// <summary>A flat run of state by name; null: there is none of this name.</summary>
    public float[]? ReadState(string name) =>
        File.Contains(name) ? File.ReadFloats(name) : null;

    public void Dispose() => Model.Dispose();
}
