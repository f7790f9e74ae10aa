// Reference cases of normalisation. Channels are the second dimension of the reference's tensors,
// except in layer and RMS norm, where the last ones are what is normalised on either side.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenNorms
{
    public static readonly GoldenRow[] Rows =
    [
        .. BatchNorms("batch_norm", "batch_norm1d", "batch_norm2d", "batch_norm3d"),
        new("layer_norm", "x y", test =>
        {
            var (x, w, b) = (test.Leaf("x"), test.OptionalLeaf("w"), test.OptionalLeaf("b"));
            test.Finish(test.Tape.LayerNorm(x, w, b, Epsilon(test), Dimensions(test, w)));
        }),
        new("rms_norm", "x y", test =>
        {
            var (x, w) = (test.Leaf("x"), test.OptionalLeaf("w"));
            test.Finish(test.Tape.RmsNorm(x, w, Epsilon(test), Dimensions(test, w)));
        }),
        new("group_norm", "x y", test => Group(test, test.Integer("groups", 1))),
        new("instance_norm", "x y", test => Group(test, test.Raw("x").Extents[1])),
    ];

    private static IEnumerable<GoldenRow> BatchNorms(params string[] names) =>
        names.Select(name => new GoldenRow(name, "x y", Batch)).Reverse();

    /// <summary>Running statistics are the case's, or what a new layer starts with.</summary>
    private static void Batch(GoldenCase test)
    {
        var layout = Channels(test);
        var (x, w, b) = (test.Leaf("x", layout), test.OptionalLeaf("w"), test.OptionalLeaf("b"));
        var mean = Running(test, "running_mean", x.Shape.Last, 0);
        var variance = Running(test, "running_var", x.Shape.Last, 1);
        float epsilon = Epsilon(test), momentum = (float)test.Number("momentum", 0.1);
        bool training = test.Flag(
            "training", !test.Name.EndsWith("_eval", StringComparison.Ordinal));
        if (!training)
        {
            test.Finish(test.Tape.BatchNormGiven(x, w, b, mean, variance, epsilon), layout);
            return;
        }
        var y = test.Tape.BatchNorm(x, w, b, mean, variance, epsilon, momentum);
        foreach (var (name, running) in (ReadOnlySpan<(string, Tensor)>)
            [("running_mean_after", mean), ("running_var_after", variance)])
        {
            if (test.Has(name))
            {
                test.Also(name, running.ToArray());
            }
        }
        test.Finish(y, layout);
    }

    private static void Group(GoldenCase test, int groups)
    {
        var layout = Channels(test);
        var (x, w, b) = (test.Leaf("x", layout), test.OptionalLeaf("w"), test.OptionalLeaf("b"));
        test.Finish(test.Tape.GroupNorm(x, w, b, groups, Epsilon(test)), layout);
    }

    private static Layout Channels(GoldenCase test)
    {
        int rank = test.Raw("x").Extents.Length;
        return rank == 2 ? Layout.Same : Layout.Spatial(rank);
    }

    private static float Epsilon(GoldenCase test) => (float)test.Number("eps", 1e-5);

    /// <summary>What is normalised has the shape of the scale.</summary>
    private static int Dimensions(GoldenCase test, Tensor? w) =>
        test.Numbers("normalized_shape")?.Length ?? w?.Shape.Rank ?? 1;

    private static Tensor Running(GoldenCase test, string name, int channels, float otherwise)
    {
        if (test.Has(name))
        {
            return test.Constant(name);
        }
        var values = new float[channels];
        Array.Fill(values, otherwise);
        return test.Tape.Input(new Shape(channels), values);
    }
}
