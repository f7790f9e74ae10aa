// One step of one sample of every cell, with its gradient below it (formulas: Ops/Recurrent.cs).
// Gates lie one after the other, `units` elements each; z is h'U in the same order.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Dl.Ops.VectorMath;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

internal static unsafe class RecurrentCells
{
    /// <summary>tanh or relu; h goes to the gate's place too, for the way back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Plain(float* gates, float* z, float* nextH, float* y, int units, bool relu)
    {
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V a = Lane.Load(gates + j, n) + Lane.Load(z + j, n);
            // Written as a selection that is false for NaN, so NaN stays.
            V h = relu ? Select(Vector512.LessThan(a, V.Zero), V.Zero, a) : Tanh(a);
            Lane.Store(gates + j, h, n);
            Lane.Store(nextH + j, h, n);
            Lane.Store(y + j, h, n);
        }
    }

    /// <summary>gates: h, becomes d(a).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PlainGradient(float* gates, float* dy, float* dh, int units, bool relu)
    {
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V h = Lane.Load(gates + j, n), d = Lane.Load(dy + j, n) + Lane.Load(dh + j, n);
            V slope = relu
                ? Select(Vector512.GreaterThan(h, V.Zero), Of(1f), V.Zero)
                : Of(1f) - (h * h);
            Lane.Store(gates + j, d * slope, n);
        }
    }

    /// <param name="c">c', the cells before.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Lstm(
        float* gates, float* z, float* c, float* nextC, float* nextH, float* y, int units)
    {
        float* forget = gates + units, candidate = forget + units, output = candidate + units;
        ApplySigmoid(gates, z, 2 * units);
        ApplyTanh(candidate, z + (2 * units), units);
        ApplySigmoid(output, z + (3 * units), units);
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V added = Lane.Load(gates + j, n) * Lane.Load(candidate + j, n);
            V cell = Fma(Lane.Load(forget + j, n), Lane.Load(c + j, n), added);
            V h = Lane.Load(output + j, n) * Tanh(cell);
            Lane.Store(nextC + j, cell, n);
            Lane.Store(nextH + j, h, n);
            Lane.Store(y + j, h, n);
        }
    }

    /// <param name="dc">d(cells after), becomes d(cells before).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LstmGradient(
        float* gates, float* c, float* dy, float* dh, float* dc, int units)
    {
        float* input = gates, forget = gates + units;
        float* candidate = forget + units, output = candidate + units;
        V one = Of(1f);
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V i = Lane.Load(input + j, n), f = Lane.Load(forget + j, n);
            V g = Lane.Load(candidate + j, n), o = Lane.Load(output + j, n);
            V before = Lane.Load(c + j, n);
            V squashed = Tanh(Fma(f, before, i * g));
            V d = Lane.Load(dy + j, n) + Lane.Load(dh + j, n);
            V cell = Fma(d * o, one - (squashed * squashed), Lane.Load(dc + j, n));
            Lane.Store(input + j, cell * g * i * (one - i), n);
            Lane.Store(forget + j, cell * before * f * (one - f), n);
            Lane.Store(candidate + j, cell * i * (one - (g * g)), n);
            Lane.Store(output + j, d * squashed * o * (one - o), n);
            Lane.Store(dc + j, cell * f, n);
        }
    }

    /// <param name="memory">Receives h'U_n + b_n.</param>
    /// <param name="h">h', the state before.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gru(
        float* gates, float* z, float* bias, float* memory, float* h, float* nextH, float* y,
        int units)
    {
        float* update = gates + units, candidate = update + units;
        ApplySigmoid(gates, z, 2 * units);
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V hidden = Lane.Load(z + (2 * units) + j, n);
            hidden = bias == null ? hidden : hidden + Lane.Load(bias + j, n);
            V c = Tanh(Fma(Lane.Load(gates + j, n), hidden, Lane.Load(candidate + j, n)));
            V state = Fma(Lane.Load(update + j, n), Lane.Load(h + j, n) - c, c);
            Lane.Store(candidate + j, c, n);
            Lane.Store(memory + j, hidden, n);
            Lane.Store(nextH + j, state, n);
            Lane.Store(y + j, state, n);
        }
    }

    /// <summary>
    /// Gradients with respect to both kinds of products differ in the candidate's: the reset gate
    /// lies between. dh becomes the part of d(state before) that does not pass through U.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GruGradient(
        float* gates, float* products, float* memory, float* h, float* dy, float* dh, int units)
    {
        float* reset = gates, update = gates + units, candidate = update + units;
        V one = Of(1f);
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V r = Lane.Load(reset + j, n), u = Lane.Load(update + j, n);
            V c = Lane.Load(candidate + j, n);
            V d = Lane.Load(dy + j, n) + Lane.Load(dh + j, n);
            V da = d * (one - u) * (one - (c * c));
            V du = d * (Lane.Load(h + j, n) - c) * u * (one - u);
            V dr = da * Lane.Load(memory + j, n) * r * (one - r);
            Lane.Store(reset + j, dr, n);
            Lane.Store(update + j, du, n);
            Lane.Store(candidate + j, da, n);
            Lane.Store(products + j, dr, n);
            Lane.Store(products + units + j, du, n);
            Lane.Store(products + (2 * units) + j, da * r, n);
            Lane.Store(dh + j, d * u, n);
        }
    }

    /// <summary>dh = z, or dh + z.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Join(float* dh, float* z, int units, bool add)
    {
        for (int j = 0; j < units; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, units - j);
            V value = Lane.Load(z + j, n);
            Lane.Store(dh + j, add ? value + Lane.Load(dh + j, n) : value, n);
        }
    }

    // A loop for each function: the compiler inlines only so many calls into one method.

    /// <summary>gates = sigmoid(gates + z).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ApplySigmoid(float* gates, float* z, int count)
    {
        for (int j = 0; j < count; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, count - j);
            Lane.Store(gates + j, Sigmoid(Lane.Load(gates + j, n) + Lane.Load(z + j, n)), n);
        }
    }

    /// <summary>gates = tanh(gates + z).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ApplyTanh(float* gates, float* z, int count)
    {
        for (int j = 0; j < count; j += Lane.Count)
        {
            int n = Math.Min(Lane.Count, count - j);
            Lane.Store(gates + j, Tanh(Lane.Load(gates + j, n) + Lane.Load(z + j, n)), n);
        }
    }
}
