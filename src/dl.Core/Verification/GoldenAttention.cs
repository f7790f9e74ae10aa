// Reference cases of attention and embeddings.
using Dl.Ops;

namespace Dl.Verification;

internal static class GoldenAttention
{
    public static readonly GoldenRow[] Rows =
    [
        new("embedding", "w ids y", test =>
            test.Finish(test.Tape.Gather(test.Leaf("w"), test.Indices("ids")))),
    ];
}
