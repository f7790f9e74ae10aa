// Reference cases of recurrent layers.
namespace Dl.Verification;

internal static class GoldenRecurrent
{
    public static readonly GoldenRow[] Rows = [];
}
