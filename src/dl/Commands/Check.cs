// `dl check`: find what is wrong before it costs a night.
using Dl.Cli.Options;
using Dl.Data;
using Dl.Data.Checks;
using Dl.Files;
using Dl.Models;
using Microsoft.Extensions.Logging;
using static Dl.Cli.Options.CommonOptions;
using Device = Dl.Tensors.Device;

namespace Dl.Cli.Commands;

internal static class CheckCommand
{
    public static readonly ArgumentSpec Subject =
        new("WHAT", "a model file, or data as dl-data(5) describes", 0, Many: true);

    public static readonly OptionSpec SelfTest = new(
        "selftest", "prove a device against the reference")
    {
        Kind = ValueKind.Flag,
        More = "Runs every primitive on the device of `--device` and prints how far it is from "
            + "the reference and how fast it is.",
    };

    public static readonly OptionSpec Golden = new(
        "golden", "hold a device to reference values in a folder")
    {
        Kind = ValueKind.Path, Value = "DIR",
        More = "The folder has an `index.json` and safetensors files with inputs, outputs and "
            + "gradients computed elsewhere. A line a case: ok, FAIL or not built.",
    };

    public static readonly OptionSpec All = new("all", "show every place, not the first few")
    {
        Kind = ValueKind.Flag,
        More = "Also with `--json`, where otherwise the first 1000 of each kind are printed.",
    };

    public static readonly OptionSpec Fix = new("fix", "write what can be repaired to -o CLEAN")
    {
        Kind = ValueKind.Flag,
        More = "Of a table: leaves out ragged, unreadable and duplicate rows, rows without a "
            + "target, with infinite numbers or texts for numbers, and columns that are constant "
            + "or empty; spells labels and categories alike, writes missing values as empty cells, "
            + "dates as 2024-05-17 and text in UTF-8, and gives every column a name of its own. Of "
            + "a folder of pictures: links or copies the good ones, each once, under names that "
            + "end as their format does. The source is never changed. What was left out is counted "
            + "on stderr, and every change is a line in CLEAN.log.",
    };

    public static readonly OptionSpec Output = new("output", "the file or folder for --fix")
    {
        Alias = 'o', Kind = ValueKind.Path, Value = "CLEAN",
        More = "A table's form is that of the name: `.csv`, `.tsv`, `.jsonl` or `.parquet`, each "
            + "possibly with `.gz` or `.br`. Data in parts, and pictures, need a folder, which has "
            + "to be new or empty.",
    };

    public static readonly CommandSpec Spec = new(
        "check", "Find what is wrong with data, models or devices")
    {
        Usage =
        [
            "DATA... [OPTION...]", "DATA... --fix -o CLEAN [OPTION...]", "MODEL.dlm [OPTION...]",
            "--selftest [--device DEVICE]", "--golden DIR [--device DEVICE]",
        ],
        Arguments = [Subject],
        Groups =
        [
            new("Data", FitOptionSpecs.Target, FitOptionSpecs.Ignore, FitOptionSpecs.Task,
                FitOptionSpecs.Validation, FitOptionSpecs.Test, CommonOptions.Decimal),
            new("Devices", SelfTest, Golden, CommonOptions.Device, Precision, Threads),
            new("Repair", Fix, Output),
            new("Report", All, Json),
            General,
        ],
        Examples =
        [
            new("dl check photos/", "Damaged, blank and duplicate pictures, classes and labels."),
            new("dl check titanic.csv --target survived",
                "Ragged rows, typing errors, columns that repeat the target, and more."),
            new("dl check raw.csv --target price --fix -o clean.csv",
                "The same table without what is wrong with it, and clean.csv.log."),
            new("dl check data/ --json | jq -r 'select(.severity==\"error\").place'",
                "Where the errors are."),
            new("dl check iris.dlm", "Reads a model file and looks for damage."),
            new("dl check --selftest --device opencl:0", "Is this device to be trusted?"),
        ],
        Run = Run,
    };

    private static int Run(Session session)
    {
        bool subjects = session.Values.Arguments(Subject).Length > 0;
        string? golden = session.Values.Text(Golden);
        int asked = (subjects ? 1 : 0) + (golden is null ? 0 : 1)
            + (session.Values.Flag(SelfTest) ? 1 : 0);
        if (asked != 1)
        {
            throw new UsageException(
                "check: give one of DATA, MODEL.dlm, --selftest and --golden DIR");
        }
        bool json = session.Values.Flag(Json);
        return subjects ? TryFiles(session, json)
            : golden is null ? CheckDevice(session, json)
            : CheckGolden(session, golden, json);
    }

