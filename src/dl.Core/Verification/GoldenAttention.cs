// Reference cases of attention, encoder layers and embeddings. Masks are PyTorch's: true may not
// attend; in_proj_weight is (3E, E), ours (E, 3E).
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenAttention
{
    public static readonly GoldenRow[] Rows =
    [
        new("mha", "q in_proj_weight y", MultiHead),
        new("encoder_layer", "x self_attn_in_proj_weight y", EncoderLayer),
        new("embedding", "w ids y", Embedding),
    ];

    private static void MultiHead(GoldenCase test)
    {
        var tape = test.Tape;
        var q = test.Leaf("q");
        var memory = test.OptionalLeaf("kv");
        int width = q.Shape.Last;
        if (test.Integer("embed", width) != width)
        {
            throw new NotBuiltException("queries of another width than embed");
        }
        if (test.Text("mask", Forbidding) != Forbidding)
        {
            throw new NotBuiltException("another meaning of masks");
        }
        var settings = new AttentionSettings(test.Integer("heads", 1))
        {
            Causal = test.Flag("is_causal", false),
            PairMask = Mask(test, "attn_mask"),
            KeyMask = Mask(test, "key_padding_mask"),
        };
        var w = test.Leaf("in_proj_weight", Layout.Transposed);
        var b = test.OptionalLeaf("in_proj_bias");
        Tensor y, weights;
        if (memory is null)
        {
            var qkv = tape.Linear(q, w, b);
            y = tape.SelfAttention(qkv, settings);
            weights = tape.SelfAttentionWeights(qkv, settings);
        }
        else
        {
            var query = tape.Linear(q, tape.Slice(w, 1, 0, width),
                b is null ? null : tape.Slice(b, 0, 0, width));
            var kv = tape.Linear(memory, tape.Slice(w, 1, width, 2 * width),
                b is null ? null : tape.Slice(b, 0, width, 2 * width));
            y = tape.CrossAttention(query, kv, settings);
            weights = tape.CrossAttentionWeights(query, kv, settings);
        }
        y = tape.Linear(
            y, test.Leaf("out_proj_weight", Layout.Transposed),
            test.OptionalLeaf("out_proj_bias"));
        if (test.Tensors.Contains("weights_mean_over_heads"))
        {
            test.Also("weights_mean_over_heads", weights.ToArray());
        }
        test.Finish(y);
    }

    private const string Forbidding = "true = may not attend";

    /// <summary>Additive numbers: -infinity where a mask of booleans is true.</summary>
    private static Tensor? Mask(GoldenCase test, string name)
    {
        if (!test.Tensors.Contains(name))
        {
            return null;
        }
        var raw = test.Raw(name);
        if (raw.Extents.Length != 2)
        {
            throw new NotBuiltException($"{name} of {raw.Extents.Length} dimensions");
        }
        var values = raw.Floats
            ?? Array.ConvertAll(raw.Integers!, mask => mask == 0 ? 0 : float.NegativeInfinity);
        return test.Tape.Input(new Shape(raw.Extents), values);
    }

    private static void EncoderLayer(GoldenCase test)
    {
        var tape = test.Tape;
        var x = test.Leaf("x");
        bool first = test.Flag(
            "norm_first", test.Name.Contains("pre_norm", StringComparison.Ordinal));
        if (test.Integer("d_model", x.Shape.Last) != x.Shape.Last)
        {
            throw new NotBuiltException("an input of another width than d_model");
        }
        string activation = test.Text("activation", "relu");
        var function = Array.Find([.. UnaryOps.All], op => op.Name == activation)
            ?? throw new NotBuiltException($"activation {activation}");
        var settings = new AttentionSettings(test.Integer("heads", 1))
        {
            PairMask = Mask(test, "src_mask"),
            KeyMask = Mask(test, "src_key_padding_mask"),
        };
        float epsilon = (float)test.Number("layer_norm_eps", 1e-5);
        Tensor Linear(Tensor input, string name) => tape.Linear(
            input, test.Leaf($"{name}_weight", Layout.Transposed),
            test.OptionalLeaf($"{name}_bias"));
        Tensor Norm(Tensor input, string name) => tape.LayerNorm(
            input, test.Leaf($"{name}_weight"), test.OptionalLeaf($"{name}_bias"), epsilon);
        Tensor Attend(Tensor input) => Linear(
            tape.SelfAttention(Linear(input, "self_attn_in_proj"), settings),
            "self_attn_out_proj");
        Tensor Dense(Tensor input)
        {
            var hidden = tape.Unary(function, Linear(input, "linear1"));
            if (test.Integer("ffn", hidden.Shape.Last) != hidden.Shape.Last)
            {
                throw new NotBuiltException("a hidden layer of another width than ffn");
            }
            return Linear(hidden, "linear2");
        }

        var h = first
            ? tape.Add(x, Attend(Norm(x, "norm1"))) : Norm(tape.Add(x, Attend(x)), "norm1");
        test.Finish(first
            ? tape.Add(h, Dense(Norm(h, "norm2"))) : Norm(tape.Add(h, Dense(h)), "norm2"));
    }

    private static void Embedding(GoldenCase test)
    {
        var ids = test.Raw("ids");
        int padding = test.Integer("padding_idx", -1);
        var w = test.Leaf("w");
        if (ids.Integers is not { } values)
        {
            throw new NotBuiltException("ids are not made of integers");
        }
        // A padding row is read like any other, but gets no gradient: it reads zeros here.
        if (padding != -1 && Array.Exists(
            w.ToArray()[(padding * w.Shape[1])..((padding + 1) * w.Shape[1])], v => v != 0))
        {
            throw new NotBuiltException("a padding row that is not zero");
        }
        var masked = Array.ConvertAll(values, id => id == padding ? -1 : id);
        test.Finish(test.Tape.Gather(w, test.Tape.Input(new Shape(ids.Extents), masked)));
    }
}
