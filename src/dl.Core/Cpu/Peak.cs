// Chains of multiply-adds (Ops/Peak.cs): ten vectors at a time.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void MultiplyAddChain(Storage x, int count, int rounds, float a, float b) =>
        SplitRows(
            count / ChainBlock, (long)ChainBlock * rounds, new ChainRange(Floats(x), rounds, a, b));

    private readonly struct ChainRange(float* x, int rounds, float a, float b) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V m = Vector512.Create(a), s = Vector512.Create(b);
            for (int block = from; block < to; block++)
            {
                float* p = x + ((long)block * ChainBlock);
                V v0 = Vector512.Load(p), v1 = Vector512.Load(p + 16);
                V v2 = Vector512.Load(p + 32), v3 = Vector512.Load(p + 48);
                V v4 = Vector512.Load(p + 64), v5 = Vector512.Load(p + 80);
                V v6 = Vector512.Load(p + 96), v7 = Vector512.Load(p + 112);
                V v8 = Vector512.Load(p + 128), v9 = Vector512.Load(p + 144);
                for (int i = 0; i < rounds; i++)
                {
                    v0 = Vector512.FusedMultiplyAdd(v0, m, s);
                    v1 = Vector512.FusedMultiplyAdd(v1, m, s);
                    v2 = Vector512.FusedMultiplyAdd(v2, m, s);
                    v3 = Vector512.FusedMultiplyAdd(v3, m, s);
                    v4 = Vector512.FusedMultiplyAdd(v4, m, s);
                    v5 = Vector512.FusedMultiplyAdd(v5, m, s);
                    v6 = Vector512.FusedMultiplyAdd(v6, m, s);
                    v7 = Vector512.FusedMultiplyAdd(v7, m, s);
                    v8 = Vector512.FusedMultiplyAdd(v8, m, s);
                    v9 = Vector512.FusedMultiplyAdd(v9, m, s);
                }
                v0.Store(p);
                v1.Store(p + 16);
                v2.Store(p + 32);
                v3.Store(p + 48);
                v4.Store(p + 64);
                v5.Store(p + 80);
                v6.Store(p + 96);
                v7.Store(p + 112);
                v8.Store(p + 128);
                v9.Store(p + 144);
            }
        }
    }
}
