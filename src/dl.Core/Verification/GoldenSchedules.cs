// Reference curves of learning rates.
namespace Dl.Verification;

internal static class GoldenSchedules
{
    public static readonly GoldenRow[] Rows = [];
}
