// Which op a reference case is about. A case belongs to the first row whose name it has (or begins
// with, before an underscore) and whose tensors it brings; the rows say how to call the op. Each
// family of ops has its rows in a file of its own.
using Dl.Ops;

namespace Dl.Verification;

/// <summary>Runs the cases of one name.</summary>
/// <param name="Tensors">What a case has to bring to be this one.</param>
internal sealed record GoldenRow(string Name, string Tensors, Action<GoldenCase> Run);

internal static class GoldenOps
{
    /// <summary>Longer names stand before the shorter ones that they begin with.</summary>
    private static readonly GoldenRow[] Rows =
    [
        .. GoldenConvolutions.Rows,
        .. GoldenPools.Rows,
        .. GoldenNorms.Rows,
        .. GoldenRecurrent.Rows,
        .. GoldenAttention.Rows,
        .. GoldenLosses.Rows,
        .. GoldenOptimizers.Rows,
        .. GoldenSchedules.Rows,
        new("log_softmax", "x y", test => test.Finish(test.Tape.LogSoftmax(test.Leaf("x")))),
        new("softmax", "x y", test => test.Finish(test.Tape.Softmax(test.Leaf("x")))),
    ];

    /// <summary>How to run the case, or null where nothing here has its name.</summary>
    public static Action<GoldenCase>? Find(GoldenCase test)
    {
        foreach (var row in Rows)
        {
            if (Matches(test, row.Name)
                && row.Tensors.Split(' ').All(name => test.Tensors.Contains(name)))
            {
                return row.Run;
            }
        }
        UnaryOp? best = null;
        foreach (var op in UnaryOps.All)
        {
            bool fits = Matches(test, op.Name) || Matches(test, op.Name.Replace("_", ""));
            if (fits && op.Name.Length > (best?.Name.Length ?? 0))
            {
                best = op;
            }
        }
        return best is null || !test.Tensors.Contains("x") || !test.Tensors.Contains("y")
            ? null : tested => Activation(tested, best);
    }

    private static bool Matches(GoldenCase test, string name) =>
        test.Name.StartsWith(name, StringComparison.Ordinal)
        && (test.Name.Length == name.Length || test.Name[name.Length] == '_');

    private static void Activation(GoldenCase test, UnaryOp op)
    {
        double alpha = test.Number("negative_slope", test.Number("alpha", op.Alpha));
        test.Finish(test.Tape.Unary(op, test.Leaf("x"), (float)alpha));
    }
}
