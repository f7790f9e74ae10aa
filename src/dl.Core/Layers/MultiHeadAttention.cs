// Multi-head attention (Vaswani et al. 2017): projections to queries, keys and values, attention in
// each head, a projection of what came out.
//   self, one input:    in_weight (E, 3E), in_bias (3E), out_weight (E, E), out_bias (E)
//   cross, two inputs:  query_weight (E, E), memory_weight (M, 2E), their biases, out as above
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>
/// [query] or [query, memory] to the query's shape, time x width. With `masked`, one more input
/// says how many steps of what is attended to are no padding (`sequence_length`).
/// </summary>
public sealed record MultiHeadAttention : Layer
{
    /// <summary>Heads, a divisor of the width.</summary>
    public required int Heads { get; init; }

    /// <summary>No step attends to a later one.</summary>
    public bool Causal { get; set; }

    /// <summary>The last input is the number of steps that count.</summary>
    public bool Masked { get; set; }

    /// <summary>Turns queries and keys by their time (Su et al. 2021).</summary>
    public bool Rotary { get; set; }

    /// <summary>Share of the attention weights that is dropped while training.</summary>
    public float Dropout { get; set; }

    public override bool Drops => Dropout > 0;

    public bool Bias { get; set; } = true;

    private AttentionPart Part => new(Heads, Causal, Rotary, Dropout, Bias, "");

    public override Shape OutputShape(ReadOnlySpan<Shape> inputs)
    {
        int sequences = inputs.Length - (Masked ? 1 : 0);
        if (sequences is < 1 or > 2)
        {
            throw new UsageException(
                $"multi_head_attention: {inputs.Length} inputs, expected a query, if need be a "
                + $"memory{(Masked ? ", and a length (masked)" : "")}");
        }
        if (Masked && inputs[^1].Count != 1)
        {
            throw new UsageException(
                $"multi_head_attention: masked, and the last input is {inputs[^1]}; expected one "
                + "number, as sequence_length gives it");
        }
        Part.Check("multi_head_attention", inputs[0]);
        return sequences == 1 || inputs[1].Rank == 2 ? inputs[0]
            : throw new UsageException(
                $"multi_head_attention: the memory is {inputs[1]}, expected time x width");
    }

    public override IReadOnlyList<ParameterSpec> Parameters(ReadOnlySpan<Shape> inputs) =>
        Part.Parameters(inputs[0].Last, IsCross(inputs.Length) ? inputs[1].Last : null);

    public override Tensor Forward(
        Pass pass, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> weights) =>
        Part.Forward(
            pass, inputs[0], IsCross(inputs.Length) ? inputs[1] : null,
            Masked ? inputs[^1] : null, weights);

    public override string Summary() =>
        $"{Heads} heads" + (Causal ? " causal" : "") + (Masked ? " masked" : "")
        + (Rotary ? " rotary" : "") + (Dropout > 0 ? $" dropout {Dropout:0.###}" : "");

    private bool IsCross(int inputs) => inputs - (Masked ? 1 : 0) == 2;
}

/// <summary>Attention with its projections, as a layer or as part of one.</summary>
/// <param name="Prefix">Before the names of the weights.</param>
internal readonly record struct AttentionPart(
    int Heads, bool Causal, bool Rotary, float Dropout, bool Bias, string Prefix)
{
    public void Check(string kind, Shape input)
    {
        if (input.Rank != 2 || Heads < 1 || input.Last % Heads != 0)
        {
            throw new UsageException(
                $"{kind}: input is {input} with {Heads} heads, expected time x width and a width "
                + "that the heads divide");
        }
        if (Dropout is < 0 or >= 1)
        {
            throw new UsageException($"{kind}: dropout {Dropout}, expected 0 <= rate < 1");
        }
    }

    /// <param name="memory">Width of what is attended to; null: the input itself.</param>
    public IReadOnlyList<ParameterSpec> Parameters(int width, int? memory)
    {
        var specs = new List<ParameterSpec>();
        if (memory is { } other)
        {
            Add(specs, "query", width, width, 1);
            Add(specs, "memory", other, width, 2);
        }
        else
        {
            Add(specs, "in", width, width, 3);
        }
        Add(specs, "out", width, width, 1);
        return specs;
    }

    public Tensor Forward(
        Pass pass, Tensor x, Tensor? memory, Tensor? lengths, ReadOnlySpan<Tensor> weights)
    {
        var tape = pass.Tape;
        int heads = Heads, size = x.Shape.Last / heads;
        var settings = new AttentionSettings(heads)
        {
            Causal = Causal,
            Lengths = lengths,
            Dropout = pass.Dropping ? Dropout : 0,
            Rng = pass.Rng,
        };
        Tensor y;
        if (memory is null)
        {
            var qkv = Project(tape, x, ref weights);
            qkv = Rotary ? tape.Rotary(qkv, 2 * heads, size) : qkv;
            y = tape.SelfAttention(qkv, settings);
        }
        else
        {
            var q = Project(tape, x, ref weights);
            var kv = Project(tape, memory, ref weights);
            q = Rotary ? tape.Rotary(q, heads, size) : q;
            kv = Rotary ? tape.Rotary(kv, heads, size) : kv;
            y = tape.CrossAttention(q, kv, settings);
        }
        return Project(tape, y, ref weights);
    }

    /// <summary>Tensors that <see cref="Forward"/> takes for self-attention.</summary>
    public int SelfWeights => Bias ? 4 : 2;

    /// <summary>Several projections side by side start as they would one by one.</summary>
    private void Add(List<ParameterSpec> specs, string name, int from, int to, int count)
    {
        specs.Add(new ParameterSpec(
            $"{Prefix}{name}_weight", new Shape(from, to * count), "xavier_uniform", from, to,
            true));
        if (Bias)
        {
            specs.Add(new ParameterSpec(
                $"{Prefix}{name}_bias", new Shape(to * count), "zeros", from, to, false));
        }
    }

    private Tensor Project(Tape tape, Tensor x, ref ReadOnlySpan<Tensor> weights)
    {
        var y = tape.Linear(x, weights[0], Bias ? weights[1] : null);
        weights = weights[(Bias ? 2 : 1)..];
        return y;
    }
}
