// The optimisers' updates, formula by formula as Ops/OptimizerStep.cs states them.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void SgdStep(
        Storage w, Storage g, Storage? v, int n, float rate, float momentum, float decay,
        bool nesterov) =>
        Split(n, Grain / 2, new SgdRange(
            Floats(w), Floats(g), v is null ? null : Floats(v), rate, momentum, decay, nesterov));

    public override void AdamStep(
        Storage w, Storage g, Storage m, Storage v, int n, in AdamSettings settings) =>
        Split(n, Grain / 4, new AdamRange(Floats(w), Floats(g), Floats(m), Floats(v), settings));

    private readonly struct SgdRange(
        float* w, float* g, float* v, float rate, float momentum, float decay, bool nesterov)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V step = Vector512.Create(-rate), mu = Vector512.Create(momentum);
            V shrink = Vector512.Create(decay);
            for (int i = from; i < to; i += Lane.Count)
            {
                int count = Math.Min(Lane.Count, to - i);
                V weight = Lane.Load(w + i, count);
                V d = Lane.Load(g + i, count);
                // A decay of 0 must not turn an infinite weight into NaN.
                d = decay == 0 ? d : Vector512.FusedMultiplyAdd(shrink, weight, d);
                if (v != null)
                {
                    V speed = Vector512.FusedMultiplyAdd(mu, Lane.Load(v + i, count), d);
                    Lane.Store(v + i, speed, count);
                    d = nesterov ? Vector512.FusedMultiplyAdd(mu, speed, d) : speed;
                }
                Lane.Store(w + i, Vector512.FusedMultiplyAdd(step, d, weight), count);
            }
        }
    }

    private readonly struct AdamRange(
        float* w, float* g, float* m, float* v, AdamSettings s) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            V b1 = Vector512.Create(s.Beta1), c1 = Vector512.Create(1 - s.Beta1);
            V b2 = Vector512.Create(s.Beta2), c2 = Vector512.Create(1 - s.Beta2);
            V step = Vector512.Create(-s.Rate / s.Correction1);
            V root = Vector512.Create((float)(1 / Math.Sqrt(s.Correction2)));
            V epsilon = Vector512.Create(s.Epsilon);
            V added = Vector512.Create(s.Decoupled ? 0 : s.Decay);
            V kept = Vector512.Create(s.Decoupled ? 1 - (s.Rate * s.Decay) : 1);
            for (int i = from; i < to; i += Lane.Count)
            {
                int count = Math.Min(Lane.Count, to - i);
                V weight = Lane.Load(w + i, count);
                V d = Vector512.FusedMultiplyAdd(added, weight, Lane.Load(g + i, count));
                V first = (b1 * Lane.Load(m + i, count)) + (c1 * d);
                V second = (b2 * Lane.Load(v + i, count)) + (c2 * d * d);
                Lane.Store(m + i, first, count);
                Lane.Store(v + i, second, count);
                V size = Vector512.FusedMultiplyAdd(Vector512.Sqrt(second), root, epsilon);
                weight = Vector512.FusedMultiplyAdd(step, first / size, weight * kept);
                Lane.Store(w + i, weight, count);
            }
        }
    }
}
