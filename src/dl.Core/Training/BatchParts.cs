// A batch in parts that are computed one after the other, for lack of memory.
using Dl.Data;

namespace Dl.Training;

/// <summary>Cuts batches; its memory serves all of them.</summary>
/// <param name="features">Floats of a sample.</param>
/// <param name="targets">Floats of a sample's target.</param>
internal sealed class BatchParts(int features, int targets)
{
    private Batch? _part;

    /// <summary>Samples [from, from + count) of part <paramref name="index"/>.</summary>
    public static (int From, int Count) Range(int samples, int parts, int index)
    {
        int from = (int)((long)samples * index / parts);
        return (from, (int)((long)samples * (index + 1) / parts) - from);
    }

    /// <summary>A part as a batch of its own, until the next is asked for.</summary>
    public Batch Take(Batch batch, int from, int count)
    {
        if (_part is null || _part.Features.Length < count * features)
        {
            _part = new Batch(count * features, count * targets);
        }
        batch.Features.AsSpan(from * features, count * features).CopyTo(_part.Features);
        batch.Targets.AsSpan(from * targets, count * targets).CopyTo(_part.Targets);
        (_part.Count, _part.First) = (count, batch.First + from);
        return _part;
    }
}
