// `--from BASE.dlm`: training starts from the weights of another model, where name and shape are
// the same; what does not fit (a last layer for other labels) starts afresh. Preprocessing, labels
// and graph are those of the new run.
using System.Security.Cryptography;
using Dl.Files;
using Dl.Models;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

internal static class Transfer
{
    /// <summary>Copies what fits into a model whose weights have been initialised.</summary>
    /// <exception cref="UsageException">Nothing fits.</exception>
    /// <exception cref="DataException">The file is damaged or no model.</exception>
    public static void Apply(string path, Model model, ILogger log)
    {
        using var loaded = ModelFile.Load(path);
        var (taken, fresh) = (new List<string>(), new List<string>());
        var values = Array.Empty<float>();
        foreach (var parameter in model.Weights.All)
        {
            var shape = parameter.Spec.Shape;
            var stored = loaded.File.Contains(parameter.Name)
                ? loaded.File.Find(parameter.Name) : null;
            if (stored is null
                || !stored.Shape.AsSpan().SequenceEqual(ModelFile.Extents(shape)))
            {
                fresh.Add(stored is null ? parameter.Name
                    : $"{parameter.Name} ({stored.ShapeText} there, {shape} here)");
                continue;
            }
            int count = (int)shape.Count;
            values = values.Length < count ? new float[count] : values;
            loaded.File.ReadFloats(parameter.Name, values.AsSpan(0, count));
            model.Device.Write(parameter.Tensor.Storage, values.AsSpan(0, count));
            taken.Add(parameter.Name);
        }
        if (taken.Count == 0)
        {
            throw new UsageException(
                $"--from {path}: none of its weights has a name and a shape of this model; "
                + $"it has {Names([.. loaded.File.Tensors.Select(t => t.Name)])}, this one "
                + $"{Names(fresh)}; give the --model that it was trained as");
        }
        log.LogInformation("from {Path}: {Taken}", path, Names(taken));
        if (fresh.Count > 0)
        {
            log.LogInformation("starting afresh: {Fresh}", Names(fresh));
        }
        WarnOfInput(path, loaded, model.Plan.Input, log);
    }

    /// <summary>What tells one base from another, wherever it lies.</summary>
    public static string Fingerprint(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream).AsSpan(0, 8));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"--from {path}: cannot be read ({error.Message})", error);
        }
    }

    private static void WarnOfInput(string path, LoadedModel loaded, Shape input, ILogger log)
    {
        if (loaded.Plan.Input != input)
        {
            log.LogWarning(
                "{Path}: was trained on inputs of {Before}, here they are {Now}; its weights may "
                + "mean less", path, loaded.Plan.Input, input);
        }
    }

    private static string Names(List<string> names)
    {
        const int Most = 12;
        return names.Count <= Most ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(Most))}, ... ({names.Count})";
    }
}
