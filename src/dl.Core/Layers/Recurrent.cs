// Recurrent layers over samples of (time, features): rnn, lstm, gru (formulas: Ops/Recurrent.cs).
// Weights of layer L are `input_weight_lL` (in, gates * units), `hidden_weight_lL` (units, gates *
// units) and `bias_lL`, a gru's also `candidate_bias_lL`; those of the reverse direction end in
// `_reverse`. Gates stand in the order i f g o (lstm) and r z n (gru).
//
// Inputs by position: the sequence; with `masked` the number of steps of each sample that count (a
// sequence_length layer gives it); with `initial_state` a vector of what `output: state` gives:
// for each layer, for each direction, h and then (lstm) c.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>What all recurrent layers share.</summary>
public abstract record RecurrentLayer : Layer
{
    /// <summary>Size of the state.</summary>
    public required int Units { get; init; }

    /// <summary>Layers one above the other.</summary>
    public int Layers { get; set; } = 1;

    /// <summary>A second set of weights reads from the end; both outputs are joined.</summary>
    public bool Bidirectional { get; set; }

    /// <summary>Share of zeros between stacked layers while training, in [0, 1).</summary>
    public float Dropout { get; set; }

    public override bool Drops => Dropout > 0 && Layers > 1;

    /// <summary>
    /// `last`: the uppermost layer's state after the last step that counts, of both directions;
    /// `sequence`: after each step, zeros behind the end; `state`: the final state of all layers.
    /// </summary>
    public string Output { get; set; } = "last";

    /// <summary>The second input is the number of steps that count.</summary>
    public bool Masked { get; set; }

    /// <summary>The last input is the state to start from.</summary>
    public bool InitialState { get; set; }

    /// <summary>Name for messages.</summary>
    private protected abstract string Kind { get; }

    private protected abstract RecurrentCell Cell { get; }

    private protected virtual string BiasInit => "zeros";

    private int Directions => Bidirectional ? 2 : 1;

    private int Gates => RecurrentShape.GatesOf(Cell);

    /// <summary>h, or h and c, for each layer and direction.</summary>
    private int StateSize => Layers * Directions * Units * (Cell == RecurrentCell.Lstm ? 2 : 1);