    private static int CheckDevice(Session session, bool json)
    {
        using Device device = Devices.Chooser(session).Open(
            session.Values.Text(CommonOptions.Device)!, 0, session.Values.Integer(Threads));
        session.Log.LogInformation("{Device}: {What}", device.Name, device.Description);
        int failed = Verification.SelfTest.Run(device, result =>
        {
            session.Token.ThrowIfCancellationRequested();
            session.Out.Write((json ? result.ToJson() : result.ToString()) + "\n");
            session.Out.Flush();
        });
        session.Out.Write(json ? Verification.SelfTest.SummaryJson(failed) + "\n"
            : failed == 0 ? "all primitives are right\n" : $"{failed} primitives are wrong\n");
        return failed == 0 ? 0 : 1;
    }

    private static int CheckGolden(Session session, string folder, bool json)
    {
        using Device device = Devices.Chooser(session).Open(
            session.Values.Text(CommonOptions.Device)!, 0, session.Values.Integer(Threads));
        var summary = Verification.Golden.Run(folder, device, result =>
        {
            session.Token.ThrowIfCancellationRequested();
            session.Out.Write((json ? result.ToJson() : result.ToString()) + "\n");
            session.Out.Flush();
        });
        session.Out.Write((json ? summary.ToJson() : $"{device.Name}: {summary}") + "\n");
        return summary.Failed == 0 ? 0 : 1;
    }

    /// <summary>With `--json` what is wrong stands on stdout too, for scripts.</summary>
    private static int TryFiles(Session session, bool json)
    {
        string[] subjects = session.Values.Arguments(Subject);
        if (!Subjects.IsModel(subjects[0]))
        {
            return CheckData(session, subjects, json);
        }
        try
        {
            if (session.Values.Flag(Fix))
            {
                throw new UsageException("--fix: mends data; a model can only be trained again");
            }
            CheckModel(subjects);
        }
        catch (DlException error) when (json)
        {
            session.Out.Write(
                JsonLine.Object(("ok", false), ("error", error.Message)) + "\n");
            session.Out.Flush();
            throw;
        }
        session.Out.Write(json ? "{\"ok\": true}\n" : $"{string.Join(", ", subjects)}: ok\n");
        return 0;
    }

    /// <summary>A bad model ends in a DataException, which gives exit code 3.</summary>
    private static void CheckModel(string[] subjects)
    {
        using LoadedModel model = Subjects.Model(subjects)!;
        using Device cpu = Devices.Chooser().Open("cpu", 0, 1);
        using Model weights = model.CreateModel(cpu);
        foreach (var parameter in weights.Weights.All)
        {
            if (!Array.TrueForAll(parameter.Tensor.ToArray(), float.IsFinite))
            {
                throw new DataException(
                    $"{subjects[0]}: '{parameter.Name}' holds NaN or infinity; train again "
                    + "with a lower --lr");
            }
        }
    }

    private static int CheckData(Session session, string[] subjects, bool json)
    {
        bool all = session.Values.Flag(All);
        string? output = session.Values.Text(Output);
        if (session.Values.Flag(Fix) != output is not null)
        {
            throw new UsageException("check: --fix and -o CLEAN go together");
        }
        var findings = new Findings(all ? int.MaxValue : Findings.UsuallyKept);
        DataOptions options = ToOptions(session.Values);
        DataFix? fix = null;
        if (output is null)
        {
            DataCheck.Run(options, findings, session.Token);
        }
        else
        {
            fix = DataCheck.RunToFix(options, findings, output, session.Token);
        }
        if (!json)
        {
            session.Out.Write(CheckReport.Text(string.Join(", ", subjects), findings, all));
            session.Out.Flush();
        }
        FixResult? result = fix?.Write(
            AtomicFile.Write, AtomicFile.WriteFolder, session.Token);
        if (json)
        {
            session.Out.Write(CheckReport.Json(findings, result));
            session.Out.Flush();
        }
        if (result is not null)
        {
            Say(session.Log, result, output!, fix!.LogFile);
        }
        return CheckReport.Remaining(findings, fixedNow: result is not null) is string error
            ? throw new DataException(error)
            : 0;
    }

    private static void Say(ILogger log, FixResult result, string output, string logFile)
    {
        foreach ((string what, long count) in result.Mended)
        {
            log.LogInformation("mended: {What}: {Count}", what, count);
        }
        foreach ((string what, long count) in result.LeftOut)
        {
            log.LogWarning("left out: {What}: {Count}", what, count);
        }
        log.LogInformation(
            "{Output}: {Kept} {Unit}; every change is in {Log}", output, result.Kept, result.Unit,
            logFile);
    }

    private static DataOptions ToOptions(Values values) => new()
    {
        Inputs = values.Arguments(Subject),
        Target = values.List(FitOptionSpecs.Target),
        Ignore = values.List(FitOptionSpecs.Ignore),
        Task = values.Text(FitOptionSpecs.Task),
        Validation = values.Text(FitOptionSpecs.Validation),
        Test = values.Text(FitOptionSpecs.Test),
        DecimalComma = values.Text(CommonOptions.Decimal) == "comma",
    };
}
