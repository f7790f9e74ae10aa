// Transcendental functions over 16 floats, for the managed device's elementwise rows. Polynomials
// after Cephes (Moshier): relative error of exp and tanh below 3e-7. NaN goes through.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Ops;

internal static class VectorMath
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Fma(V a, V b, V c) => Vector512.FusedMultiplyAdd(a, b, c);

    /// <summary>mask ? a : b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Select(V mask, V a, V b) => Vector512.ConditionalSelect(mask, a, b);

    /// <summary>e^x; 0 below -103, infinity above 88.73.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp(V x)
    {
        // Written as selections that are false for NaN, so NaN stays.
        V limited = Select(Vector512.GreaterThan(x, Of(89f)), Of(89f), x);
        limited = Select(Vector512.LessThan(limited, Of(-104f)), Of(-104f), limited);
        V n = Fma(limited, Of(1.44269504f), Of(12582912f)) - Of(12582912f);
        V r = Fma(n, Of(-0.693359375f), limited);
        r = Fma(n, Of(2.12194440e-4f), r);
        V p = Of(1.9875691500e-4f);
        p = Fma(p, r, Of(1.3981999507e-3f));
        p = Fma(p, r, Of(8.3334519073e-3f));
        p = Fma(p, r, Of(4.1665795894e-2f));
        p = Fma(p, r, Of(1.6666665459e-1f));
        p = Fma(p, r, Of(5.0000001201e-1f));
        p = Fma(p * r, r, r) + Of(1f);
        // 2^n in two halves: n runs from -150 to 128, beyond what one exponent field holds.
        var whole = Vector512.ConvertToInt32Native(n);
        var half = Vector512.ShiftRightArithmetic(whole, 1);
        return p * PowerOfTwo(half) * PowerOfTwo(whole - half);
    }

    /// <summary>log(1 + e) for e >= 0, accurate for small e (Kahan's correction).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log1P(V e)
    {
        V u = e + Of(1f);
        V exact = Vector512.Log(u) * (e / (u - Of(1f)));
        return Select(Vector512.Equals(u, Of(1f)), e, exact);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid(V x) => Of(1f) / (Of(1f) + Exp(-x));

    /// <summary>max(x, 0) + log(1 + e^-|x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Softplus(V x) => Vector512.Max(x, V.Zero) + Log1P(Exp(-Vector512.Abs(x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh(V x)
    {
        V z = Vector512.Abs(x);
        V large = Of(1f) - (Of(2f) / (Exp(z + z) + Of(1f)));
        large = Select(Vector512.LessThan(x, V.Zero), -large, large);
        // Near 0 the difference above cancels; an odd polynomial does not.
        V s = x * x;
        V p = Of(-5.70498872745e-3f);
        p = Fma(p, s, Of(2.06390887954e-2f));
        p = Fma(p, s, Of(-5.37397155531e-2f));
        p = Fma(p, s, Of(1.33314422036e-1f));
        p = Fma(p, s, Of(-3.33332819422e-1f));
        V small = Fma(p * s, x, x);
        return Select(Vector512.LessThan(z, Of(0.625f)), small, large);
    }

    /// <summary>
    /// The error function, absolute error below 2e-7 (Abramowitz and Stegun, 7.1.26).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf(V x)
    {
        V z = Vector512.Abs(x);
        V t = Of(1f) / Fma(z, Of(0.3275911f), Of(1f));
        V p = Of(1.061405429f);
        p = Fma(p, t, Of(-1.453152027f));
        p = Fma(p, t, Of(1.421413741f));
        p = Fma(p, t, Of(-0.284496736f));
        p = Fma(p, t, Of(0.254829592f));
        V e = Of(1f) - (p * t * Exp(-(z * z)));
        return Select(Vector512.LessThan(x, V.Zero), -e, e);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowerOfTwo(Vector512<int> n) =>
        Vector512.ShiftLeft(n + Vector512.Create(127), 23).AsSingle();
}
