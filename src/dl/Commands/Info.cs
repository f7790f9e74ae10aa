// `dl info`: look inside models, data, devices and registries.
using System.Text.Json;
using Dl.Cli.Options;
using Dl.Cli.Terminal;
using Dl.Data;
using Dl.Files;
using Dl.Training;
using Dl.Training.Watching;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class InfoCommand
{
    public static readonly ArgumentSpec Subject =
        new("WHAT", "a model file, or data as dl-data(5) describes", 0, Many: true);

    public static readonly OptionSpec Devices = new("devices", "list the devices to compute on")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec List = new("list", "list what has names")
    {
        Value = "KIND", Registry = "kinds",
        More = "`dl info --list kinds` prints the kinds there are.",
    };

    public static readonly OptionSpec Log = new("log", "draw the curves of a log of fit --log")
    {
        Kind = ValueKind.Path, Value = "FILE.csv",
        More = "Losses and the main metric by epoch, as text; the file may still be growing, so "
            + "`watch dl info --log FILE.csv` follows a training. With `--json` an object for "
            + "each epoch.",
    };

    public static readonly CommandSpec Spec = new("info", "Look inside models, data and dl itself")
    {
        Usage = ["MODEL.dlm [OPTION...]", "DATA... [OPTION...]", "--devices", "--list KIND",
            "--log FILE.csv"],
        Arguments = [Subject],
        Groups = [new("What", Devices, List, Log, CommonOptions.Decimal, TableMemory,
            Scratch, Json), General],
        Examples =
        [
            new("dl info iris.dlm", "Layers, parameters, labels and metrics of a model."),
            new("dl info --json iris.dlm | jq .graph", "The graph alone."),
            new("dl info titanic.csv", "Columns, their types and what is missing."),
            new("dl info --devices", "What dl can compute on."),
            new("dl info --list models", "Architectures that --model knows."),
            new("dl info --log train.csv", "Loss and accuracy by epoch, drawn on the terminal."),
        ],
        Run = Run,
    };

    private static int Run(Session session)
    {
        Values values = session.Values;
        string[] subjects = values.Arguments(Subject);
        string? kind = values.Text(List);
        string? log = values.Text(Log);
        int asked = (subjects.Length > 0 ? 1 : 0) + (kind is null ? 0 : 1)
            + (values.Flag(Devices) ? 1 : 0) + (log is null ? 0 : 1);
        if (asked != 1)
        {
            throw new UsageException(
                $"info: {(asked == 0 ? "nothing" : "more than one thing")} asked for; give one of "
                + "MODEL.dlm, DATA, --devices, --list KIND and --log FILE.csv");
        }
        if (log is not null)
        {
            TrainingLog epochs = TrainingLog.Read(log);
            session.Out.Write(values.Flag(Json)
                ? epochs.Json()
                : TextPlot.Draw(epochs, Screen.Width, Screen.Plain));
            return 0;
        }
        if (kind is not null)
        {
            Registries.Print(kind, values.Flag(Json), session.Out);
            return 0;
        }
        if (values.Flag(Devices))
        {
            Cli.Devices.Print(session, values.Flag(Json));
            return 0;
        }
        session.Out.Write(Describe(session, subjects, values.Flag(Json)));
        return 0;
    }

    private static string Describe(Session session, string[] subjects, bool json)
    {
        using LoadedModel? model = Subjects.Model(subjects);
        if (model is not null)
        {
            return json ? ModelJson.Write(model.Document) + "\n" : ModelReport.Text(model);
        }
        using TrainingData opened = Subjects.Data(session, subjects, skipBad: true);
        DataDescription data = opened.Describe();
        return json
            ? JsonSerializer.Serialize(data, DataJson.Default.DataDescription) + "\n"
            : Descriptions.Data(data);
    }
}
