// The running average of Ops/Averaging.cs.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Blend(Storage x, Storage y, int n, float t) =>
        Split(n, Grain / 2, new BlendRange(Floats(x), Floats(y), t));

    private readonly struct BlendRange(float* x, float* y, float t) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V share = Vector512.Create(t);
            for (int i = from; i < to; i += Lane.Count)
            {
                int count = Math.Min(Lane.Count, to - i);
                V old = Lane.Load(y + i, count);
                V way = Lane.Load(x + i, count) - old;
                Lane.Store(y + i, Vector512.FusedMultiplyAdd(share, way, old), count);
            }
        }
    }
}
