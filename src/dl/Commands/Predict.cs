// `dl predict`: apply a model to new data.
using Dl.Cli.Options;
using Dl.Cli.Terminal;
using Dl.Data.Formats.Output;
using Dl.Training;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class PredictCommand
{
    public static readonly ArgumentSpec Model = new(
        "MODEL", "a model file of dl fit", 1, Many: false);

    public static readonly ArgumentSpec Input =
        new("INPUT", "tables, images or folders; - or nothing is stdin", 0, Many: true);

    public static readonly OptionSpec Paths = new(
        "paths", "names of pictures to read, one a line; - is stdin")
    {
        Kind = ValueKind.Path, Value = "FILE",
        More = "Relative to the current folder. Names ended by NUL, as `find -print0` writes them, "
            + "are understood too. Each name is answered as it comes.",
    };

    public static readonly OptionSpec Top = new("top", "print the K likeliest classes")
    {
        Kind = ValueKind.Integer, Value = "K", Min = 1, Max = int.MaxValue,
        More = "With `--score`: a label counts as found when it is among the K likeliest.",
    };

    public static readonly OptionSpec Probabilities = new(
        "proba", "print the probability of every class")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec Score = new("score", "compare with labels found in the input")
    {
        Kind = ValueKind.Flag,
        More = "Prints the task's metrics (`dl info --list metrics`) with their 95 % confidence "
            + "intervals, and for classes which label was taken for which, instead of the "
            + "predictions. Shares of right rows have Wilson's interval, the others a "
            + "bias-corrected bootstrap's. What the data cannot tell, such as the area under the "
            + "ROC curve of a single class, is null in JSON.",
    };

    public static readonly OptionSpec Against = new(
        "against", "with --score: compare with a second model")
    {
        Kind = ValueKind.Path, Value = "OTHER.dlm",
        More = "On the same rows: the second model's metrics, the differences (first minus second) "
            + "with a 95 % interval and a two-sided p-value from a paired bootstrap, and for "
            + "classes McNemar's exact test. Both models have to have the same target and labels.",
    };

    public static readonly OptionSpec McDropout = new(
        "mc-dropout", "average N passes with dropout on")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 2, Max = 100_000,
        More = "Monte Carlo dropout: adds columns of uncertainty as `--uncertainty` does. A row's "
            + "answer depends on --seed and the row's number alone.",
    };

    public static readonly OptionSpec Uncertainty = new(
        "uncertainty", "add columns that say how sure it is")
    {
        Kind = ValueKind.Flag,
        More = "For an ensemble, or with `--mc-dropout`. Numbers: the standard deviation over the "
            + "answers, TARGET_std. Classes: entropy of the average (in nats), mutual_information "
            + "(the part of it that is disagreement), and proba_std, the standard deviation of "
            + "the predicted label's probability. Sets of labels: the first two.",
    };

    public static readonly OptionSpec Format = new(
        "format", "form of the predictions [csv, or as the output file ends]")
    {
        Value = "FORM", Allowed = OutputForm.All,
        More = "With `--json` the default is jsonl. Parquet has the ids as texts, or as 64-bit "
            + "numbers of rows, labels as texts and the rest as 32-bit floats; rows leave it by "
            + "groups, not one by one.",
    };

    public static readonly OptionSpec Output = new("output", "write to a file instead of stdout")
    {
        Alias = 'o', Kind = ValueKind.Path, Value = "FILE", Default = "-",
        More = "It appears whole or not at all. A name that ends in .gz or .br is packed.",
    };

    public static readonly OptionSpec BatchSize = new("batch-size", "samples a step [by model]")
    {
        Alias = 'b', Kind = ValueKind.Integer, Value = "N", Min = 1, Max = int.MaxValue,
    };

    public static readonly CommandSpec Spec = new("predict", "Apply a model to new data")
    {
        Usage = ["MODEL.dlm [INPUT...|-] [OPTION...]"],
        Arguments = [Model, Input],
        Groups =
        [
            new("Predictions", Top, Probabilities, Uncertainty, McDropout, Score, Against, Format,
                Output, Json),
            new("Running", Paths, BatchSize, OnBadData, CommonOptions.Device, Precision,
                CommonOptions.Memory, Threads,
                CommonOptions.Seed),
            General,
        ],
        Examples =
        [
            new("dl predict iris.dlm new-flowers.csv", "A line of CSV for every row of the table."),
            new("(head -n 1 iris.csv; tail -n 5 iris.csv) | dl predict iris.dlm --proba",
                "Rows on a pipe, below their header, with the probability of every class."),
            new("dl predict fashion.dlm fashion-mnist/ --score --json",
                "Accuracy on labelled data as JSON."),
            new("dl predict --score new.dlm --against old.dlm test.csv",
                "Is the new model better than the old one, or lucky?"),
            new("dl predict flowers.dlm photos/*.jpg --top 3 --format jsonl",
                "The three likeliest classes of each photograph."),
            new("find . -name '*.png' | dl predict digits.dlm --paths -",
                "Every picture below this folder."),
        ],
        Run = Run,
    };

    /// <summary>As said; else by `--json`, or by the ending of the output file.</summary>
    private static string FormatOf(Values values) => values.Text(Format)
        ?? (values.Flag(Json) ? OutputForm.JsonLines
            : OutputForm.Of(values.Text(Output)!) ?? OutputForm.Csv);

    private static int Run(Session session)
    {
        Values values = session.Values;
        var options = new PredictOptions
        {
            Model = values.Argument(Model),
            Inputs = values.Arguments(Input),
            Paths = values.Text(Paths),
            Format = FormatOf(values),
            Top = values.Integer(Top),
            Probabilities = values.Flag(Probabilities),
            Score = values.Flag(Score),
            Against = values.Text(Against),
            McDropout = values.Integer(McDropout),
            Uncertainty = values.Flag(Uncertainty),
            Json = values.Flag(Json),
            Output = values.Text(Output),
            BatchSize = values.Integer(BatchSize),
            SkipBad = values.Text(OnBadData) == "skip",
            Device = values.Text(CommonOptions.Device)!,
            Threads = values.Integer(Threads),
            Seed = (ulong)values.Long(CommonOptions.Seed)!.Value,
        };
        if (!options.Score)
        {
            BinaryOutput.Check(options.Format, options.Output!);
        }
        using var stuck = session.EndWhenStuck(options.Output != "-");
        PredictJob.Run(options, Devices.Chooser(session), session.OutStream, session.Log,
            session.Token);
        return 0;
    }
}
