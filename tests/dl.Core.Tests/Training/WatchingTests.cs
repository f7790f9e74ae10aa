// Event files, histograms, logs drawn as text. Expected bytes and sums come from the formats'
// definitions, not from the code under test.
using System.Buffers.Binary;
using Dl.Files;
using Dl.Tests.Files;
using Dl.Training;
using Dl.Training.Watching;

namespace Dl.Tests.Training;

public sealed class WatchingTests
{
    /// <summary>The check value of CRC-32C, and one of RFC 3720's test vectors.</summary>
    [Fact]
    public void Crc32cHasItsCheckValues()
    {
        Assert.Equal(0xE3069283u, Crc32c.Compute("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32c.Compute(new byte[32]));
    }

    [Fact]
    public void HistogramsCountEveryFiniteValue()
    {
        var histogram = Histogram.Of([-1, 0, 0.5f, 1, float.NaN, float.PositiveInfinity]);
        Assert.Equal(4, histogram.Count);
        Assert.Equal(2, histogram.NotFinite);
        Assert.Equal((-1, 1), (histogram.Min, histogram.Max));
        Assert.Equal(0.125, histogram.Mean, 12);
        Assert.Equal(1, histogram.Limit(histogram.Counts.Length - 1));
        Assert.Equal(1, histogram.Counts[0]);
        Assert.Equal(1, histogram.Counts[^1]);
    }

    [Fact]
    public void ConstantsAndNothingAreHistogramsToo()
    {
        Assert.Equal([3L], Histogram.Of([2, 2, 2]).Counts);
        Assert.Equal(0, Histogram.Of([]).Count);
        Assert.Equal(1, Histogram.Of([float.NaN]).NotFinite);
    }

    /// <summary>Records: length, masked checksum, data, masked checksum; the first is a
    /// version.</summary>
    [Fact]
    public void EventFilesAreRowsOfCheckedRecords()
    {
        using var folder = new TemporaryFolder();
        using (var events = new EventFile(folder.Path))
        {
            events.Scalar("loss/train", 3, 0.5);
            events.Histogram("weights/a", 3, Histogram.Of([1, 2, 3]));
            events.Text("run", 0, "`dl fit`");
        }
        byte[] file = File.ReadAllBytes(Assert.Single(Directory.GetFiles(folder.Path)));
        var records = new List<byte[]>();
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(
                Crc32c.Masked(file.AsSpan(at, 8)),
                BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(
                Crc32c.Masked(data),
                BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            records.Add(data);
            at += 16 + length;
        }
        Assert.Equal(4, records.Count);
        // Field 1 (time, 8 bytes), field 2 (step), field 3: the version.
        Assert.Equal((0x09, 0x10, 0x1A), (records[0][0], records[0][9], records[0][11]));
        Assert.Equal("brain.Event:2"u8, records[0].AsSpan(13));
        // Step 3; a summary with one value: tag, then field 2, the float 0.5.
        Assert.Equal(3, records[1][10]);
        byte[] value = [0x0A, 10, .. "loss/train"u8, 0x15, 0, 0, 0, 0x3F];
        Assert.Equal([0x2A, 19, 0x0A, 17, .. value], records[1][11..]);
    }

    [Fact]
    public void LogsComeBackAsTheyWereWritten()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "log.csv");
        EpochRecord[] epochs =
        [
            new(1, 0.9, 0.8, 0.5, 0.6, 1.25, 0.01), new(2, 0.4, null, 0.75, null, 1.5, 0.001),
        ];
        using (new EpochLog(path, "accuracy", epochs))
        {
        }
        var log = TrainingLog.Read(path);
        Assert.Equal("accuracy", log.Metric);
        Assert.Equal(epochs, log.Epochs);
        // A line that is still being written is left out, a broken one in the middle is not.
        File.AppendAllText(path, "3,0.3");
        Assert.Equal(2, TrainingLog.Read(path).Epochs.Count);
        File.AppendAllText(path, "\n4,0.2,,0.8,,0.1,1\n");
        var error = Assert.Throws<DataException>(() => TrainingLog.Read(path));
        Assert.StartsWith($"{path}:4: '3,0.3' is no line", error.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CurvesAsTextFitTheTerminal(bool plain)
    {
        var epochs = Enumerable.Range(1, 30).Select(e => new EpochRecord(
            e, 1.0 / e, 1.2 / e, 1 - (1.0 / e), null, 1, 0.1));
        string text = TextPlot.Draw(new TrainingLog("accuracy", [.. epochs]), 72, plain);
        string[] lines = text.Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 72));
        Assert.Equal(plain, text.All(char.IsAscii));
        Assert.Contains("validation 0.04", lines[0]);
        Assert.Contains("o", lines[1]);
        Assert.Contains("epoch 30", text);
        Assert.Contains("30 epochs, 30.0 s", text);
        Assert.Equal(
            "no epoch has ended yet\n", TextPlot.Draw(new TrainingLog("loss", []), 80, plain));
    }
}
