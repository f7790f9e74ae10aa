// JSON lines: what is a row, what is missing, what is refused and where; and that a model neither
// learns nor answers otherwise than from the same table as CSV.
using System.IO.Compression;
using System.IO.Pipes;
using System.Text;
using Dl.Data.Formats;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class JsonLinesTests
{
    private static IRowReader Reader(string text, string[]? columns = null) => new JsonLinesReader(
        new MemoryStream(Encoding.UTF8.GetBytes(text)), "t.jsonl", columns);

    private static DataSplits Split(string path, ILogger? log = null, bool skip = false) =>
        TrainingData.Open(
            new DataOptions { Inputs = [path], SkipBad = skip }, log ?? NullLogger.Instance)
            .Split();

    private static List<InputRecord> Predict(
        Preprocessing preprocessing, string path, bool score = false, bool skip = false)
    {
        using PredictionInput input = PredictionInput.Open(
            preprocessing, [path], new() { NeedTarget = score, SkipBad = skip },
            NullLogger.Instance);
        return [.. input.Read()];
    }

    private static float[] Features(IDataset data, int index)
    {
        var features = new float[data.FeatureShape.Count];
        data.Read(index, features, new float[data.TargetWidth]);
        return features;
    }

    [Theory]
    [InlineData("{\"a\":1,\"b\":\"x\"}\n{\"b\":\" y \",\"a\":-2.5e3}\n")]
    [InlineData("\uFEFF{\"a\":1,\"b\":\"x\"}\r\n{\"a\":-2.5e3,\"b\":\"y\"}\r\n")]
    [InlineData("\n  {\"a\": 1, \"b\": \"x\"}  \n\n{\"\\u0061\": -2.5e3, \"b\": \"y\"}")]
    public void ObjectsAreRowsInAnyOrderOfTheirKeys(string text)
    {
        using IRowReader reader = Reader(text);
        Assert.True(reader.Read());
        Assert.Equal(["a", "b"], reader.Names!);
        Assert.Equal(["1", "x"], reader.Row());
        Assert.True(reader.Read());
        Assert.Null(reader.Problem);
        Assert.Equal(["-2.5e3", "y"], reader.Row());
        Assert.False(reader.Read());
    }

    [Fact]
    public void KeysInsideAreJoinedAndNullAndAbsentOnesAreMissing()
    {
        using IRowReader reader = Reader(
            "{\"a\":{\"b\":{\"c\":1},\"d\":true}}\n{\"a\":{\"d\":null},\"e\":false}\n{}\n");
        reader.Read();
        Assert.Equal(["1", "true"], reader.Row());
        reader.Read();
        Assert.Equal(["a.b.c", "a.d", "e"], reader.Names!);
        Assert.Equal(["", "", "false"], reader.Row());
        reader.Read();
        Assert.Equal(["", "", ""], reader.Row());
    }

    [Theory]
    [InlineData("{\"a\":[1],\"b\":2}", "t.jsonl:2: key 'a' holds an array, expected")]
    [InlineData("{\"a\":1,\"a\":2}", "t.jsonl:2: key 'a' is there twice")]
    [InlineData("{\"a.b\":1,\"a\":{\"b\":2}}", "t.jsonl:2: key 'a.b' is there twice")]
    [InlineData("{\"\":1}", "t.jsonl:2: a key is empty")]
    [InlineData("{\"a\":1", "t.jsonl:2: byte 7: ")]
    [InlineData("{\"a\":NaN}", "with null for what is missing")]
    [InlineData("{\"a\":1}{\"a\":2}", "expected one complete JSON object a line")]
    [InlineData("[{\"a\":1}]", "t.jsonl:2: an array, expected one JSON object a line")]
    [InlineData("a,b", "t.jsonl:2: no object, expected one JSON object a line")]
    [InlineData("{\"a\":\"\\ud800\"}", "t.jsonl:2: a text is not valid UTF-8")]
    public void ABadLineIsNamedAndTheNextOneIsRead(string line, string message)
    {
        using IRowReader reader = Reader($"{{\"a\":0}}\n{line}\n{{\"a\":3}}\n");
        reader.Read();
        Assert.Null(reader.Problem);
        Assert.True(reader.Read());
        Assert.Contains(message, reader.Problem?.Message);
        Assert.True(reader.Read());
        Assert.Null(reader.Problem);
        Assert.Equal("3", reader[0]);
    }

    [Fact]
    public void DeepNestingIsRefused()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 100_000));
        using IRowReader reader = Reader(deep);
        Assert.True(reader.Read());
        Assert.Contains("byte", reader.Problem?.Message);
    }

    [Fact]
    public void OtherTextThanUtf8IsRefused()
    {
        using IRowReader reader = new JsonLinesReader(
            new MemoryStream([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("{\"a\":1}\n")]), "t", null);
        var error = Assert.Throws<DataException>(() => reader.Read());
        Assert.Contains("UTF-16", error.Message);
    }

    [Fact]
    public void ALineWithoutEndIsRefused()
    {
        using IRowReader reader = new JsonLinesReader(
            new MemoryStream(new byte[ByteLines.MaxLength * 2]), "t", null);
        var error = Assert.Throws<DataException>(() => reader.Read());
        Assert.Contains("t:1: a line of more than", error.Message);
    }

    [Fact]
    public void LinesLongerThanABlockAreWhole()
    {
        string[] texts = [new('x', 70_000), new('y', 200_000), "z", new('w', 65_536)];
        using IRowReader reader = Reader(
            string.Concat(texts.Select(t => $"{{\"a\":\"{t}\"}}\n")).TrimEnd());
        foreach (string text in texts)
        {
            Assert.True(reader.Read());
            Assert.Equal(text, reader[0]);
        }
        Assert.False(reader.Read());
    }

    [Fact]
    public void KeysNobodyWantsArePassedOver()
    {
        using IRowReader reader = Reader(
            "{\"z\":[1],\"a\":1,\"b\":{\"c\":2,\"q\":[]}}\n{\"y\":1,\"a\":5}\n{\"z\":1}\n",
            ["a", "b.c"]);
        reader.Read();
        Assert.Null(reader.Problem);
        Assert.Equal(["1", "2"], reader.Row()[..2]);
        int count = reader.Count;
        reader.Read();
        Assert.Equal((count, "5", ""), (reader.Count, reader[0], reader[1]));
        reader.Read();
        Assert.Contains("none of the keys that the model knows", reader.Problem?.Message);
    }

    private const string Csv =
        "id,size,color,deep.x,label\n11,1,red,5,yes\n12,2,blue,,no\n13,,red,7,yes\n"
        + "14,4,blue,8,no\n";

    private const string Json =
        "{\"id\":11,\"size\":1,\"color\":\"red\",\"deep\":{\"x\":5},\"label\":\"yes\"}\n"
        + "{\"label\":\"no\",\"color\":\"blue\",\"size\":2.0,\"id\":12}\n"
        + "{\"id\":13,\"size\":null,\"color\":\"red\",\"deep\":{\"x\":7},\"label\":\"yes\"}\n"
        + "{\"id\":14,\"size\":4,\"color\":\"blue\",\"deep\":{\"x\":8},\"label\":\"no\"}\n";

    [Fact]
    public void TrainingAndPredictionAreThoseOfCsv()
    {
        using var folder = new TemporaryFolder();
        string csv = folder.Write("t.csv", Csv), json = folder.Write("t.ndjson", Json);
        DataSplits expected = Split(csv), given = Split(json);
        var table = (TablePreprocessing)given.Preprocessing;
        Assert.Equal(((TablePreprocessing)expected.Preprocessing).Source, table.Source);
        Assert.Equal("label", table.Target.Names[0]);
        Assert.Equal("id", table.IdColumn);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(Features(expected.Train, i), Features(given.Train, i));
            Assert.Equal($"{json}:{i + 1}", given.Train.Locate(i));
        }
        List<InputRecord> fromCsv = Predict(expected.Preprocessing, csv, score: true);
        List<InputRecord> fromJson = Predict(expected.Preprocessing, json, score: true);
        Assert.Equal(fromCsv.Select(r => r.Id), fromJson.Select(r => r.Id));
        Assert.Equal(fromCsv.Select(r => r.Target), fromJson.Select(r => r.Target));
        Assert.Equal(fromCsv.Select(r => r.Features), fromJson.Select(r => r.Features));
        Assert.Equal(
            fromCsv.Select(r => r.Features), Predict(table, csv).Select(r => r.Features));
    }

    [Fact]
    public void AKeyThatComesLateIsMissingBeforeAndNotTheTarget()
    {
        using var folder = new TemporaryFolder();
        var text = new StringBuilder();
        for (int i = 0; i < 400; i++)
        {
            string late = i >= 300 ? $",\"late\":{i}" : "";
            text.Append($"{{\"x\":{i}.5,\"kind\":\"{"ab"[i % 2]}\"{late}}}\n");
        }
        DataSplits splits = Split(folder.Write("t.jsonl", text.ToString()));
        var table = (TablePreprocessing)splits.Preprocessing;
        Assert.Equal("kind", table.Target.Names[0]);
        Assert.Equal(["x", "late"], table.Columns.Select(c => c.Name));
        Assert.True(table.Columns[1].MissingFlag);
    }

    [Fact]
    public void ObjectsThatShareNoKeysAreRefusedBeforeTheyFillTheMemory()
    {
        using var folder = new TemporaryFolder();
        var text = new StringBuilder();
        for (int i = 0; i < 20_000; i++)
        {
            text.Append($"{{\"k{i}\":1}}\n");
        }
        string path = folder.Write("t.jsonl", text.ToString());
        var error = Assert.Throws<DataException>(() => Split(path));
        Assert.Contains("is a key really a value?", error.Message);
    }

    [Fact]
    public void BadLinesAreLeftOutWhereAsked()
    {
        using var folder = new TemporaryFolder();
        string[] lines = Json.Split('\n');
        string path = folder.Write(
            "t.jsonl",
            string.Join('\n', [lines[0], "{oh", .. lines[1..4], "{\"size\":1e999}", ""]));
        Assert.Contains($"{path}:2: ", Assert.Throws<DataException>(() => Split(path)).Message);
        var log = new ListLogger();
        DataSplits splits = Split(path, log, skip: true);
        Assert.Equal(4, splits.Train.Count);
        Assert.Contains(log.Lines, l => l.Contains("2 bad"));
        Assert.Equal(4, Predict(splits.Preprocessing, path, skip: true).Count);
    }

    [Fact]
    public void PackedFilesAreReadAndCutOffOnesAreNot()
    {
        using var folder = new TemporaryFolder();
        var text = new StringBuilder();
        for (int i = 0; i < 20_000; i++)
        {
            text.Append($"{{\"x\":{i * 7919 % 10007},\"kind\":\"{"ab"[i % 2]}\"}}\n");
        }
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        foreach (string end in new[] { "gz", "br" })
        {
            var packed = new MemoryStream();
            using (Stream stream = end == "gz"
                ? new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)
                : new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            {
                stream.Write(bytes);
            }
            string whole = folder.Write($"t.jsonl.{end}", packed.ToArray());
            Assert.Equal(18_000, Split(whole).Train.Count);
            string cut = folder.Write(
                $"c.jsonl.{end}", packed.ToArray()[..(int)(packed.Length / 2)]);
            Assert.Contains(
                $"c.jsonl.{end}: the packed data are damaged",
                Assert.Throws<DataException>(() => Split(cut)).Message);
        }
    }

    [Theory]
    [InlineData("\uFEFF\n {\"a\":1}\n", true)]
    [InlineData("a,{b\n1,2\n", false)]
    [InlineData("", false)]
    public void TheFirstByteTellsWhereTheNameDoesNot(string text, bool json)
    {
        foreach (bool packed in new[] { false, true })
        {
            var stream = new MemoryStream();
            using (Stream target = packed
                ? new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true)
                : stream)
            {
                target.Write(Encoding.UTF8.GetBytes(text));
                stream = packed ? stream : new MemoryStream(stream.ToArray());
            }
            stream.Position = 0;
            using IRowReader reader = TableFormats.Open(stream, "stdin", streaming: true);
            Assert.Equal(json, reader is JsonLinesReader);
        }
    }

    [Fact]
    public async Task ARowIsReadAsSoonAsItsLineHasArrived()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(
            PipeDirection.In, server.ClientSafePipeHandle);
        server.Write("{\"a\":0}\n"u8);
        using IRowReader reader = TableFormats.Open(client, "stdin", streaming: true, ["a"]);
        Assert.True(reader.Read());
        for (int i = 0; i < 3; i++)
        {
            // The writer holds the pipe open: a reader that wants more than a line hangs here.
            server.Write(Encoding.UTF8.GetBytes($"{{\"a\":{i}}}\n"));
            Assert.True(await Task.Run(reader.Read).WaitAsync(TimeSpan.FromSeconds(10)));
            Assert.Equal(i.ToString(), reader[0]);
        }
        server.Dispose();
        Assert.False(reader.Read());
    }
}