    /// <summary>Weights of one direction.</summary>
    private int WeightCount => Cell == RecurrentCell.Gru ? 4 : 3;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        int expected = 1 + (Masked ? 1 : 0) + (InitialState ? 1 : 0);
        if (inputs.Length != expected)
        {
            throw new UsageException(
                $"{Kind}: {inputs.Length} inputs given, expected {expected}: the sequence"
                + (Masked ? ", its length" : "") + (InitialState ? ", the initial state" : "")
                + "; set masked and initial_state as inputs are given");
        }
        var input = inputs[0];
        if (input.Rank != 2 || input[0] < 1)
        {
            throw new UsageException($"{Kind}: input is {input}, expected time x features");
        }
        if (Units < 1 || Layers < 1 || Dropout is not (>= 0 and < 1))
        {
            throw new UsageException(
                $"{Kind}: {Units} units, {Layers} layers, dropout {Dropout}; expected at least 1 "
                + "unit and layer, and 0 <= dropout < 1");
        }
        if (Masked && inputs[1].Count != 1)
        {
            throw new UsageException(
                $"{Kind}: the length is {inputs[1]}, expected one number; use sequence_length");
        }
        if (InitialState && inputs[^1] != new Shape(StateSize))
        {
            throw new UsageException(
                $"{Kind}: the initial state is {inputs[^1]}, expected {StateSize} numbers: h"
                + $"{(Cell == RecurrentCell.Lstm ? " and c" : "")} of {Layers} layer(s) in "
                + $"{Directions} direction(s)");
        }
        return Output switch
        {
            "last" => new Shape(Directions * Units),
            "sequence" => new Shape(input[0], Directions * Units),
            "state" => new Shape(StateSize),
            _ => throw new UsageException(
                $"{Kind}: {Nearest.Unknown("output", Output, ["last", "sequence", "state"])}"),
        };
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        var specs = new List<ParameterSpec>(Layers * Directions * WeightCount);
        int features = inputs[0].Last, width = Gates * Units;
        for (int i = 0; i < Layers * Directions; i++)
        {
            string suffix = $"_l{i / Directions}{(i % Directions > 0 ? "_reverse" : "")}";
            int below = i < Directions ? features : Directions * Units;
            // Each gate is a matrix of its own: it has `units` outputs, not all of the width.
            specs.Add(new ParameterSpec($"input_weight{suffix}", new Shape(below, width),
                "xavier_uniform", below, Units, true));
            specs.Add(new ParameterSpec($"hidden_weight{suffix}", new Shape(Units, width),
                "orthogonal", Units, Units, true));
            specs.Add(new ParameterSpec(
                $"bias{suffix}", new Shape(width), BiasInit, below, Units, false));
            if (Cell == RecurrentCell.Gru)
            {
                specs.Add(new ParameterSpec(
                    $"candidate_bias{suffix}", new Shape(Units), "zeros", Units, Units, false));
            }
        }
        return specs;
    }

    public override long Uses(ReadOnlySpan<Shape> inputs, Shape output) => inputs[0][0];

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var tape = pass.Tape;
        var sets = new RecurrentWeights[Layers * Directions];
        for (int i = 0; i < sets.Length; i++)
        {
            var set = weights.Slice(i * WeightCount, WeightCount);
            sets[i] = new RecurrentWeights(set[0], set[1], set[2], set.Length > 3 ? set[3] : null);
        }
        var lengths = Masked ? inputs[1] : null;
        var (h0, c0) = InitialState ? Split(tape, inputs[^1]) : (null, null);
        var result = tape.RecurrentStack(
            Cell, inputs[0], sets, Directions, lengths, h0, c0,
            pass.Dropping && Dropout > 0 ? x => tape.Dropout(x, Dropout, pass.Rng) : null);
        return Output switch
        {
            "sequence" => result.Y,
            "last" => Join(tape, result.H.AsSpan(sets.Length - Directions), []),
            _ => Join(tape, result.H, result.C),
        };
    }

    public override string Summary() =>
        $"{Units}"
        + (Layers == 1 ? "" : $" x {Layers} layers")
        + (Bidirectional ? " bidirectional" : "")
        + (Dropout == 0 ? "" : $" dropout {Dropout:0.###}")
        + $" {Output}"
        + (Masked ? " masked" : "")
        + (InitialState ? " from a state" : "");

    /// <summary>The vector of all states as h and c of every layer and direction.</summary>
    private (Tensor[] H, Tensor[]? C) Split(Tape tape, Tensor states)
    {
        bool cells = Cell == RecurrentCell.Lstm;
        var h = new Tensor[Layers * Directions];
        var c = cells ? new Tensor[h.Length] : null;
        for (int i = 0; i < h.Length; i++)
        {
            int at = i * Units * (cells ? 2 : 1);
            h[i] = tape.Slice(states, 1, at, Units);
            if (c is not null)
            {
                c[i] = tape.Slice(states, 1, at + Units, Units);
            }
        }
        return (h, c);
    }

    private static Tensor Join(Tape tape, ReadOnlySpan<Tensor> h, ReadOnlySpan<Tensor> c)
    {
        var parts = new List<Tensor>(h.Length + c.Length);
        for (int i = 0; i < h.Length; i++)
        {
            parts.Add(h[i]);
            if (c.Length > 0)
            {
                parts.Add(c[i]);
            }
        }
        return parts.Count == 1 ? parts[0] : tape.Concat(-1, [.. parts]);
    }
}

/// <summary>Elman's network: h = f(x W + h' U + b).</summary>
public sealed record Rnn : RecurrentLayer, IActivated
{
    /// <summary>`tanh` or `relu`.</summary>
    public string Activation { get; set; } = "tanh";

    private protected override string Kind => "rnn";

    private protected override RecurrentCell Cell =>
        Activation == "relu" ? RecurrentCell.Relu : RecurrentCell.Tanh;

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs) =>
        Activation is "tanh" or "relu"
            ? base.OutputShape(inputs)
            : throw new UsageException(
                $"rnn: {Nearest.Unknown("activation", Activation, ["tanh", "relu"])}");

    public override string Summary() => $"{base.Summary()} {Activation}";
}

/// <summary>Long short-term memory.</summary>
public sealed record Lstm : RecurrentLayer
{
    /// <summary>The forget gate's bias starts at 1, not 0: memory is kept at first.</summary>
    public bool UnitForgetBias { get; set; } = true;

    private protected override string Kind => "lstm";

    private protected override RecurrentCell Cell => RecurrentCell.Lstm;

    private protected override string BiasInit =>
        UnitForgetBias ? Initializers.ForgetGate.Name : base.BiasInit;
}

/// <summary>Gated recurrent unit, its reset gate behind the hidden product.</summary>
public sealed record Gru : RecurrentLayer
{
    private protected override string Kind => "gru";

    private protected override RecurrentCell Cell => RecurrentCell.Gru;
}
