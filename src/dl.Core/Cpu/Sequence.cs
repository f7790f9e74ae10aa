// Lengths of padded sequences on the managed device.
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void SequenceLengths(
        Storage x, Storage lengths, int batch, int steps, int features, int padding) =>
        SplitRows(batch, (long)steps * features,
            new LengthRange(Ints(x), Floats(lengths), steps, features, padding));

    private readonly struct LengthRange(
        int* x, float* lengths, int steps, int features, int padding) : IRange
    {
        public void Run(int from, int to)
        {
            int size = steps * features;
            for (int b = from; b < to; b++)
            {
                var sample = new ReadOnlySpan<int>(x + ((long)b * size), size);
                int last = sample.LastIndexOfAnyExcept(padding);
                lengths[b] = last < 0 ? 0 : (last / features) + 1;
            }
        }
    }
}
