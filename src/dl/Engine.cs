// Where the commands meet the engine: each method fills an options record, calls one method of
// dl.Core and prints what it returns.
using Dl.Training;

namespace Dl.Cli;

internal static class Engine
{
    public static int Fit(FitOptions options, Session session) => throw Missing("fit");

    public static int Predict(Session session) => throw Missing("predict");

    public static int Gen(Session session) => throw Missing("gen");

    public static int Info(Session session) => throw Missing("info");

    public static int Check(Session session) => throw Missing("check");

    private static DlException Missing(string what) =>
        new($"{what}: the engine of this build does not have it");
}
