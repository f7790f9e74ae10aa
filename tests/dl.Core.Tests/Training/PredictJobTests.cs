// Prediction end to end on a tiny model whose answers can be worked out by hand.
using System.Globalization;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Dl.Cpu;
using Dl.Data;
using Dl.Data.Formats.Parquet;
using Dl.Files;
using Dl.Layers;
using Dl.Models;
using Dl.Tests.Files;
using Dl.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Tests.Training;

public sealed partial class PredictJobTests : IDisposable
{
    private static readonly TargetSpec Kinds = new()
    {
        Kind = TargetKind.Classes, Names = ["kind"], Labels = ["a,b", "\"q\"", "plain"],
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AnswersEveryRowInOrder()
    {
        string[] lines = Predict(Model(Kinds), Table(3000), o => o).TrimEnd('\n').Split('\n');
        Assert.Equal("row,prediction", lines[0]);
        Assert.Equal(3001, lines.Length);
        for (int i = 1; i < lines.Length; i++)
        {
            Assert.StartsWith($"{i},", lines[i]);
        }
        // Scores are (x, -x, 0.1): a large x is the first label, a small one the second.
        Assert.Equal("1,\"\"\"q\"\"\"", lines[1]);
        Assert.Equal("2,plain", lines[2]);
        Assert.Equal("3,\"a,b\"", lines[3]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(5000)]
    public void BatchesDoNotShow(int batch) => Assert.Equal(
        Predict(Model(Kinds), Table(100), o => o with { Probabilities = true }),
        Predict(Model(Kinds), Table(100), o => o with { Probabilities = true, BatchSize = batch }));

    [Fact]
    public void AFinalNewlineDoesNotShow()
    {
        string with = Table(5), without = _folder.File("without.csv");
        File.WriteAllText(without, File.ReadAllText(with).TrimEnd('\n'));
        Assert.Equal(
            Predict(Model(Kinds), with, o => o), Predict(Model(Kinds), without, o => o));
    }

    [Fact]
    public void ProbabilitiesHaveAColumnALabel()
    {
        string[] lines = Predict(
            Model(Kinds), Table(3), o => o with { Probabilities = true, Format = "tsv" })
            .Split('\n');
        Assert.Equal("row\tprediction\tproba_a,b\t\"proba_\"\"q\"\"\"\tproba_plain", lines[0]);
        var values = lines[3].Split('\t')[2..].Select(
            v => double.Parse(v, CultureInfo.InvariantCulture)).ToArray();
        double sum = Math.Exp(1) + Math.Exp(-1) + Math.Exp(0.1);
        Assert.Equal(Math.Exp(1) / sum, values[0], 1e-6);
        Assert.Equal(Math.Exp(-1) / sum, values[1], 1e-6);
        Assert.Equal(Math.Exp(0.1) / sum, values[2], 1e-6);
    }

    [Fact]
    public void TopSortsByProbability()
    {
        string[] lines = Predict(Model(Kinds), Table(3), o => o with { Top = 2 }).Split('\n');
        Assert.Equal("row,label_1,proba_1,label_2,proba_2", lines[0]);
        Assert.Matches("^1,\"\"\"q\"\"\",0\\.\\d+,plain,0\\.\\d+$", lines[1]);
        Assert.Contains("label_3", Predict(Model(Kinds), Table(3), o => o with { Top = 9 }));
    }

    [Fact]
    public void BinaryModelsGiveBothProbabilities()
    {
        var target = new TargetSpec
        {
            Kind = TargetKind.Classes, Names = ["kind"], Labels = ["no", "yes"],
        };
        string[] lines = Predict(
            Model(target, "binary_cross_entropy", 1), Table(3),
            o => o with { Probabilities = true })
            .Split('\n');
        Assert.Equal("row,prediction,proba_no,proba_yes", lines[0]);
        Assert.Equal("1,no,0.7310586,0.2689414", lines[1]);
        Assert.StartsWith("3,yes,0.26894", lines[3]);
    }

    [Fact]
    public void NumbersComeInTheirOwnUnits()
    {
        var target = new TargetSpec
        {
            Kind = TargetKind.Numeric, Names = ["price", "age"], Mean = [1000, 10], Std = [100, 2],
        };
        string model = Model(target, "mse", 2);
        Assert.Equal(
            "row,price,age\n1,900,12\n2,1000,10\n3,1100,8\n", Predict(model, Table(3), o => o));
        Assert.Equal(
            "{\"row\":1,\"price\":900,\"age\":12}\n",
            Predict(model, Table(1), o => o with { Format = "jsonl" }));
        Assert.Throws<UsageException>(
            () => Predict(model, Table(1), o => o with { Probabilities = true }));
        Assert.Throws<UsageException>(() => Predict(model, Table(1), o => o with { Top = 1 }));
    }

    [Fact]
    public void SeveralLabelsAreJoined()
    {
        var target = new TargetSpec
        {
            Kind = TargetKind.MultiLabel, Names = ["p", "q", "r"], Labels = ["p", "q", "r"],
        };
        string model = Model(target, "binary_cross_entropy", 3);
        string[] lines = Predict(model, Table(3), o => o).Split('\n');
        Assert.Equal(["row,prediction", "1,q|r", "2,p|q|r", "3,p|r"], lines[..4]);
        string json = Predict(model, Table(1), o => o with { Format = "jsonl" });
        Assert.Equal("{\"row\":1,\"prediction\":[\"q\",\"r\"]}\n", json);
    }

    [Fact]
    public void JsonLinesParse()
    {
        string text = Predict(
            Model(Kinds), Table(3),
            o => o with { Format = "jsonl", Top = 1, Probabilities = true });
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            using var row = JsonDocument.Parse(line);
            var top = row.RootElement.GetProperty("top")[0];
            string label = row.RootElement.GetProperty("prediction").GetString()!;
            Assert.Equal(label, top.GetProperty("label").GetString());
            Assert.Equal(
                top.GetProperty("proba").GetDouble(),
                row.RootElement.GetProperty("proba").GetProperty(label).GetDouble());
        }
    }

    [Fact]
    public void ParquetHasTypedColumns()
    {
        string path = _folder.File("out.parquet"), model = Model(Kinds), table = Table(3000);
        Predict(model, table, o => o with
        {
            Output = path,
            Format = "parquet",
            Probabilities = true,
            Top = 2,
        });
        string[] lines = Predict(model, table, o => o with { Probabilities = true, Top = 2 })
            .TrimEnd('\n').Split('\n');
        using var file = ParquetFile.Open(File.OpenRead(path), "out.parquet");
        Assert.Equal(
            [
                PhysicalType.Int64, PhysicalType.ByteArray, PhysicalType.Float,
                PhysicalType.ByteArray, PhysicalType.Float, PhysicalType.Float,
                PhysicalType.Float, PhysicalType.Float,
            ],
            file.Columns.Select(c => c.Type));
        Assert.Equal(
            ["row", "label_1", "proba_1", "label_2", "proba_2", "proba_a,b", "proba_\"q\"",
                "proba_plain"],
            file.Columns.Select(c => c.Name));
        ColumnValues[] columns = [.. Enumerable.Range(0, 8).Select(i => file.Read(0, i))];
        Assert.Equal(
            Enumerable.Range(1, 3000).Select(i => (long)i), columns[0].As<long>().ToArray());
        for (int row = 0; row < 3000; row++)
        {
            Assert.EndsWith(
                columns[7].As<float>()[row].ToString("G7", CultureInfo.InvariantCulture),
                lines[row + 1]);
            Assert.Contains(ParquetText.Of(columns[1], row).Trim('"'), lines[row + 1]);
        }
    }

    [Theory]
    [InlineData("rows.csv.gz")]
    [InlineData("rows.csv.br")]
    public void PackedFilesHoldTheSame(string name)
    {
        string path = _folder.File(name);
        Predict(Model(Kinds), Table(3000), o => o with { Output = path });
        using var reader = new StreamReader(Dl.Data.Formats.InputFile.Open(path));
        Assert.Equal(Predict(Model(Kinds), Table(3000), o => o), reader.ReadToEnd());
    }

    [Fact]
    public void ABadRowIsToldWhenThoseBeforeItAreAnswered()
    {
        string table = _folder.File("bad.csv");
        File.WriteAllText(table, "size,colour\n" + string.Concat(Enumerable.Repeat("3,x\n", 5000))
            + "wrong,x\n3,x\n");
        using var output = new MemoryStream();
        Assert.Contains("bad.csv:5002", Assert.Throws<DataException>(
            () => Run(Options(Model(Kinds), table), output)).Message);
        Assert.EndsWith("\n5000,\"a,b\"\n", Encoding.UTF8.GetString(output.ToArray()));
        string skipped = Predict(Model(Kinds), table, o => o with { SkipBad = true });
        // The number is that of the row in the input, so a gap tells which one was left out.
        Assert.EndsWith("\n5000,\"a,b\"\n5002,\"a,b\"\n", skipped);
    }

    [Fact]
    public void AFullOutputStopsTheRun()
    {
        var error = Assert.Throws<IOException>(
            () => Run(Options(Model(Kinds), Table(100_000)), new FullOutput()));
        Assert.Equal("full", error.Message);
    }

    [Fact]
    public void ScoresAgainstTheLabelsOfTheInput()
    {
        string table = Table(300, i => i % 3 == 2 || i % 30 == 0 ? "a,b" : "plain");
        string model = Model(Kinds);
        using var output = new MemoryStream();
        var result = Run(Options(model, table) with { Score = true, Json = true }, output);
        using var json = JsonDocument.Parse(output.ToArray());
        Assert.Single(Encoding.UTF8.GetString(output.ToArray()).TrimEnd('\n').Split('\n'));
        // Rows cycle through q, plain and a,b; the labels agree with the last two but for tenths.
        Assert.Equal(300, json.RootElement.GetProperty("n").GetInt32());
        double accuracy = json.RootElement.GetProperty("metrics").GetProperty("accuracy")
            .GetDouble();
        Assert.Equal(200.0 / 300, accuracy, 1e-9);
        var interval = json.RootElement.GetProperty("ci95").GetProperty("accuracy");
        // Normal approximation: 1.96 * sqrt(2/9 / 300) = 0.053.
        Assert.InRange(interval[0].GetDouble(), accuracy - 0.065, accuracy - 0.04);
        Assert.InRange(interval[1].GetDouble(), accuracy + 0.04, accuracy + 0.065);
        Assert.Equal(300, result.Rows);

        string text = Predict(model, table, o => o with { Score = true });
        Assert.Contains("accuracy", text);
        Assert.DoesNotContain("prediction", text);
        Assert.Equal(text, Predict(model, table, o => o with { Score = true }));
    }

    [Fact]
    public void ScoringNeedsLabels() => Assert.Throws<DataException>(
        () => Predict(Model(Kinds), Table(3), o => o with { Score = true }));

    [Fact]
    public void WritesToAFileAtomically()
    {
        string path = _folder.File("out.csv");
        string text = Predict(Model(Kinds), Table(3), o => o with { Output = path });
        Assert.Equal("", text);
        Assert.Equal(Predict(Model(Kinds), Table(3), o => o), File.ReadAllText(path));
        string bad = _folder.File("bad.csv");
        File.WriteAllText(bad, "size,colour\n1,x\nnonsense,y\n");
        Assert.Throws<DataException>(
            () => Predict(Model(Kinds), bad, o => o with { Output = path }));
        Assert.Equal(4, File.ReadAllLines(path).Length);
    }

    [SkippableFact]
    public void ARowOnAPipeIsAnsweredBeforeTheNextOneComes()
    {
        Skip.If(OperatingSystem.IsWindows(), "redirects stdin by dup2");
        // The options name stdin, so stdin has to be the pipe; nothing else here reads it.
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        int saved = Dup(0);
        Dup2((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), 0);
        pipe.DisposeLocalCopyOfClientHandle();
        using var output = new FlushedOutput();
        var job = Task.Run(() => Run(Options(Model(Kinds), "-"), output));
        using (var writer = new StreamWriter(pipe) { AutoFlush = true })
        {
            writer.Write("size,colour\n");
            for (int i = 1; i <= 3; i++)
            {
                writer.Write("3,x\n");
                Assert.True(output.WaitFor($"{i},\"a,b\"\n"), $"row {i} was not answered");
            }
            Dup2(saved, 0);
        }
        Assert.Equal(3, job.GetAwaiter().GetResult().Rows);
    }

    [Fact]
    public void CancellingStopsIt()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => PredictJob.Run(
            Options(Model(Kinds), Table(3)), new DeviceChooser([new CpuProvider()]),
            new MemoryStream(), NullLogger.Instance, cancel.Token));
    }

    /// <summary>outputs = (x, -x, 0.1), with x = (size - 2.5) / 0.5.</summary>
    private string Model(TargetSpec target, string loss = "cross_entropy", int outputs = 3)
    {
        string task = target.Kind switch
        {
            TargetKind.Classes => "classification",
            TargetKind.MultiLabel => "multilabel",
            _ => "regression",
        };
        var document = TinyModel.Document(task, loss, target, outputs) with
        {
            Graph = new Graph { Layers = [new Dense { Units = 0, Name = "output" }] }
                .Resolve(TinyModel.Table().FeatureShape, outputs),
        };
        using var device = new CpuDevice(1);
        using var model = new Model(document.Graph, device);
        float[] weight = new float[4 * outputs], bias = new float[outputs];
        weight[0] = 1;
        if (outputs > 1)
        {
            weight[1] = -1;
        }
        if (outputs > 2)
        {
            bias[2] = 0.1f;
        }
        device.Write(model.Weights.All[0].Tensor.Storage, weight);
        device.Write(model.Weights.All[1].Tensor.Storage, bias);
        string path = _folder.File("m.dlm");
        ModelFile.Save(path, document, model);
        return path;
    }

    /// <summary>
    /// Sizes 2, 2.5 and 3 (x = -1, 0, 1) by turns; with a label where one is given.
    /// </summary>
    private string Table(int rows, Func<int, string>? label = null)
    {
        string path = _folder.File("table.csv");
        using var writer = new StreamWriter(path);
        writer.Write(label is null ? "size,colour\n" : "size,colour,kind\n");
        for (int i = 0; i < rows; i++)
        {
            string size = (2 + (i % 3 * 0.5)).ToString(CultureInfo.InvariantCulture);
            writer.Write(label is null ? $"{size},x\n" : $"{size},x,\"{label(i)}\"\n");
        }
        return path;
    }

    private static PredictOptions Options(string model, string input) =>
        new() { Model = model, Inputs = [input], Device = "cpu", Threads = 1 };

    private static string Predict(
        string model, string input, Func<PredictOptions, PredictOptions> change)
    {
        using var output = new MemoryStream();
        Run(change(Options(model, input)), output);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static PredictResult Run(PredictOptions options, Stream output) => PredictJob.Run(
        options, new DeviceChooser([new CpuProvider()]), output, NullLogger.Instance, default);

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Dup(int file);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Dup2(int from, int to);

    private sealed class FullOutput : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) =>
            throw new IOException("full");
    }

    /// <summary>What was written counts as seen only when it has been flushed.</summary>
    private sealed class FlushedOutput : MemoryStream
    {
        private string _seen = "";

        public bool WaitFor(string end) => SpinWait.SpinUntil(
            () => Volatile.Read(ref _seen).EndsWith(end, StringComparison.Ordinal),
            TimeSpan.FromSeconds(10));

        public override void Flush() =>
            Volatile.Write(ref _seen, Encoding.UTF8.GetString(ToArray()));
    }
}
