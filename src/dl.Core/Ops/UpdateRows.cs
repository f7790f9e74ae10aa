// The rules by which weights follow gradients, a row each: the same rows stand in
// kernels/optimizer_step.cl. A row gets the weight w and the gradient g (decay and sign are done),
// changes its state in place and returns the new weight. Formulas as torch.optim 1.13 states them
// where it has the rule; what depends on the step alone (bias corrections) is in the numbers k,
// which Training/OptimizerRules.cs makes.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static Dl.Ops.VectorMath;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Ops;

/// <summary>One vector of weights; a, b, c are the rule's state runs, as many as it has.</summary>
internal interface IUpdateRow
{
    static abstract V Next(
        V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k);
}

/// <summary>A row over spans; a, b and c are empty where the rule has fewer runs.</summary>
internal delegate void UpdateLoop(
    Span<float> w, ReadOnlySpan<float> g, Span<float> a, Span<float> b, Span<float> c,
    in UpdateNumbers k);

/// <summary>A rule. Name is also the kernel's; States its runs of memory.</summary>
public sealed class UpdateRule
{
    private UpdateRule(string name, int states, UpdateLoop loop) =>
        (Name, States, Loop) = (name, states, loop);

    public string Name { get; }

    public int States { get; }

    internal UpdateLoop Loop { get; }

    internal static UpdateRule Of<T>(string name, int states)
        where T : struct, IUpdateRow => new(name, states, UpdateLoops.Run<T>);
}

/// <summary>Every rule.</summary>
public static class UpdateRules
{
    public static readonly UpdateRule
        Sgd = UpdateRule.Of<SgdRow>("sgd", 0),
        Momentum = UpdateRule.Of<MomentumRow>("momentum", 1),
        Nesterov = UpdateRule.Of<NesterovRow>("nesterov", 1),
        Adagrad = UpdateRule.Of<AdagradRow>("adagrad", 1),
        Adadelta = UpdateRule.Of<AdadeltaRow>("adadelta", 2),
        RmsProp = UpdateRule.Of<RmsPropRow>("rmsprop", 1),
        RmsPropMomentum = UpdateRule.Of<RmsPropMomentumRow>("rmsprop_momentum", 2),
        RmsPropCentered = UpdateRule.Of<RmsPropCenteredRow>("rmsprop_centered", 2),
        RmsPropCenteredMomentum =
            UpdateRule.Of<RmsPropCenteredMomentumRow>("rmsprop_centered_momentum", 3),
        Adam = UpdateRule.Of<AdamRow>("adam", 2),
        Amsgrad = UpdateRule.Of<AmsgradRow>("amsgrad", 3),
        Adamax = UpdateRule.Of<AdamaxRow>("adamax", 2),
        Nadam = UpdateRule.Of<NadamRow>("nadam", 2),
        Radam = UpdateRule.Of<RadamRow>("radam", 2),
        Lion = UpdateRule.Of<LionRow>("lion", 1),
        Ftrl = UpdateRule.Of<FtrlRow>("ftrl", 2);

    // beta * old + take * new.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Mix(float beta, V old, float take, V value) =>
        Fma(Of(beta), old, Of(take) * value);

