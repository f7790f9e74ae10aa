// Where the commands meet the engine: each method fills an options record, calls one method of
// dl.Core and prints what it returns.
namespace Dl.Cli;

internal static class Engine
{
    public static int Predict(Session session) => throw Missing("predict");

    private static DlException Missing(string what) =>
        new($"{what}: the engine of this build does not have it");
}
