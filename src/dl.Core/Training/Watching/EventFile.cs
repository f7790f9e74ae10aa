// `--tensorboard DIR`: an event file as TensorBoard reads it. The file is a row of records,
//   length (u64), masked CRC-32C of the length (u32), data, masked CRC-32C of the data (u32),
// little-endian; the data are protocol buffers: Event { double wall_time = 1; int64 step = 2;
// string file_version = 3; Summary summary = 5 }, Summary { repeated Value value = 1 }, Value
// { string tag = 1; float simple_value = 2; Image image = 4; HistogramProto histo = 5;
// TensorProto tensor = 8; SummaryMetadata metadata = 9 }. Written as training goes and flushed
// after each event, so that a run can be watched.
using System.Buffers.Binary;
using Dl.Files;

namespace Dl.Training.Watching;

/// <summary>Appends events to one file of a run's folder.</summary>
internal sealed class EventFile : IDisposable
{
    private readonly LiveFile _file;

    /// <param name="folder">Made if it is not there; a file of this name is added to it.</param>
    /// <exception cref="DlException">It cannot be written.</exception>
    public EventFile(string folder)
    {
        CreateFolder(folder);
        // Readers take every file with `tfevents` in its name, in the order of their names.
        _file = new LiveFile(Path.Combine(
            folder,
            $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}"
                + $".dl.{Environment.ProcessId}.0"));
        var version = new ProtoWriter();
        version.Text(3, "brain.Event:2");
        Append(0, version);
        if (_file.Failure is not null)
        {
            _file.Close();
        }
    }

    /// <summary>Makes the folder, before hours of work go into what it is for.</summary>
    /// <exception cref="DlException">It is a file, or cannot be made or written to.</exception>
    public static void CreateFolder(string folder)
    {
        try
        {
            DiskOperations.Current.CreateFolder(folder);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            string why = File.Exists(folder) ? "it is a file" : FileError.Explain(error);
            throw new DlException(
                $"{folder}: event files cannot be written there: {why}; give a folder", error);
        }
        AtomicFile.CheckWritable(Path.Combine(folder, "events.out.tfevents"));
    }

    /// <exception cref="DlException">An event could not be written.</exception>
    public void Close() => _file.Close();

    public void Scalar(string tag, long step, double value)
    {
        var item = Tagged(tag);
        item.Single(2, (float)value);
        Summary(step, item);
    }

    public void Histogram(string tag, long step, Histogram histogram)
    {
        var limits = new double[histogram.Counts.Length];
        var counts = new double[limits.Length];
        for (int i = 0; i < limits.Length; i++)
        {
            (limits[i], counts[i]) = (histogram.Limit(i), histogram.Counts[i]);
        }
        var proto = new ProtoWriter();
        proto.Double(1, histogram.Min);
        proto.Double(2, histogram.Max);
        proto.Double(3, histogram.Count);
        proto.Double(4, histogram.Sum);
        proto.Double(5, histogram.SumOfSquares);
        proto.Doubles(6, limits);
        proto.Doubles(7, counts);
        var item = Tagged(tag);
        item.Message(5, proto);
        Summary(step, item);
    }

    /// <summary>Markdown for the text tab.</summary>
    public void Text(string tag, long step, string markdown)
    {
        const int StringType = 7;
        var tensor = new ProtoWriter();
        tensor.Number(1, StringType);
        tensor.Message(2, new ProtoWriter());
        tensor.Text(8, markdown);
        var plugin = new ProtoWriter();
        plugin.Text(1, "text");
        var metadata = new ProtoWriter();
        metadata.Message(1, plugin);
        var item = Tagged(tag);
        item.Message(8, tensor);
        item.Message(9, metadata);
        Summary(step, item);
    }

    public void Dispose() => _file.Dispose();

    private static ProtoWriter Tagged(string tag)
    {
        var item = new ProtoWriter();
        item.Text(1, tag);
        return item;
    }

    private void Summary(long step, ProtoWriter value)
    {
        var summary = new ProtoWriter();
        summary.Message(1, value);
        var content = new ProtoWriter();
        content.Message(5, summary);
        Append(step, content);
    }

    private void Append(long step, ProtoWriter content)
    {
        var proto = new ProtoWriter();
        proto.Double(1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);
        proto.Number(2, (ulong)step);
        proto.Raw(content.Written);
        var data = proto.Written;
        var record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(
            record.AsSpan(8), Crc32c.Masked(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(
            record.AsSpan(12 + data.Length), Crc32c.Masked(data));
        _file.Write(record);
    }
}
