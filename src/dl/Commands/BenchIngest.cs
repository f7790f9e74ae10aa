// `dl bench ingest [FILE...]`: how fast tables come into memory.
using System.Globalization;
using Dl.Benchmarks;
using Dl.Cli.Options;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class BenchIngest
{
    public const string Name = "ingest";

    public const string Description = "tables from files into memory, bench ingest [FILE...]";

    private const double UsualSeconds = 1;

    public static void Run(Session session, string[] files)
    {
        bool json = session.Values.Flag(Json);
        if (!json)
        {
            session.Out.Write(
                "table                                 MB       rows  columns    seconds   MB/s  "
                + "MB/s a core\n");
        }
        IngestBench.Run(
            files, session.Values.Number(BenchCommand.Seconds) ?? UsualSeconds,
            decimalComma: false,
            result =>
            {
                session.Out.Write((json ? AsJson(result) : AsText(result)) + "\n");
                session.Out.Flush();
            },
            session.Token);
    }

    private static string AsJson(IngestResult result) => JsonLine.Object(
        ("workload", Name), ("table", result.Name), ("bytes", result.Bytes),
        ("rows", result.Rows), ("columns", result.Columns), ("passes", result.Passes),
        ("seconds", Math.Round(result.Seconds, 4)),
        ("cpu_seconds", Math.Round(result.CpuSeconds, 4)),
        ("mb_per_s", Math.Round(result.MegabytesPerSecond, 1)),
        ("mb_per_cpu_s", Math.Round(result.MegabytesPerCore, 1)));

    private static string AsText(IngestResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"{result.Name,-32} {result.Bytes / 1e6,7:F1} {result.Rows,10} {result.Columns,8} "
        + $"{result.Seconds,10:F3} {result.MegabytesPerSecond,6:F0} "
        + $"{result.MegabytesPerCore,12:F0}");
}
