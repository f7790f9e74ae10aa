// The smallest model with everything in it, for tests of files and of prediction.
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Dl.Cpu;
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Tests.Files;

internal static class TinyModel
{
    /// <summary>A number, a category of two values: 4 inputs; 3 labels.</summary>
    public static TablePreprocessing Table(TargetSpec? target = null) => new()
    {
        Source = ["size", "colour", "kind"],
        Columns =
        [
            new FeatureColumn { Name = "size", Kind = ColumnKind.Number, Mean = 2.5, Std = 0.5 },
            new FeatureColumn
            {
                Name = "colour", Kind = ColumnKind.Category, Categories = ["grün", "\"red\""],
            },
        ],
        Target = target ?? new TargetSpec
        {
            Kind = TargetKind.Classes, Names = ["kind"], Labels = ["ant", "bee", "cat"],
        },
    };

    public static ModelDocument Document(
        string task = "classification", string loss = "cross_entropy", TargetSpec? target = null,
        int outputs = 3) => new()
        {
            ProgramVersion = "0.1.0",
            Task = task,
            Loss = loss,
            Architecture = "mlp:5",
            Graph = new Graph
            {
                Layers =
                [
                    new Dense { Units = 5, Activation = "relu" },
                    new Dropout { Rate = 0.1f },
                    new Dense { Units = 0, Name = "output" },
                ],
            }.Resolve(new Shape(4), outputs),
            Preprocessing = Table(target),
            Hyperparameters = { ["lr"] = Json("0.001"), ["batch_size"] = Json("32") },
            Seed = 7,
            DataFingerprint = "0123abcd",
            Metrics = new ModelMetrics
            {
                Train = new() { ["loss"] = 0.25, ["accuracy"] = 0.9 },
                Val = new() { ["loss"] = 0.5, ["accuracy"] = double.NaN },
            },
            Epochs = 2,
            BestEpoch = 1,
            History = [new(1, 0.9, 0.8, 0.5, 0.6, 0.001), new(2, 0.7, null, 0.5, null, 0.001)],
        };

    /// <summary>The model with weights that depend on the seed alone.</summary>
    public static Model Create(ModelDocument document, Device device)
    {
        var model = new Model(document.Graph, device);
        model.Weights.Initialize(new Rng(document.Seed));
        return model;
    }

    /// <summary>The bytes of its file.</summary>
    public static byte[] Bytes(ModelDocument? document = null)
    {
        document ??= Document();
        using var folder = new TemporaryFolder();
        using var device = new CpuDevice(1);
        using var model = Create(document, device);
        string path = folder.File("tiny.dlm");
        ModelFile.Save(path, document, model);
        return File.ReadAllBytes(path);
    }

    /// <summary>The bytes of an ensemble of models from seeds in a row.</summary>
    public static byte[] EnsembleBytes(int members)
    {
        using var folder = new TemporaryFolder();
        var paths = new string[members];
        for (int i = 0; i < members; i++)
        {
            paths[i] = folder.File($"{i}.dlm");
            File.WriteAllBytes(paths[i], Bytes(Document() with { Seed = 7 + (ulong)i }));
        }
        string path = folder.File("all.dlm");
        EnsembleFile.Join(path, paths);
        return File.ReadAllBytes(path);
    }

    /// <summary>The same without a checksum, as older versions and other programs write.</summary>
    public static byte[] Unsealed(byte[] bytes)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes.AsSpan(8, length));
        int at = header.IndexOf("\"checksum\"", StringComparison.Ordinal);
        int end = header.IndexOf(',', at) + 1;
        return SafetensorsTests.Container(
            header[..at] + header[end..], bytes[(8 + length)..]);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
