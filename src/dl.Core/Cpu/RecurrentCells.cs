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
        int whole = units & -Lane.Count;
        for (int j = 0; j < whole; j += Lane.Count)
        {
            LstmUnits<Whole>(gates, z, c, nextC, nextH, y, units, j);
        }
        if (whole < units)
        {
            LstmUnits<Part>(gates, z, c, nextC, nextH, y, units, whole);
        }
    }

    /// <summary>The units from j on that a vector holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LstmUnits<T>(
        float* gates, float* z, float* c, float* nextC, float* nextH, float* y, int units, int j)
        where T : struct, ILanes
    {
        int n = units - j, forget = units + j, candidate = units + forget;
        int output = units + candidate;
        V i = Sigmoid(T.Load(gates + j, n) + T.Load(z + j, n));
        V f = Sigmoid(T.Load(gates + forget, n) + T.Load(z + forget, n));
        V g = Tanh(T.Load(gates + candidate, n) + T.Load(z + candidate, n));
        V o = Sigmoid(T.Load(gates + output, n) + T.Load(z + output, n));
        T.Store(gates + j, i, n);
        T.Store(gates + forget, f, n);
        T.Store(gates + candidate, g, n);
        T.Store(gates + output, o, n);
        V cell = Fma(f, T.Load(c + j, n), i * g), h = o * Tanh(cell);
        T.Store(nextC + j, cell, n);
        T.Store(nextH + j, h, n);
        T.Store(y + j, h, n);
    }

    /// <param name="dc">d(cells after), becomes d(cells before).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LstmGradient(
        float* gates, float* c, float* dy, float* dh, float* dc, int units)
    {
        int whole = units & -Lane.Count;
        for (int j = 0; j < whole; j += Lane.Count)
        {
            LstmGradientUnits<Whole>(gates + j, c + j, dy + j, dh + j, dc + j, units, j);
        }
        if (whole < units)
        {
            LstmGradientUnits<Part>(
                gates + whole, c + whole, dy + whole, dh + whole, dc + whole, units, whole);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LstmGradientUnits<T>(
        float* input, float* c, float* dy, float* dh, float* dc, int units, int j)
        where T : struct, ILanes
    {
        int n = units - j;
        float* forget = input + units, candidate = forget + units, output = candidate + units;
        V one = Of(1f), i = T.Load(input, n), f = T.Load(forget, n);
        V g = T.Load(candidate, n), o = T.Load(output, n), before = T.Load(c, n);
        V squashed = Tanh(Fma(f, before, i * g)), d = T.Load(dy, n) + T.Load(dh, n);
        V cell = Fma(d * o, one - (squashed * squashed), T.Load(dc, n));
        T.Store(input, cell * g * i * (one - i), n);
        T.Store(forget, cell * before * f * (one - f), n);
        T.Store(candidate, cell * i * (one - (g * g)), n);
        T.Store(output, d * squashed * o * (one - o), n);
        T.Store(dc, cell * f, n);
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

    /// <summary>How much of a vector is moved: n floats, up to 16.</summary>
    private interface ILanes
    {
        static abstract V Load(float* p, int n);

        static abstract void Store(float* p, V value, int n);
    }

    /// <summary>All of it, without a mask: what was just stored can be loaded at once.</summary>
    private readonly struct Whole : ILanes
    {
        public static V Load(float* p, int n) => Vector512.Load(p);

        public static void Store(float* p, V value, int n) => value.Store(p);
    }

    /// <summary>The end of a row.</summary>
    private readonly struct Part : ILanes
    {
        public static V Load(float* p, int n) => Lane.Load(p, n);

        public static void Store(float* p, V value, int n) => Lane.Store(p, value, n);
    }
}
