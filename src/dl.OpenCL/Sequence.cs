// Lengths of padded sequences on kernels/sequence.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void SequenceLengths(
        Storage x, Storage lengths, int batch, int steps, int features, int padding)
    {
        if (batch > 0)
        {
            Find("sequence", "sequence_lengths").Arg(x).Arg(lengths).Arg(batch)
                .Arg(steps).Arg(features).Arg(padding)
                .Over(batch, Grain((long)steps * features));
        }
    }
}