    private struct SgdRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k) =>
            w - (Of(k.Rate) * g);
    }

    // a is the velocity; Take1 is 1 in the first step, then 1 - dampening.
    private struct MomentumRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            return w - (Of(k.Rate) * a);
        }
    }

    private struct NesterovRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            return w - (Of(k.Rate) * Fma(Of(k.Beta1), a, g));
        }
    }

    // a is the sum of squares.
    private struct AdagradRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Fma(g, g, a);
            return w - (Of(k.Rate) * g / (Vector512.Sqrt(a) + Of(k.Epsilon)));
        }
    }

    // a is the mean of squared gradients, b that of squared changes.
    private struct AdadeltaRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            V epsilon = Of(k.Epsilon);
            a = Mix(k.Beta2, a, k.Take2, g * g);
            V d = Vector512.Sqrt(b + epsilon) / Vector512.Sqrt(a + epsilon) * g;
            b = Mix(k.Beta2, b, k.Take2, d * d);
            return w - (Of(k.Rate) * d);
        }
    }

    // a is the mean of squares; then the mean where centred; last the velocity.
    private struct RmsPropRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta2, a, k.Take2, g * g);
            return w - (Of(k.Rate) * g / (Vector512.Sqrt(a) + Of(k.Epsilon)));
        }
    }

    private struct RmsPropMomentumRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta2, a, k.Take2, g * g);
            b = Fma(Of(k.Beta1), b, g / (Vector512.Sqrt(a) + Of(k.Epsilon)));
            return w - (Of(k.Rate) * b);
        }
    }

    private struct RmsPropCenteredRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            V size = Deviation(g, ref a, ref b, k);
            return w - (Of(k.Rate) * g / size);
        }

        // Not below 0: of a gradient that never changes, rounding could leave a negative variance.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Deviation(V g, ref V a, ref V b, in UpdateNumbers k)
        {
            a = Mix(k.Beta2, a, k.Take2, g * g);
            b = Mix(k.Beta2, b, k.Take2, g);
            return Vector512.Sqrt(Vector512.Max(a - (b * b), V.Zero)) + Of(k.Epsilon);
        }
    }

    private struct RmsPropCenteredMomentumRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            c = Fma(Of(k.Beta1), c, g / RmsPropCenteredRow.Deviation(g, ref a, ref b, k));
            return w - (Of(k.Rate) * c);
        }
    }

    // Rate = rate / (1 - b1^t), Root = 1 / sqrt(1 - b2^t).
    private struct AdamRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            b = Mix(k.Beta2, b, k.Take2, g * g);
            return w - (Of(k.Rate) * a / Fma(Vector512.Sqrt(b), Of(k.Root), Of(k.Epsilon)));
        }
    }

    private struct AmsgradRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            b = Mix(k.Beta2, b, k.Take2, g * g);
            c = Vector512.Max(c, b);
            return w - (Of(k.Rate) * a / Fma(Vector512.Sqrt(c), Of(k.Root), Of(k.Epsilon)));
        }
    }

    private struct AdamaxRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            b = Vector512.Max(Of(k.Beta2) * b, Vector512.Abs(g) + Of(k.Epsilon));
            return w - (Of(k.Rate) * a / b);
        }
    }

    // Rate is that of the mean, Rate2 that of the gradient itself.
    private struct NadamRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            b = Mix(k.Beta2, b, k.Take2, g * g);
            V d = Fma(Of(k.Rate), a, Of(k.Rate2) * g);
            return w - (d / Fma(Vector512.Sqrt(b), Of(k.Root), Of(k.Epsilon)));
        }
    }

    // Rate in the first steps, while the variance is not to be trusted; then Rate2.
    private struct RadamRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            a = Mix(k.Beta1, a, k.Take1, g);
            b = Mix(k.Beta2, b, k.Take2, g * g);
            V rate = Of(k.Rate) + (Of(k.Rate2) / (Vector512.Sqrt(b) + Of(k.Epsilon)));
            return w - (rate * a);
        }
    }

    private struct LionRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            V d = Mix(k.Beta1, a, k.Take1, g);
            a = Mix(k.Beta2, a, k.Take2, g);
            V step = Select(Vector512.LessThan(d, V.Zero), Of(-k.Rate), Of(k.Rate));
            // The sign of 0 is 0, that of NaN NaN.
            return w - Select(Vector512.Equals(d, V.Zero), V.Zero, step + (d * V.Zero));
        }
    }

    // a is z, b the sum of squares. 1 / eta = (beta + sqrt(b)) / rate: Rate and Rate2 hold 1 / rate
    // of this step and of the one before, Epsilon beta, Take1 l1, Take2 l2. Rate2 is 0 in the first
    // step: then the weights that training starts from are a point of rest like any other.
    private struct FtrlRow : IUpdateRow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Next(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        {
            V before = Of(k.Rate2) * (Of(k.Epsilon) + Vector512.Sqrt(b));
            b = Fma(g, g, b);
            V now = Of(k.Rate) * (Of(k.Epsilon) + Vector512.Sqrt(b));
            a = a + g - ((now - before) * w);
            V rest = Soft(a, Of(k.Take1));
            return -rest / (now + Of(k.Take2));
        }
    }

    /// <summary>sign(x) max(|x| - t, 0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Soft(V x, V t) => x - Vector512.Min(Vector512.Max(x, -t), t);
}

