// A table on disk is the same table: what is learnt of it, what a model reads of it, and the model.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dl.Cpu;
using Dl.Data.Tables.Storage;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Data.Tests.Storage;

public sealed class SpilledTableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<TrainingData> _open = [];

    public void Dispose()
    {
        _open.ForEach(data => data.Dispose());
        _folder.Dispose();
    }

    /// <param name="spilled">In blocks of 50 rows or so instead of in memory.</param>
    private TrainingData Open(
        string path, bool spilled, DataOptions? options = null, ListLogger? log = null)
    {
        var data = TrainingData.Open(
            (options ?? new DataOptions { Inputs = [] }) with
            {
                Inputs = [path],
                Storage = spilled
                    ? new TableStorage { Memory = 0, Folder = _folder.Root, BlockBytes = 4000 }
                    : new TableStorage(),
            },
            log ?? new ListLogger());
        _open.Add(data);
        return data;
    }

    /// <summary>
    /// Numbers, whole numbers, gaps, a long tail, dates, categories of texts and of both, an id, a
    /// column of free text and one that is constant.
    /// </summary>
    private string Mixture(int rows)
    {
        var rng = new Rng(8, 8);
        var text = new StringBuilder("id,x,n,gap,tail,day,color,grade,words,one,label\n");
        for (int i = 0; i < rows; i++)
        {
            double x = rng.NextNormal();
            string gap = rng.NextInt(4) == 0 ? "" : Text(Math.Round(rng.NextNormal(), 3));
            string day = new DateTime(2020, 1, 1).AddDays(rng.NextInt(900)).ToString("yyyy-MM-dd");
            // `A` comes late, so blocks before it hold only numbers.
            string grade = i > rows / 2 && rng.NextInt(3) == 0 ? "A" : Text(rng.NextInt(4));
            text.Append(
                $"{i},{Text(x)},{rng.NextInt(90)},{gap},{Text(Math.Exp(3 * rng.NextNormal()))},"
                + $"{day},{"rgb"[rng.NextInt(3)]},{grade},word {rng.NextUInt()},7,"
                + $"{(x > 0.3 ? "yes" : "no")}\n");
        }
        return _folder.Write($"mixture{rows}.csv", text.ToString());
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static (float[] Features, float[] Target) Sample(IDataset data, int index)
    {
        var features = new float[data.FeatureShape.Count];
        var target = new float[data.TargetWidth];
        data.Read(index, features, target);
        var again = new float[data.TargetWidth];
        data.ReadTarget(index, again);
        Assert.Equal(target, again);
        return (features, target);
    }

    private static string Json(TrainingData data) =>
        JsonSerializer.Serialize(data.Describe(), DataJson.Default.DataDescription);

    private static void AssertClose(double expected, double actual) =>
        Assert.Equal(expected, actual, 1e-9 * Math.Max(1, Math.Abs(expected)));

    /// <summary>All but the last bits of means and deviations.</summary>
    private static void AssertAlike(Preprocessing memory, Preprocessing disk)
    {
        var (a, b) = ((TablePreprocessing)memory, (TablePreprocessing)disk);
        Assert.Equal(a.IdColumn, b.IdColumn);
        Assert.Equal(a.Columns.Select(c => c.Name), b.Columns.Select(c => c.Name));
        foreach ((FeatureColumn m, FeatureColumn d) in a.Columns.Zip(b.Columns))
        {
            Assert.Equal(
                (m.Kind, m.Transform, m.Fill, m.MissingFlag),
                (d.Kind, d.Transform, d.Fill, d.MissingFlag));
            Assert.Equal(m.Categories, d.Categories);
            AssertClose(m.Mean, d.Mean);
            AssertClose(m.Std, d.Std);
        }
        Assert.Equal(a.Target.Labels, b.Target.Labels);
        Assert.Equal((a.Target.Kind, a.Target.Separator), (b.Target.Kind, b.Target.Separator));
        foreach ((float m, float d) in a.Target.Mean.Concat(a.Target.Std)
            .Zip(b.Target.Mean.Concat(b.Target.Std)))
        {
            Assert.Equal(m, d, 1e-6 * Math.Max(1, Math.Abs(m)));
        }
    }

    private void AssertSame(string path, DataOptions? options = null)
    {
        var (memory, disk) = (new ListLogger(), new ListLogger());
        DataSplits a = Open(path, false, options, memory).Split();
        DataSplits b = Open(path, true, options, disk).Split();
        Assert.Contains(disk.Lines, l => l.Contains("scratch file"));
        Assert.Equal(memory.Lines, disk.Lines.Where(l => !l.Contains("scratch file")));
        AssertAlike(a.Preprocessing, b.Preprocessing);
        foreach ((IDataset? m, IDataset? d) in new[]
            {
                (a.Train, b.Train), (a.Validation, b.Validation), (a.Test, b.Test),
            })
        {
            Assert.Equal(m?.Count, d?.Count);
            for (int i = 0; i < (m?.Count ?? 0); i++)
            {
                Assert.Equal(m!.Locate(i), d!.Locate(i));
                var (expected, actual) = (Sample(m, i), Sample(d, i));
                Assert.Equal(expected.Target, actual.Target, (x, y) => Math.Abs(x - y) < 1e-5);
                Assert.Equal(expected.Features, actual.Features, (x, y) => Math.Abs(x - y) < 1e-5);
            }
        }
    }

    [Fact]
    public void AMixtureOfColumnsIsTheSame() => AssertSame(
        Mixture(1500), new DataOptions { Inputs = [], Test = "0.2", Validation = "0.1" });

    [Theory]
    [InlineData("x", "regression")]
    [InlineData("n", null)]
    [InlineData("grade", null)]
    [InlineData("color", "classification")]
    public void AnyColumnIsTheSameAsATarget(string target, string? task) => AssertSame(
        Mixture(700), new DataOptions { Inputs = [], Target = [target], Task = task });

    [Fact]
    public void SeveralTargetsAndListsOfLabelsAreTheSame()
    {
        var rng = new Rng(3, 1);
        string[] tags = ["red", "big", "old"];
        string path = _folder.Write("tags.csv", "x,a,b,tags\n" + string.Concat(
            Enumerable.Range(0, 600).Select(_ =>
                $"{Text(rng.NextNormal())},{rng.NextInt(2)},{(rng.NextInt(2) == 0 ? "yes" : "no")},"
                + string.Join('|', tags.Where(_ => rng.NextInt(2) == 0)) + "\n")));
        AssertSame(path, new DataOptions { Inputs = [], Target = ["a", "b"] });
        AssertSame(path, new DataOptions { Inputs = [], Target = ["tags"], Task = "multilabel" });
        AssertSame(path, new DataOptions { Inputs = [], Target = ["x", "a"] });
    }

    [Fact]
    public void BadRowsAreNamedAndLeftOutAlike()
    {
        var rng = new Rng(3, 2);
        string path = _folder.Write("bad.csv", "x,y,label\n" + string.Concat(
            Enumerable.Range(0, 900).Select(i =>
                (i == 777 ? "oops" : Text(Math.Round(rng.NextNormal(), 4))) + $",{rng.NextInt(9)},"
                + (i == 311 ? "" : i % 3 == 0 ? "p" : "q") + (i == 500 ? ",9\n" : "\n"))));
        AssertSame(path, new DataOptions { Inputs = [], SkipBad = true });
        var error = Assert.Throws<DataException>(() => Open(path, true));
        Assert.Contains("bad.csv:502", error.Message);
    }

    [Fact]
    public void JsonLinesWithKeysThatComeLateAreTheSame()
    {
        var text = new StringBuilder();
        for (int i = 0; i < 800; i++)
        {
            string late = i > 500 ? $", \"late\": {i % 5}" : "";
            text.Append($"{{\"a\": {i % 13}, \"label\": \"{(i % 2 == 0 ? "u" : "v")}\"{late}}}\n");
        }
        AssertSame(_folder.Write("t.jsonl", text.ToString()));
    }

    /// <summary>One reader gives rows one by one, the other in large blocks.</summary>
    [Fact]
    public void TheOrderOfAnEpochDoesNotDependOnTheReader()
    {
        var (csv, json) = (new StringBuilder("a,b,label\n"), new StringBuilder());
        for (int i = 0; i < 900; i++)
        {
            csv.Append($"{i % 17},{i},{"uv"[i % 2]}\n");
            json.Append($"{{\"a\": {i % 17}, \"b\": {i}, \"label\": \"{"uv"[i % 2]}\"}}\n");
        }
        int[][] orders = [.. new[]
            {
                _folder.Write("o.csv", csv.ToString()), _folder.Write("o.jsonl", json.ToString()),
            }.Select(path => Open(path, true).Split().Train.Order(1, 0))];
        Assert.Equal(orders[0], orders[1]);
        Assert.NotEqual(orders[0], orders[0].Order());
    }

    [Fact]
    public void FoldsAndDescriptionsAreTheSame()
    {
        string path = Mixture(600);
        TrainingData memory = Open(path, false), disk = Open(path, true);
        Assert.Equal(Json(memory), Json(disk));
        foreach ((DataSplits m, DataSplits d) in memory.Folds(3, 2).Zip(disk.Folds(3, 2)))
        {
            AssertAlike(m.Preprocessing, d.Preprocessing);
            for (int i = 0; i < m.Test!.Count; i++)
            {
                Assert.Equal(m.Test.Locate(i), d.Test!.Locate(i));
            }
        }
    }

    /// <summary>
    /// Bit for bit: the same preparation and the same order give the same weights from disk.
    /// </summary>
    [Fact]
    public void ModelsAreTheSameToTheBit()
    {
        string path = Mixture(900);
        IDataset[] data = [.. new[] { false, true }.Select(spilled =>
        {
            TrainingData opened = Open(path, spilled);
            DataSplits first = Open(path, false).Split();
            return opened.View(first.Preprocessing, Part.Train);
        })];
        Assert.Equal(Weights(data[0], epochs: 2), Weights(new Unshuffled(data[1]), epochs: 2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(30)]
    public void ATrainingFromDiskIsTakenUpToTheBit(int stopAfter)
    {
        IDataset data = Open(Mixture(900), true).Split().Train;
        Assert.Equal(Weights(data, epochs: 2), Weights(data, epochs: 2, stopAfter));
    }

    [Fact]
    public void TenThousandColumnsAreRead()
    {
        const int columns = 10_000, rows = 400;
        var rng = new Rng(5, 5);
        var text = new StringBuilder(string.Join(
            ',', Enumerable.Range(0, columns).Select(c => $"x{c}")) + ",label\n");
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                text.Append((char)('0' + rng.NextInt(10))).Append(',');
            }
            text.Append(r % 2 == 0 ? "a\n" : "b\n");
        }
        var data = TrainingData.Open(
            new DataOptions
            {
                Inputs = [_folder.Write("wide.csv", text.ToString())],
                Storage = new TableStorage { Memory = 1 << 20, Folder = _folder.Root },
            },
            new ListLogger());
        _open.Add(data);
        DataSplits splits = data.Split();
        Assert.Equal(columns, splits.Train.FeatureShape.Count);
        Assert.Equal(360, splits.Train.Count);
        int[] order = splits.Train.Order(1, 0);
        Assert.Equal(Enumerable.Range(0, 360), order.Order());
        foreach (int i in order)
        {
            Assert.All(Sample(splits.Train, i).Features, x => Assert.InRange(x, -3, 3));
        }
    }

    [Fact]
    public void TextsThatAreTooManyAreCountedAndNotKept()
    {
        // 80,000 different words in 200,000 rows: categories, of which 65,536 can be told apart,
        // and a moment that is another one in each row.
        var text = new StringBuilder("word,moment,note,label\n");
        var start = new DateTime(2024, 1, 1);
        for (int i = 0; i < 200_000; i++)
        {
            string word = i % 2 == 0 ? $"often{i % 10}" : $"w{i % 160_000}";
            text.Append(
                $"{word},{start.AddSeconds(i):yyyy-MM-ddTHH:mm:ss},note {i},{"ab"[i / 3 % 2]}\n");
        }
        var log = new ListLogger();
        DataSplits splits = Open(
            _folder.Write("texts.csv", text.ToString()), true, log: log).Split();
        var table = (TablePreprocessing)splits.Preprocessing;
        Assert.Equal(["word", "moment"], table.Columns.Select(c => c.Name));
        Assert.Equal(50, table.Columns[0].Categories.Length);
        Assert.Equal(5, table.Columns[0].Categories.Count(c => c.StartsWith("often")));
        Assert.Equal(ColumnTransform.Date, table.Columns[1].Transform);
        Assert.InRange(table.Columns[1].Std, 0.6, 0.7);
        Assert.Contains(log.Lines, l => l.Contains("'note'") && l.Contains("free text"));
    }

    /// <summary>Weights after training, stopped after so many steps and taken up.</summary>
    private static float[] Weights(IDataset data, int epochs, int stopAfter = 0)
    {
        using var device = new CpuDevice(2);
        TargetSpec target = Dl.Tests.Training.MemoryDataset.Classes("no", "yes");
        var task = LearningTask.Create(target, null);
        var (graph, _) = Zoo.Resolve("mlp:16", data.FeatureShape, task.Outputs, 0.1f);
        var splits = new DataSplits(
            data, null, null, new TablePreprocessing { Target = target, Columns = [] });
        var settings = new TrainerSettings(epochs, 32, 0.01, null, 0, 1, new LossSettings(), 2);
        using var model = new Model(graph, device);
        model.Weights.Initialize(new Rng(1, 2), null);
        using var optimizer = new Optimizer(
            Optimizers.Find("adam"), model.Weights, device, null, null);
        TrainerState? state = null;
        for (int part = 0; part < 2; part++)
        {
            using var trainer = new Trainer(model, task, optimizer, settings, splits);
            if (state is not null)
            {
                trainer.Restore(state, null);
            }
            using var stop = new CancellationTokenSource();
            int steps = 0;
            while (!trainer.Done && !stop.IsCancellationRequested)
            {
                trainer.RunEpoch(
                    _ =>
                    {
                        if (part == 0 && ++steps == stopAfter)
                        {
                            stop.Cancel();
                        }
                    },
                    stop.Token);
            }
            state = trainer.State;
        }
        return model.Weights.Snapshot();
    }

    /// <summary>In the order of a table in memory.</summary>
    private sealed class Unshuffled(IDataset data) : IDataset
    {
        public int Count => data.Count;

        public Shape FeatureShape => data.FeatureShape;

        public int TargetWidth => data.TargetWidth;

        public void Read(int index, Span<float> features, Span<float> target) =>
            data.Read(index, features, target);

        public string Locate(int index) => data.Locate(index);
    }
}
