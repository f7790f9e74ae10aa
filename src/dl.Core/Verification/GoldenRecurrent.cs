// Reference cases of recurrent layers: stacked, in both directions, packed sequences, given states.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenRecurrent
{
    /// <summary>PyTorch keeps weights as (gates * hidden, in), a set a direction.</summary>
    private const string Needed = "x weight_ih_l0 weight_hh_l0 h_n y";

    /// <summary>Long chains of steps.</summary>
    private const double GradientBound = 1e-3;

    public static readonly GoldenRow[] Rows =
    [
        new("rnn_relu", Needed, test => Run(test, RecurrentCell.Relu)),
        new("rnn", Needed, test => Run(test, RecurrentCell.Tanh)),
        new("lstm", Needed, test => Run(test, RecurrentCell.Lstm)),
        new("gru", Needed, test => Run(test, RecurrentCell.Gru)),
    ];

    private static void Run(GoldenCase test, RecurrentCell cell)
    {
        test.GradientBound = GradientBound;
        cell = Cell(test, cell);
        int layers = test.Integer("layers", test.Integer("num_layers", 1));
        int directions = test.Flag("bidirectional", false) ? 2 : 1;
        // Sizes are in the tensors.
        test.Integer("input", 0);
        test.Integer("hidden", 0);
        test.Flag("bias", true);
        var order = test.Flag("batch_first", false) ? Layout.Same : new Layout(-1, [1, 0, 2]);
        var x = test.Leaf("x", order);
        var weights = new RecurrentWeights[layers * directions];
        for (int i = 0; i < weights.Length; i++)
        {
            string suffix = $"_l{i / directions}{(i % directions > 0 ? "_reverse" : "")}";
            weights[i] = Weights(test, cell, suffix);
        }
        var result = test.Tape.RecurrentStack(
            cell, x, weights, directions, Lengths(test), States(test, "h0"), States(test, "c0"));
        Final(test, "h_n", result.H);
        if (result.C.Length > 0)
        {
            Final(test, "c_n", result.C);
        }
        test.Finish(result.Y, order);
    }

    private static RecurrentCell Cell(GoldenCase test, RecurrentCell cell)
    {
        string? kind = test.Text("kind"), function = test.Text("nonlinearity");
        return (kind?.ToUpperInvariant(), function) switch
        {
            (null, null) => cell,
            ("LSTM", null) => RecurrentCell.Lstm,
            ("GRU", null) => RecurrentCell.Gru,
            (null or "RNN", "tanh") or ("RNN_TANH", null) => RecurrentCell.Tanh,
            (null or "RNN", "relu") or ("RNN_RELU", null) => RecurrentCell.Relu,
            ("RNN", null) => cell,
            _ => throw new NotBuiltException($"{kind} {function}"),
        };
    }

    /// <summary>
    /// Both biases act as their sum, but for a gru's candidate, whose hidden one stands alone.
    /// </summary>
    private static RecurrentWeights Weights(GoldenCase test, RecurrentCell cell, string suffix)
    {
        var tape = test.Tape;
        var input = test.Leaf($"weight_ih{suffix}", Layout.Transposed);
        var hidden = test.Leaf($"weight_hh{suffix}", Layout.Transposed);
        var first = test.OptionalLeaf($"bias_ih{suffix}");
        var second = test.OptionalLeaf($"bias_hh{suffix}");
        if (first is null || second is null)
        {
            return new RecurrentWeights(input, hidden, first ?? second);
        }
        if (cell != RecurrentCell.Gru)
        {
            return new RecurrentWeights(input, hidden, tape.Add(first, second));
        }
        int units = hidden.Shape[0];
        var gates = tape.Concat(
            0, tape.Slice(second, 0, 0, 2 * units), tape.Input(new Shape(units), new float[units]));
        return new RecurrentWeights(
            input, hidden, tape.Add(first, gates), tape.Slice(second, 0, 2 * units, units));
    }

    private static Tensor? Lengths(GoldenCase test)
    {
        if (!test.Tensors.Contains("lengths"))
        {
            return null;
        }
        var raw = test.Raw("lengths");
        float[] values = raw.Floats ?? Array.ConvertAll(raw.Integers!, length => (float)length);
        return test.Tape.Input(new Shape(raw.Extents), values);
    }

    /// <summary>(layers * directions, batch, hidden) as one tensor each.</summary>
    private static Tensor[]? States(GoldenCase test, string name)
    {
        if (test.OptionalLeaf(name) is not { } all)
        {
            return null;
        }
        var states = new Tensor[all.Shape[0]];
        for (int i = 0; i < states.Length; i++)
        {
            states[i] = test.Tape.Slice(all, 0, i, 1)
                .Reshape(new Shape(all.Shape[1], all.Shape[2]));
        }
        return states;
    }

    /// <summary>Compares final states, and sends their gradients back if there are any.</summary>
    private static void Final(GoldenCase test, string name, Tensor[] states)
    {
        var values = new List<float>();
        foreach (var state in states)
        {
            values.AddRange(state.ToArray());
        }
        test.Also(name, [.. values]);
        if (!test.Tensors.Contains($"d{name}"))
        {
            return;
        }
        float[] gradient = test.Raw($"d{name}").Floats ?? [];
        int count = gradient.Length / states.Length;
        for (int i = 0; i < states.Length; i++)
        {
            if (test.Tape.Wants(states[i], out var target, out _))
            {
                test.Tape.Device.Write(target, gradient.AsSpan(i * count, count));
            }
        }
    }
}