/// <summary>The loop around a row: decay before it, L1 behind it, the rest of a run.</summary>
internal static class UpdateLoops
{
    private const int Lanes = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<T>(
        Span<float> w, ReadOnlySpan<float> g, Span<float> a, Span<float> b, Span<float> c,
        in UpdateNumbers numbers)
        where T : struct, IUpdateRow
    {
        UpdateNumbers k = numbers;
        ref float pw = ref MemoryMarshal.GetReference(w);
        ref float pg = ref MemoryMarshal.GetReference(g);
        ref float pa = ref MemoryMarshal.GetReference(a);
        ref float pb = ref MemoryMarshal.GetReference(b);
        ref float pc = ref MemoryMarshal.GetReference(c);
        bool hasA = a.Length > 0, hasB = b.Length > 0, hasC = c.Length > 0;
        V va = V.Zero, vb = V.Zero, vc = V.Zero;
        nuint i = 0, end = (nuint)(w.Length / Lanes * Lanes);
        for (; i < end; i += Lanes)
        {
            va = hasA ? Vector512.LoadUnsafe(ref pa, i) : va;
            vb = hasB ? Vector512.LoadUnsafe(ref pb, i) : vb;
            vc = hasC ? Vector512.LoadUnsafe(ref pc, i) : vc;
            Step<T>(
                Vector512.LoadUnsafe(ref pw, i), Vector512.LoadUnsafe(ref pg, i),
                ref va, ref vb, ref vc, k).StoreUnsafe(ref pw, i);
            if (hasA)
            {
                va.StoreUnsafe(ref pa, i);
            }
            if (hasB)
            {
                vb.StoreUnsafe(ref pb, i);
            }
            if (hasC)
            {
                vc.StoreUnsafe(ref pc, i);
            }
        }
        int done = (int)end;
        if (done < w.Length)
        {
            va = hasA ? Rest(a[done..]) : va;
            vb = hasB ? Rest(b[done..]) : vb;
            vc = hasC ? Rest(c[done..]) : vc;
            V next = Step<T>(Rest(w[done..]), Rest(g[done..]), ref va, ref vb, ref vc, k);
            Store(next, w[done..]);
            Store(va, hasA ? a[done..] : a);
            Store(vb, hasB ? b[done..] : b);
            Store(vc, hasC ? c[done..] : c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Step<T>(V w, V g, ref V a, ref V b, ref V c, in UpdateNumbers k)
        where T : struct, IUpdateRow
    {
        g *= Of(k.Scale);
        // A decay of 0 must not turn an infinite weight into NaN.
        g = k.Decay == 0 ? g : Fma(Of(k.Decay), w, g);
        w = T.Next(w * Of(k.Keep), g, ref a, ref b, ref c, k);
        return k.Threshold == 0 ? w : UpdateRules.Soft(w, Of(k.Threshold));
    }

    /// <summary>Up to 15 values, filled up with 1 (harmless to every rule).</summary>
    private static V Rest(ReadOnlySpan<float> values)
    {
        Span<float> buffer = stackalloc float[Lanes];
        buffer.Fill(1);
        values.CopyTo(buffer);
        return Vector512.Create<float>(buffer);
    }

    private static void Store(V value, Span<float> target)
    {
        Span<float> buffer = stackalloc float[Lanes];
        value.CopyTo(buffer);
        buffer[..target.Length].CopyTo(target);
    }
}
