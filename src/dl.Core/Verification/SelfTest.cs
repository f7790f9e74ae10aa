// Runs every primitive of a device against its definition in plain loops: `dl check --selftest`.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Dl.Tensors;

namespace Dl.Verification;

/// <summary>What became of one primitive.</summary>
/// <param name="Cases">How many calls were compared.</param>
/// <param name="MaxError">Largest norm(difference) / norm(reference) of them.</param>
/// <param name="Gflops">Speed at a representative size where arithmetic is the limit.</param>
/// <param name="GigabytesPerSecond">Speed where memory is the limit.</param>
/// <param name="Failures">`SIZES: what was wrong`, one for each failed case; empty when ok.</param>
public sealed record SelfTestResult(
    string Primitive, string Device, int Cases, double MaxError, double? Gflops,
    double? GigabytesPerSecond, IReadOnlyList<string> Failures)
{
    public bool Ok => Failures.Count == 0;

    /// <summary>One line: `ok    MatMul  138 cases  error 2.1e-07  105.2 GFLOP/s`.</summary>
    public override string ToString()
    {
        string speed = Gflops is { } gflops ? $"  {gflops,7:F1} GFLOP/s"
            : GigabytesPerSecond is { } bytes ? $"  {bytes,7:F1} GB/s" : "";
        string first = Ok ? "" : $"  {Failures.Count} failed, first {Failures[0]}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{(Ok ? "ok  " : "FAIL")}  {Primitive,-28} {Cases,4} cases  error {MaxError:0.0e+00}"
            + $"{speed}{first}");
    }

    /// <summary>The line of `--json`; an infinite error is written as null.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("primitive", Primitive);
            json.WriteString("device", Device);
            json.WriteNumber("cases", Cases);
            json.WritePropertyName("max_error");
            JsonNumbers.Write(json, MaxError);
            json.WriteBoolean("ok", Ok);
            WriteSpeed(json, "gflops", Gflops);
            WriteSpeed(json, "gb_per_s", GigabytesPerSecond);
            if (!Ok)
            {
                json.WriteString("failure", Failures[0]);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteSpeed(Utf8JsonWriter json, string key, double? value)
    {
        if (value is { } speed)
        {
            json.WriteNumber(key, Math.Round(speed, 2));
        }
    }
}

/// <summary>Every primitive against its definition.</summary>
public static class SelfTest
{
    /// <summary>The families, in the order in which they are reported.</summary>
    private static readonly Func<IEnumerable<Case>>[] Families =
    [
        ElementwiseCases.All,
        ReduceCases.All,
        CopyCases.All,
        IndexCases.All,
        MatMulCases.All,
        ConvolutionCases.All,
        PoolingCases.All,
        ResizeCases.All,
        NormCases.All,
        SoftmaxCases.All,
        SoftmaxLossesCases.All,
        CtcCases.All,
        RecurrentCases.All,
        SequenceCases.All,
        AttentionCases.All,
        RotaryCases.All,
        RandomCases.All,
        OptimizerStepCases.All,
        AveragingCases.All,
        PeakCases.All,
    ];

    /// <summary>Names of the primitives that have cases.</summary>
    public static IReadOnlyList<string> Primitives { get; } =
        [.. AllCases().Select(test => test.Primitive).Distinct()];

    /// <summary>Tests a device and reports each primitive as it is done.</summary>
    /// <param name="only">One primitive, or null for all of them.</param>
    /// <param name="timed">False leaves out speeds and the large cases behind them.</param>
    /// <returns>The number of primitives that failed.</returns>
    /// <exception cref="UsageException"><paramref name="only"/> is no primitive.</exception>
    public static int Run(
        Device device, Action<SelfTestResult> report, string? only = null, bool timed = true)
    {
        if (only is not null
            && !Primitives.Contains(only, StringComparer.OrdinalIgnoreCase))
        {
            throw new UsageException(Nearest.Unknown("primitive", only, Primitives));
        }
        int failed = 0;
        foreach (string primitive in Primitives)
        {
            if (only is null || only.Equals(primitive, StringComparison.OrdinalIgnoreCase))
            {
                var result = RunPrimitive(device, primitive, timed);
                failed += result.Ok ? 0 : 1;
                report(result);
            }
        }
        return failed;
    }

    /// <summary>The last line of `--json`.</summary>
    public static string SummaryJson(int failed) =>
        $$"""{"ok": {{(failed == 0 ? "true" : "false")}}, "failed": {{failed}}}""";

    internal static IEnumerable<Case> AllCases() => Families.SelectMany(family => family());

    private static SelfTestResult RunPrimitive(Device device, string primitive, bool timed)
    {
        int cases = 0;
        double maxError = 0;
        double? gflops = null, gigabytes = null;
        var failures = new List<string>();
        foreach (var test in AllCases().Where(test => test.Primitive == primitive))
        {
            if (test.IsTimed && !timed)
            {
                continue;
            }
            cases++;
            var outcome = Check(device, test);
            maxError = Math.Max(maxError, outcome.Error);
            if (outcome.Fault is not null)
            {
                failures.Add($"{test.Sizes}: {outcome.Fault}");
            }
            else if (!(outcome.Error <= test.BoundOn(device)))
            {
                failures.Add(string.Create(CultureInfo.InvariantCulture,
                    $"{test.Sizes}: error {outcome.Error:0.0e+00}, "
                    + $"bound {test.BoundOn(device):0e+00}"));
            }
            else if (test.IsTimed)
            {
                double seconds = CaseRunner.Time(device, test);
                gflops = test.Flops > 0 ? test.Flops / seconds * 1e-9 : gflops;
                gigabytes = test.Bytes > 0 ? test.Bytes / seconds * 1e-9 : gigabytes;
            }
        }
        // The pool would keep a buffer of every size that any primitive was tested at.
        device.Trim();
        return new SelfTestResult(
            primitive, device.Name, cases, maxError, gflops, gigabytes, failures);
    }

    /// <summary>A device that throws has failed the case, not the whole report.</summary>
    private static CaseOutcome Check(Device device, Case test)
    {
        try
        {
            return CaseRunner.Check(device, test);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A compiler's log has many lines; a report line is one.
            string message = error.Message.ReplaceLineEndings("; ");
            return new CaseOutcome(
                double.PositiveInfinity, $"{error.GetType().Name}: {message}");
        }
    }
}
