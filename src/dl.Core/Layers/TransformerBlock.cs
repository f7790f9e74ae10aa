// A block of a transformer in one layer, where a graph of its parts would be long (Models/
// TransformerGraph.cs builds that graph).
//   post (Vaswani et al. 2017):  h = norm1(x + attention(x));  y = norm2(h + dense2(f(dense1(h))))
//   pre (Xiong et al. 2020):     h = x + attention(norm1(x));  y = h + dense2(f(dense1(norm2(h))))
// Dropout acts where the original has it: on the attention's weights, on both branches, and between
// the dense layers.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// time x width to the same. With `masked`, a second input is the number of steps that count.
/// Weights: norm1_weight, norm1_bias, attention_in_weight, attention_in_bias,
/// attention_out_weight, attention_out_bias, norm2_weight, norm2_bias, dense1_weight, dense1_bias,
/// dense2_weight, dense2_bias.
/// </summary>
public sealed record TransformerBlock : Layer, IActivated
{
    private const int NormWeights = 2;

    public required int Heads { get; init; }

    /// <summary>Units between the two dense layers; 0: four times the width.</summary>
    public int Ffn { get; set; }

    public string Activation { get; set; } = "gelu";

    /// <summary>`pre` or `post`: where the normalisation stands.</summary>
    public string Norm { get; set; } = "pre";

    public bool Causal { get; set; }

    public bool Masked { get; set; }

    public bool Rotary { get; set; }

    public float Dropout { get; set; }

    public override bool Drops => Dropout > 0;

    public float Epsilon { get; set; } = 1e-5f;

    private AttentionPart Attention => new(Heads, Causal, Rotary, Dropout, true, "attention_");

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        if (inputs.Length != (Masked ? 2 : 1) || (Masked && inputs[1].Count != 1))
        {
            throw new UsageException(
                $"transformer_block: {inputs.Length} inputs, expected a sequence"
                + (Masked ? " and its length (masked)" : ""));
        }
        Attention.Check("transformer_block", inputs[0]);
        Activations.Find(Activation);
        if (Norm is not "pre" and not "post")
        {
            throw new UsageException(
                $"transformer_block: norm '{Norm}', expected pre or post");
        }
        return Ffn >= 0 && Epsilon > 0 ? inputs[0]
            : throw new UsageException(
                $"transformer_block: ffn {Ffn} and epsilon {Epsilon}, expected at least 0 and more "
                + "than 0");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs)
    {
        int width = inputs[0].Last, hidden = Hidden(width);
        var specs = new List<ParameterSpec>();
        AddNorm(specs, "norm1", width);
        specs.AddRange(Attention.Parameters(width, null));
        AddNorm(specs, "norm2", width);
        AddDense(specs, "dense1", width, hidden, Activations.Initializer(Activation));
        AddDense(specs, "dense2", hidden, width, "xavier_uniform");
        return specs;
    }

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights)
    {
        var attention = Attention;
        var norm1 = weights[..NormWeights];
        var heads = weights.Slice(NormWeights, attention.SelfWeights);
        var rest = weights[(NormWeights + attention.SelfWeights)..];
        var norm2 = rest[..NormWeights];
        var dense = rest[NormWeights..];
        var tape = pass.Tape;
        var lengths = Masked ? inputs[1] : null;
        var x = inputs[0];
        if (Norm == "pre")
        {
            x = tape.Add(x, Drop(pass, attention.Forward(
                pass, Normalize(tape, x, norm1), null, lengths, heads)));
            return tape.Add(x, Drop(pass, Dense(pass, Normalize(tape, x, norm2), dense)));
        }
        x = Normalize(tape, tape.Add(x, Drop(
            pass, attention.Forward(pass, x, null, lengths, heads))), norm1);
        return Normalize(tape, tape.Add(x, Drop(pass, Dense(pass, x, dense))), norm2);
    }

    public override string Summary() =>
        $"{Heads} heads" + (Ffn > 0 ? $" ffn {Ffn}" : "") + $" {Activation} {Norm}"
        + (Causal ? " causal" : "") + (Masked ? " masked" : "") + (Rotary ? " rotary" : "")
        + (Dropout > 0 ? $" dropout {Dropout:0.###}" : "");

    private int Hidden(int width) => Ffn > 0 ? Ffn : checked(4 * width);

    private Tensor Normalize(Tape tape, Tensor x, ReadOnlySpan<Tensor> weights) =>
        tape.LayerNorm(x, weights[0], weights[1], Epsilon);

    private Tensor Dense(Pass pass, Tensor x, ReadOnlySpan<Tensor> weights)
    {
        var hidden = pass.Tape.Activate(
            pass.Tape.Linear(x, weights[0], weights[1]), Activation);
        return pass.Tape.Linear(Drop(pass, hidden), weights[2], weights[3]);
    }

    private Tensor Drop(Pass pass, Tensor x) =>
        pass.Dropping && Dropout > 0 ? pass.Tape.Dropout(x, Dropout, pass.Rng) : x;

    private static void AddNorm(List<ParameterSpec> specs, string name, int width)
    {
        var shape = new Shape(width);
        specs.Add(new ParameterSpec($"{name}_weight", shape, "ones", width, width, false));
        specs.Add(new ParameterSpec($"{name}_bias", shape, "zeros", width, width, false));
    }

    private static void AddDense(
        List<ParameterSpec> specs, string name, int from, int to, string initializer)
    {
        specs.Add(new ParameterSpec(
            $"{name}_weight", new Shape(from, to), initializer, from, to, true));
        specs.Add(new ParameterSpec(
            $"{name}_bias", new Shape(to), "zeros", from, to, false));
    }
}
