// Recurrence step by step from its definition: every cell, both directions, samples of unequal
// length (none, some and all steps), with and without an initial state.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class RecurrentCases
{
    /// <summary>Errors of one step enter the next.</summary>
    private const double Bound = 1e-5;

    /// <summary>One of all; around tiles of 4, 12 and 32; deeper than a block of k.</summary>
    private static readonly (int Batch, int Steps, int Units)[] Sizes =
    [
        (1, 1, 1), (3, 4, 5), (5, 7, 16), (2, 3, 17), (13, 5, 33), (50, 2, 40), (1, 9, 64),
        (26, 3, 70), (3, 2, 350),
    ];

    private static readonly (bool Reverse, bool Ragged, bool Start)[] Forms =
        [(false, false, false), (true, true, true), (false, true, true), (true, false, false)];

    public static IEnumerable<Case> All()
    {
        foreach (var (batch, steps, units) in Sizes)
        {
            foreach (var cell in Enum.GetValues<RecurrentCell>())
            {
                foreach (var (reverse, ragged, start) in Forms)
                {
                    var shape = new RecurrentShape(cell, batch, steps, units, reverse);
                    yield return Forward(shape, ragged, start);
                    yield return Gradient(shape, ragged, start);
                }
            }
        }
        var timed = new RecurrentShape(RecurrentCell.Lstm, 32, 64, 128, false);
        double flops = 2.0 * timed.Batch * timed.Steps * timed.Units * timed.Width;
        yield return Forward(timed, false, false) with { Flops = flops };
        yield return Gradient(timed, false, false) with { Flops = flops };
    }

    /// <summary>0 gates, 1 U, 2 b_n, 3 lengths, 4 h0, 5 c0, 6 y, 7 states, 8 memory, 9 hn,
    /// 10 cn.</summary>
    private static Case Forward(RecurrentShape s, bool ragged, bool start)
    {
        int rows = s.Batch * s.Steps, state = s.Batch * s.Units;
        bool lstm = s.Cell == RecurrentCell.Lstm, gru = s.Cell == RecurrentCell.Gru;
        bool bias = gru && start, cells = lstm && start;
        return new Case("Recurrent", Text(s, ragged, start), Bound,
            [
                Both(rows * s.Width), Weight(s), In(s.Units), Lengths(s), In(state), In(state),
                Out(rows * s.Units), Out(rows * s.Units), Maybe(lstm || gru, rows * s.Units),
                Out(state), Maybe(lstm, state),
            ],
            (d, v) => d.Recurrent(s, v[0], v[1], bias ? v[2] : null, ragged ? v[3] : null,
                start ? v[4] : null, cells ? v[5] : null, v[6], v[7], lstm || gru ? v[8] : null,
                v[9], lstm ? v[10] : null),
            v =>
            {
                for (int b = 0; b < s.Batch; b++)
                {
                    var h = Take(start ? v[4] : null, b, s.Units);
                    var c = Take(cells ? v[5] : null, b, s.Units);
                    for (int i = 0; i < s.Steps; i++)
                    {
                        int t = s.Reverse ? s.Steps - 1 - i : i, row = (b * s.Steps) + t;
                        h.CopyTo(v[7], row * s.Units);
                        if (lstm)
                        {
                            c.CopyTo(v[8], row * s.Units);
                        }
                        if (!ragged || t < v[3][b])
                        {
                            Step(s, v, bias, row, h, c);
                            h.CopyTo(v[6], row * s.Units);
                        }
                    }
                    h.CopyTo(v[9], b * s.Units);
                    if (lstm)
                    {
                        c.CopyTo(v[10], b * s.Units);
                    }
                }
            });
    }

    /// <summary>Moves h and c one step on and leaves the activated gates.</summary>
    private static void Step(
        RecurrentShape s, double[][] v, bool bias, int row, double[] h, double[] c)
    {
        int units = s.Units;
        var z = new double[s.Width];
        for (int k = 0; k < units; k++)
        {
            for (int j = 0; j < s.Width; j++)
            {
                z[j] += h[k] * v[1][(k * s.Width) + j];
            }
        }
        var gates = v[0].AsSpan(row * s.Width, s.Width);
        for (int j = 0; j < units; j++)
        {
            ref double first = ref gates[j];
            switch (s.Cell)
            {
                case RecurrentCell.Lstm:
                    ref double f = ref gates[units + j], g = ref gates[(2 * units) + j];
                    ref double o = ref gates[(3 * units) + j];
                    first = Sigmoid(first + z[j]);
                    f = Sigmoid(f + z[units + j]);
                    g = Math.Tanh(g + z[(2 * units) + j]);
                    o = Sigmoid(o + z[(3 * units) + j]);
                    c[j] = (f * c[j]) + (first * g);
                    h[j] = o * Math.Tanh(c[j]);
                    break;
                case RecurrentCell.Gru:
                    ref double u = ref gates[units + j], n = ref gates[(2 * units) + j];
                    double hidden = z[(2 * units) + j] + (bias ? v[2][j] : 0);
                    v[8][(row * units) + j] = hidden;
                    first = Sigmoid(first + z[j]);
                    u = Sigmoid(u + z[units + j]);
                    n = Math.Tanh(n + (first * hidden));
                    h[j] = ((1 - u) * n) + (u * h[j]);
                    break;
                default:
                    double a = first + z[j];
                    first = h[j] = s.Cell == RecurrentCell.Relu ? Math.Max(a, 0) : Math.Tanh(a);
                    break;
            }
        }
    }

    /// <summary>0 gates, 1 U, 2 lengths, 3 states, 4 memory, 5 dy, 6 dhn, 7 dcn, 8 products,
    /// 9 dh0, 10 dc0. Saved values need not belong together to be differentiated.</summary>
    private static Case Gradient(RecurrentShape s, bool ragged, bool start)
    {
        int rows = s.Batch * s.Steps, state = s.Batch * s.Units;
        bool lstm = s.Cell == RecurrentCell.Lstm, gru = s.Cell == RecurrentCell.Gru;
        bool cells = lstm && start;
        return new Case("RecurrentGradient", Text(s, ragged, start), Bound,
            [
                Both(rows * s.Width, s.Cell == RecurrentCell.Relu ? -1 : 0, 1), Weight(s),
                Lengths(s), In(rows * s.Units), In(rows * s.Units), In(rows * s.Units), In(state),
                In(state), Maybe(gru, rows * s.Width), Out(state), Maybe(lstm, state),
            ],
            (d, v) => d.RecurrentGradient(s, v[0], v[1], ragged ? v[2] : null, v[3],
                lstm || gru ? v[4] : null, v[5], start ? v[6] : null, cells ? v[7] : null,
                gru ? v[8] : null, v[9], lstm ? v[10] : null),
            v =>
            {
                for (int b = 0; b < s.Batch; b++)
                {
                    var dh = Take(start ? v[6] : null, b, s.Units);
                    var dc = Take(cells ? v[7] : null, b, s.Units);
                    for (int i = s.Steps - 1; i >= 0; i--)
                    {
                        int t = s.Reverse ? s.Steps - 1 - i : i, row = (b * s.Steps) + t;
                        if (!ragged || t < v[2][b])
                        {
                            StepBack(s, v, row, dh, dc);
                            continue;
                        }
                        v[0].AsSpan(row * s.Width, s.Width).Clear();
                    }
                    dh.CopyTo(v[9], b * s.Units);
                    if (lstm)
                    {
                        dc.CopyTo(v[10], b * s.Units);
                    }
                }
            });
    }

    /// <summary>Moves dh and dc one step back and leaves the gradients of the gates.</summary>
    private static void StepBack(RecurrentShape s, double[][] v, int row, double[] dh, double[] dc)
    {
        int units = s.Units, at = row * units;
        var gates = v[0].AsSpan(row * s.Width, s.Width);
        var products = s.Cell == RecurrentCell.Gru
            ? v[8].AsSpan(row * s.Width, s.Width) : gates;
        var direct = new double[units];
        for (int j = 0; j < units; j++)
        {
            double d = dh[j] + v[5][at + j];
            ref double first = ref gates[j];
            switch (s.Cell)
            {
                case RecurrentCell.Lstm:
                    ref double f = ref gates[units + j], g = ref gates[(2 * units) + j];
                    ref double o = ref gates[(3 * units) + j];
                    double before = v[4][at + j], tanh = Math.Tanh((f * before) + (first * g));
                    double cell = dc[j] + (d * o * (1 - (tanh * tanh)));
                    dc[j] = cell * f;
                    double di = cell * g * first * (1 - first);
                    g = cell * first * (1 - (g * g));
                    f = cell * before * f * (1 - f);
                    o = d * tanh * o * (1 - o);
                    first = di;
                    break;
                case RecurrentCell.Gru:
                    ref double u = ref gates[units + j], n = ref gates[(2 * units) + j];
                    double da = d * (1 - u) * (1 - (n * n));
                    direct[j] = d * u;
                    products[units + j] = d * (v[3][at + j] - n) * u * (1 - u);
                    products[(2 * units) + j] = da * first;
                    products[j] = da * v[4][at + j] * first * (1 - first);
                    (first, u, n) = (products[j], products[units + j], da);
                    break;
                default:
                    first = d * (s.Cell == RecurrentCell.Relu
                        ? (first > 0 ? 1 : 0) : 1 - (first * first));
                    break;
            }
        }
        for (int k = 0; k < units; k++)
        {
            dh[k] = direct[k];
            for (int j = 0; j < s.Width; j++)
            {
                dh[k] += products[j] * v[1][(k * s.Width) + j];
            }
        }
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double[] Take(double[]? states, int sample, int units) =>
        states is null ? new double[units] : states.AsSpan(sample * units, units).ToArray();

    /// <summary>Small enough that states stay bounded.</summary>
    private static Operand Weight(RecurrentShape s)
    {
        double limit = 1 / Math.Sqrt(s.Units);
        return In(s.Units * s.Width, -limit, limit);
    }

    /// <summary>0 to all of the steps.</summary>
    private static Operand Lengths(RecurrentShape s) =>
        new(DType.F32, s.Batch, Role.Input, rng => rng.NextInt(s.Steps + 1));

    private static Operand Maybe(bool used, int length) => used ? Out(length) : In(1);

    private static string Text(RecurrentShape s, bool ragged, bool start) =>
        $"{s.Cell} {s.Batch}x{s.Steps}x{s.Units}{(s.Reverse ? " reverse" : "")}"
        + $"{(ragged ? " ragged" : "")}{(start ? " from a state" : "")}";
}
