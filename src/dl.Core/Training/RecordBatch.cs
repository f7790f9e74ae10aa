// Rows on their way through a prediction: read by one thread, run by the next, written by a third.
// A few batches go round and round, so a row costs no memory of its own.
using Dl.Data;

namespace Dl.Training;

/// <summary>Up to so many records side by side; grows as far as they come.</summary>
/// <param name="capacity">Records that make it full.</param>
/// <param name="width">Floats of a record's features.</param>
/// <param name="targetWidth">Floats of its target; 0: targets are not wanted.</param>
internal sealed class RecordBatch(int capacity, int width, int targetWidth)
{
    private float[] _features = [];
    private float[] _targets = [];
    private byte[] _ids = [];
    private Row[] _rows = [];
    private int _idBytes;

    /// <param name="IdEnd">End of its id among all ids; negative: the id is the number.</param>
    private readonly record struct Row(int IdEnd, long Number, string File, int Line);

    public int Count { get; private set; }

    public bool IsFull => Count >= capacity;

    /// <summary>The input keeps its reader waiting: these rows are to be answered now.</summary>
    public bool Urgent { get; set; }

    /// <summary>Raw outputs, Count x the task's.</summary>
    public float[] Outputs { get; private set; } = [];

    /// <summary>Count x the columns of uncertainty.</summary>
    public float[] Uncertainty { get; private set; } = [];

    /// <summary>Count x width.</summary>
    public ReadOnlySpan<float> Features => _features.AsSpan(0, Count * width);

    /// <summary>Count x targetWidth.</summary>
    public ReadOnlySpan<float> Targets => _targets.AsSpan(0, Count * targetWidth);

    public void Clear() => (Count, _idBytes, Urgent) = (0, 0, false);

    /// <exception cref="DataException">A target is wanted, and the record has none.</exception>
    public void Add(InputRecord record)
    {
        Grow(ref _features, checked((Count + 1) * width));
        record.Features.CopyTo(_features, Count * width);
        if (targetWidth > 0)
        {
            Grow(ref _targets, (Count + 1) * targetWidth);
            float[] target = record.Target ?? throw new DataException(
                $"{record.Where}: has no label to score against");
            target.CopyTo(_targets, Count * targetWidth);
        }
        Grow(ref _ids, checked(_idBytes + record.IdText.Length));
        record.IdText.CopyTo(_ids.AsSpan(_idBytes));
        _idBytes += record.IdText.Length;
        Grow(ref _rows, Count + 1);
        _rows[Count++] = new Row(
            record.Numbered ? ~_idBytes : _idBytes, record.Number, record.Place.File,
            record.Place.Line);
    }

    /// <summary>Room for what the model answers.</summary>
    public void MakeRoom(int outputs, int uncertainty)
    {
        if (Outputs.Length < Count * outputs)
        {
            Outputs = new float[Count * outputs];
        }
        if (Uncertainty.Length < Count * uncertainty)
        {
            Uncertainty = new float[Count * uncertainty];
        }
    }

    /// <summary>The id of a row is its number; else it is a text.</summary>
    public bool IsNumbered(int row) => _rows[row].IdEnd < 0;

    public long Number(int row) => _rows[row].Number;

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Id(int row)
    {
        int start = row == 0 ? 0 : End(row - 1);
        return _ids.AsSpan(start, End(row) - start);
    }

    /// <summary>For messages: `rows.csv:17`.</summary>
    public string Where(int row) =>
        _rows[row].Line == 0 ? _rows[row].File : $"{_rows[row].File}:{_rows[row].Line}";

    private int End(int row) => _rows[row].IdEnd is < 0 and int end ? ~end : _rows[row].IdEnd;

    private static void Grow<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            long twice = Math.Min(Array.MaxLength, 2L * buffer.Length);
            Array.Resize(ref buffer, (int)Math.Max(length, twice));
        }
    }
}
