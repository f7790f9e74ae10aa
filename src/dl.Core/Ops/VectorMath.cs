// Transcendental functions over 16 floats, for the managed device's elementwise rows. Polynomials
// after Cephes (Moshier): relative error of exp and tanh below 3e-7. NaN goes through.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
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
        V limited = Limit(x, Of(-104f), Of(89f));
        V n = Twos(limited);
        V p = ExpM1(Rest(limited, n)) + Of(1f);
        if (Avx512F.IsSupported)
        {
            return Avx512F.Scale(p, n);
        }
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

    /// <summary>m / (m + 2) with m = e^2x - 1, made without a difference of like numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh(V x)
    {
        // Beyond 9.1 the result rounds to 1.
        V twice = Limit(x + x, Of(-20f), Of(20f));
        V n = Twos(twice);
        V power = PowerOfTwo(Vector512.ConvertToInt32Native(n));
        V m = Fma(power, ExpM1(Rest(twice, n)), power - Of(1f));
        return m / (m + Of(2f));
    }

    /// <summary>
    /// The normal distribution function, (1 + erf(x / sqrt(2))) / 2, absolute error below 1e-7
    /// (Abramowitz and Stegun, 7.1.26).
    /// </summary>
    /// <param name="bell">e^(-x^2 / 2), which the density is made of.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Normal(V x, out V bell)
    {
        bell = Exp(Of(-0.5f) * x * x);
        // 0.3275911 / sqrt(2); the polynomial's coefficients are halved.
        V t = Of(1f) / Fma(Vector512.Abs(x), Of(0.23164189f), Of(1f));
        V p = Of(0.5307027145f);
        p = Fma(p, t, Of(-0.7265760135f));
        p = Fma(p, t, Of(0.7107068705f));
        p = Fma(p, t, Of(-0.142248368f));
        p = Fma(p, t, Of(0.127414796f));
        V tail = p * t * bell;
        return Select(Vector512.LessThan(x, V.Zero), tail, Of(1f) - tail);
    }

    /// <summary>
    /// x within bounds; NaN stays, because these forms give back their right side then.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Limit(V x, V low, V high) =>
        Vector512.MaxNative(low, Vector512.MinNative(high, x));

    /// <summary>x / log(2), rounded to a whole number by way of 1.5 * 2^23.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Twos(V x) => Fma(x, Of(1.44269504f), Of(12582912f)) - Of(12582912f);

    /// <summary>x - n log(2), log(2) in two parts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Rest(V x, V n) =>
        Fma(n, Of(2.12194440e-4f), Fma(n, Of(-0.693359375f), x));

    /// <summary>e^r - 1 for |r| up to log(2) / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpM1(V r)
    {
        V p = Of(1.9875691500e-4f);
        p = Fma(p, r, Of(1.3981999507e-3f));
        p = Fma(p, r, Of(8.3334519073e-3f));
        p = Fma(p, r, Of(4.1665795894e-2f));
        p = Fma(p, r, Of(1.6666665459e-1f));
        p = Fma(p, r, Of(5.0000001201e-1f));
        return Fma(p * r, r, r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowerOfTwo(Vector512<int> n) =>
        Vector512.ShiftLeft(n + Vector512.Create(127), 23).AsSingle();
}
