// Reference cases of normalisation.
namespace Dl.Verification;

internal static class GoldenNorms
{
    public static readonly GoldenRow[] Rows = [];
}
